using System.Globalization;
using ThinkSound.Media;

namespace ThinkSound.Rendering.Foley;

/// <summary>How a sound came about, written into its file for whoever finds it, and read again.</summary>
internal static class FoleyTags
{
    public const string Model = "thinksound_model", Seed = "thinksound_seed", Caption = "thinksound_caption", ChainOfThought = "thinksound_cot", Settings = "thinksound_settings";

    public static Dictionary<string, string> Of(FoleyPlan plan, FoleyOutput output, ThinkSoundEngine engine)
    {
        FoleyJob job = plan.Job;
        GenerateOptions generate = job.Generate;
        string windows = plan.Duration <= FoleyPlan.LongestPiece && job.Windows?.Length is null ? ""
            : string.Create(CultureInfo.InvariantCulture, $" window={job.Windows?.Length?.TotalSeconds.ToString(CultureInfo.InvariantCulture) ?? "learned"} overlap={(job.Windows ?? new WindowOptions()).Overlap.TotalSeconds}");
        string candidates = generate.Candidates > 1 ? string.Create(CultureInfo.InvariantCulture, $" candidates={generate.Candidates}") : "";
        var tags = new Dictionary<string, string>
        {
            ["thinksound_version"] = ThinkSoundRuntime.Version,
            [Model] = engine.Info.Name,
            [Seed] = output.Seed.ToString(CultureInfo.InvariantCulture),
            [Settings] = string.Create(CultureInfo.InvariantCulture,
                $"steps={generate.Steps} cfg={generate.GuidanceScale} sampler={generate.Sampler} lengths={generate.Lengths} start={job.Start.TotalSeconds:0.######} duration={plan.Duration.TotalSeconds:0.######} loudness={job.Loudness} precision={engine.Info.Precision}{candidates}{windows}"),
        };
        foreach (var (key, text) in (IEnumerable<(string, string?)>)
                 [
                     (Caption, job.Conditions.Caption), (ChainOfThought, job.Conditions.ChainOfThought),
                     ("thinksound_negative", job.Conditions.NegativeCaption), ("thinksound_negative_cot", job.Conditions.NegativeChainOfThought),
                     ("thinksound_license", engine.Bundle.License),
                 ])
            if (!string.IsNullOrEmpty(text)) tags[key] = text;
        return tags;
    }

    /// <summary>One tag a line, for formats that hold a comment only (WAV).</summary>
    public static string ToComment(IReadOnlyDictionary<string, string> tags) => string.Join('\n', tags.Select(tag => $"{tag.Key}: {tag.Value}"));

    /// <summary>A tag of a file, wherever its format keeps it: at the file, at the sound (Ogg), or in the comment; null if it has none.</summary>
    public static string? Find(MediaInfo media, string key)
    {
        foreach (var tags in (IEnumerable<IReadOnlyDictionary<string, string>?>)[media.Tags, media.Audio?.Tags])
        {
            if (tags is null) continue;
            if (tags.TryGetValue(key, out string? value)) return value;
            if (!tags.TryGetValue("comment", out string? comment)) continue;
            foreach (string line in comment.Split('\n'))
                if (line.StartsWith(key + ": ", StringComparison.Ordinal)) return line[(key.Length + 2)..].TrimEnd('\r');
        }
        return null;
    }
}
