using System.Text.Json.Serialization;

namespace ThinkSound.Projects;

/// <summary>Levels of tracks. Makes no sound of its own.</summary>
public sealed record MixPayload : OperationPayload
{
    /// <summary>"mix".</summary>
    public const string KindName = "mix";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => KindName;

    /// <summary>A change for each track that is touched.</summary>
    public IReadOnlyList<TrackMix> Changes { get; init; } = [];
}

/// <summary>What becomes of one track; null leaves as it is.</summary>
public sealed record TrackMix
{
    /// <summary>The <see cref="Projects.Track.Id"/>.</summary>
    public required string Track { get; init; }
    /// <summary>See <see cref="Projects.Track.GainDb"/>.</summary>
    public double? GainDb { get; init; }
    /// <summary>See <see cref="Projects.Track.IsMuted"/>.</summary>
    public bool? IsMuted { get; init; }
    /// <summary>One pan from begin to end, −1 to 1.</summary>
    public double? Pan { get; init; }
}
