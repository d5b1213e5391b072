using System.Text.Json.Serialization;

namespace ThinkSound.Projects;

/// <summary>Stage one: the whole soundscape of the video. Its sound becomes the track <see cref="Track.Bed"/>; other tracks stay.</summary>
public sealed record FoleyPayload : OperationPayload
{
    /// <summary>"foley".</summary>
    public const string KindName = "foley";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => KindName;

    /// <summary>How the model is used.</summary>
    public GenerationSettings Generation { get; init; } = new();

    /// <summary>The user's own words; null leaves them to the reasoning.</summary>
    public OwnWords? Words { get; init; }
}
