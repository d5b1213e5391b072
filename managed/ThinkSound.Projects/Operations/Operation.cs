using System.Text.Json.Serialization;

namespace ThinkSound.Projects;

/// <summary>Something that was done to a project: what was asked, what was thought, what came out. Never changed afterwards; undo
/// only moves the project's head.</summary>
public sealed record Operation
{
    /// <summary>Counts from 1 in the order in which they were done.</summary>
    public required int Id { get; init; }

    /// <summary>The operation it was done on top of; 0 for the empty project.</summary>
    public int Parent { get; init; }

    /// <summary>What it is, in a line for people.</summary>
    public string Title { get; init; } = "";

    /// <summary>When it was complete.</summary>
    public DateTimeOffset Created { get; init; }

    /// <summary>What was asked.</summary>
    public required OperationPayload Payload { get; init; }

    /// <summary>What was thought before; null if nobody did.</summary>
    [JsonConverter(typeof(ReasoningConverter))]
    public Reasoning.Reasoning? Reasoning { get; init; }

    /// <summary>What came out.</summary>
    public OperationResult Result { get; init; } = new();
}

/// <summary>What an operation did to the tracks. A result that says nothing of a track leaves it, bit for bit.</summary>
public sealed record OperationResult
{
    /// <summary>Tracks as they are now: one of a known <see cref="Track.Id"/> takes the place of the old one, others come last.</summary>
    public IReadOnlyList<Track> Tracks { get; init; } = [];

    /// <summary>Ids of tracks that are gone.</summary>
    public IReadOnlyList<string> Removed { get; init; } = [];

    /// <summary>The model that made the sound; null if none did. Other models make other samples.</summary>
    public ModelIdentity? Model { get; init; }

    /// <summary>What was chosen among candidates, piece by piece; empty where one was made.</summary>
    public IReadOnlyList<CandidateFits> Candidates { get; init => field = value ?? []; } = []; // the serialiser gives null where nothing is said

    /// <summary>What else to know, a sentence each.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
}

/// <summary>What samples depend on beside the project.</summary>
public sealed record ModelIdentity
{
    /// <summary>Of the bundle.</summary>
    public string Name { get; init; } = "";
    /// <summary>Of the bundle's files.</summary>
    public string Fingerprint { get; init; } = "";
    /// <summary>"cpu", "cuda:0".</summary>
    public string Device { get; init; } = "";
    /// <summary>"f32", "bf16", "f16", "int8" or "fp8".</summary>
    public string Precision { get; init; } = "";
    /// <summary>Of the native library.</summary>
    public string Runtime { get; init; } = "";

    /// <summary>What an engine works with. Reads the weights' files, so ask once an engine.</summary>
    /// <exception cref="FileAccessException">A file of the bundle cannot be read.</exception>
    public static ModelIdentity Of(ThinkSoundEngine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return new ModelIdentity
        {
            Name = engine.Info.Name, Fingerprint = engine.Bundle.Fingerprint(), Device = engine.Info.Device, Precision = engine.Info.Precision, Runtime = ThinkSoundRuntime.Version,
        };
    }
}
