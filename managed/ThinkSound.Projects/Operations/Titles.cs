using System.Globalization;

namespace ThinkSound.Projects;

/// <summary>Operations in a line for people.</summary>
internal static class Titles
{
    private const int Longest = 80;

    public static string Of(OperationPayload payload, Reasoning.Reasoning? reasoning) => Cut(payload switch
    {
        FoleyPayload foley => $"foley: {foley.Words?.Caption ?? Caption(reasoning)}",
        ObjectPayload picked => $"object: {picked.Words?.Caption ?? Caption(reasoning)}",
        EditPayload edit => edit.Instruction.Length > 0 ? edit.Instruction : string.Join(", ", edit.Steps.Select(step => $"{step.Action.ToString().ToLowerInvariant()} {step.Target}".TrimEnd())),
        MixPayload mix => string.Join(", ", mix.Changes.Select(Of)),
        _ => payload.Kind,
    });

    private static string Caption(Reasoning.Reasoning? reasoning) => reasoning?.Caption is { Length: > 0 } caption ? caption : "as the video shows it";

    private static string Of(TrackMix change)
    {
        string[] parts =
        [
            .. change.GainDb is { } gain ? [gain.ToString("+0.#;-0.#;0", CultureInfo.InvariantCulture) + " dB"] : (string[])[],
            .. change.IsMuted is { } muted ? [muted ? "muted" : "heard"] : (string[])[],
            .. change.Pan is { } pan ? ["pan " + pan.ToString("+0.##;-0.##;0", CultureInfo.InvariantCulture)] : (string[])[],
        ];
        return $"{change.Track} {string.Join(" ", parts)}";
    }

    private static string Cut(string text)
    {
        text = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)); // one line
        return text.Length <= Longest ? text : text[..(Longest - 1)].TrimEnd() + "…";
    }
}
