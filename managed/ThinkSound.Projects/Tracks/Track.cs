using System.Text.Json.Serialization;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>A stem and how it goes into the mix. The mix is the sum over the tracks in their order; see <see cref="Mixer"/>.</summary>
public sealed record Track
{
    /// <summary>Id of the track that stage one makes.</summary>
    public const string Bed = "bed";

    /// <summary>Its name in the project, small letters, digits and dashes: "bed", "object-3".</summary>
    public required string Id { get; init; }

    /// <summary>For people: "dog".</summary>
    public string Name { get; init; } = "";

    /// <summary>What is heard on it; "" if nobody said.</summary>
    public string Description { get; init; } = "";

    /// <summary>The sound; nothing is heard outside of its extent.</summary>
    public required StemAudio Audio { get; init; }

    /// <summary>Level, −120 to 24 dB.</summary>
    public double GainDb { get; init; }

    /// <summary>Nothing is heard.</summary>
    public bool IsMuted { get; init; }

    /// <summary>Level over time in dB, on top of <see cref="GainDb"/>; empty is 0 dB throughout. Between points the gain (not its dB)
    /// goes in a straight line; before the first and after the last it stays.</summary>
    public IReadOnlyList<AutomationPoint> LevelDb { get; init; } = [];

    /// <summary>Pan over time, −1 (left) to 1 (right), in straight lines; empty is the centre. Left is multiplied by √(1 − pan), right by
    /// √(1 + pan): the centre changes nothing, and the power of a centred sound stays.</summary>
    public IReadOnlyList<AutomationPoint> Pan { get; init; } = [];

    /// <summary>When it makes room for other tracks.</summary>
    public IReadOnlyList<Duck> Ducks { get; init; } = [];
}

/// <summary>A value at a time.</summary>
/// <param name="Time">From the begin of the video. Points are in the order of their times.</param>
/// <param name="Value">dB or pan.</param>
public readonly record struct AutomationPoint([property: JsonPropertyName("time_s")] TimeSpan Time, double Value);

/// <summary>A track is lowered while another one sounds. Outside of the range its samples are untouched.</summary>
public sealed record Duck
{
    /// <summary>For which track; without effect while that one is muted or not there.</summary>
    public required string For { get; init; }
    /// <summary>When; the fades lie inside.</summary>
    public TimeRange Range { get; init; }
    /// <summary>By how much, in dB, above 0.</summary>
    public double AmountDb { get; init; } = 6;
    /// <summary>Length of each fade; at most half of the range.</summary>
    [JsonPropertyName("fade_s")]
    public TimeSpan Fade { get; init; } = TimeSpan.FromMilliseconds(80);
}

/// <summary>Sound that is kept in the project by its content. The same samples are kept once.</summary>
public sealed record StemAudio
{
    /// <summary>SHA-256 of the samples, in hexadecimal: interleaved 32-bit floats, little-endian.</summary>
    public required string Hash { get; init; }
    /// <summary>Sample of the project at which it begins; may lie before 0.</summary>
    public long Start { get; init; }
    /// <summary>Samples per channel.</summary>
    public required long NumSamples { get; init; }
    /// <summary>Sample of the project after its last.</summary>
    [JsonIgnore]
    public long End => Start + NumSamples;
}

/// <summary>Bytes that are kept in the project by their content, such as masks.</summary>
public sealed record StoredBlob
{
    /// <summary>SHA-256 in hexadecimal.</summary>
    public required string Hash { get; init; }
    /// <summary>How many.</summary>
    public required long NumBytes { get; init; }
}
