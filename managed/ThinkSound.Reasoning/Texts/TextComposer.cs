using System.Globalization;

namespace ThinkSound.Reasoning.Texts;

/// <summary>Puts a reasoning into words where nobody did: short sentences as the model was trained on, the main sounds in their order,
/// then the background, the space, what to avoid.</summary>
internal static class TextComposer
{
    private const int CaptionEvents = 3;

    /// <summary>Writes the texts that are empty, as far as there is something to write of.</summary>
    public static Reasoning Complete(Reasoning reasoning)
    {
        if (reasoning.Events.Count == 0) return reasoning;
        return reasoning with
        {
            Caption = reasoning.Caption.Length > 0 ? reasoning.Caption : Caption(reasoning),
            ChainOfThought = reasoning.ChainOfThought.Length > 0 ? reasoning.ChainOfThought : ChainOfThought(reasoning),
        };
    }

    /// <summary>"rubber ball bounces on the floor, birds chirp, in a small room".</summary>
    public static string Caption(Reasoning reasoning)
    {
        string[] loudest = [.. reasoning.Events.OrderByDescending(e => e.Intensity).Take(CaptionEvents).OrderBy(e => e.Start).Select(What).Distinct()];
        return string.Join(", ", loudest) + (reasoning.Space.Place is { Length: > 0 } place ? $", {In(place)}" : "");
    }

    /// <summary>Two to six sentences.</summary>
    public static string ChainOfThought(Reasoning reasoning)
    {
        var sentences = new List<string>();
        SoundEvent[] events = [.. reasoning.Events.Where(e => e.Layer != SoundLayer.Ambience)], ambience = [.. reasoning.Events.Where(e => e.Layer == SoundLayer.Ambience)];
        for (int i = 0; i < events.Length; i++)
        {
            string opening = i == 0 ? "" : events[i].Start < events[i - 1].End ? "Meanwhile " : "Then ";
            sentences.Add($"{opening}{What(events[i])}{How(events[i])}");
        }
        if (ambience.Length > 0) sentences.Add($"throughout, {string.Join(" and ", ambience.Select(e => What(e) + How(e)))} in the background");
        if (Space(reasoning.Space) is { Length: > 0 } space) sentences.Add(space);
        if (reasoning.Avoid.Count > 0) sentences.Add($"avoid {string.Join(", ", reasoning.Avoid)}");
        return string.Join(' ', sentences.Select(sentence => char.ToUpperInvariant(sentence[0]) + sentence[1..].TrimEnd('.') + "."));
    }

    private static string What(SoundEvent e) => Join(" ", e.Object, e.Action) is { Length: > 0 } what ? what : e.Sound;

    private static string How(SoundEvent e)
    {
        string how = Join(", ", e.Object.Length + e.Action.Length > 0 ? e.Sound : "", e.Material);
        return how.Length > 0 ? $": {how}" : "";
    }

    private static string Space(AcousticSpace space)
    {
        string room = space.Reverberation switch { null => "", < 0.3 => "dry", < 1 => "a little reverberation", < 2.5 => "clear reverberation", _ => "long reverberation" };
        return Join(", ", space.Place is { Length: > 0 } place ? $"the sound is heard {In(place)}" : "", room, space.Distance);
    }

    private static string In(string place) =>
        place.Split(' ')[0].ToLowerInvariant() is "in" or "on" or "at" or "inside" or "outside" or "near" or "outdoors" or "indoors" ? place
        : string.Create(CultureInfo.InvariantCulture, $"in {place}");

    private static string Join(string separator, params string[] parts) => string.Join(separator, parts.Where(part => part.Length > 0));
}
