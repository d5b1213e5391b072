namespace ThinkSound.Projects;

/// <summary>Makes the sound of a video, of any length that it can, block by block. The same request gives the same samples on the
/// same model.</summary>
public interface ISoundGenerator
{
    /// <summary>Makes it.</summary>
    /// <param name="request">What to make.</param>
    /// <param name="write">Takes the sound in order, whole frames of left and right, exactly <see cref="SoundRequest.NumSamples"/> of them
    /// in all.</param>
    /// <param name="progress">Told how far it is, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    /// <returns>The model that made it, and what else to know.</returns>
    Task<SoundOutcome> GenerateAsync(SoundRequest request, SoundBlock write, IProgress<ProjectProgress>? progress = null,
                                     CancellationToken cancellationToken = default);
}

/// <summary>Takes a block of interleaved samples.</summary>
public delegate void SoundBlock(ReadOnlySpan<float> interleaved);

/// <summary>A sound to make.</summary>
public sealed record SoundRequest
{
    /// <summary>The video.</summary>
    public required string Video { get; init; }
    /// <summary>Where in it the sound begins.</summary>
    public TimeSpan Start { get; init; }
    /// <summary>Samples per channel to make.</summary>
    public required long NumSamples { get; init; }
    /// <summary>What of the video the model is given.</summary>
    public ConditionStreams Streams { get; init; } = ConditionStreams.Video;
    /// <summary>Words, without features of the video.</summary>
    public required Conditions Conditions { get; init; }
    /// <summary>How the model is used.</summary>
    public required GenerationSettings Generation { get; init; }
    /// <summary>Of the noise.</summary>
    public required ulong Seed { get; init; }
}

/// <summary>What came of a request.</summary>
/// <param name="Model">That made it.</param>
/// <param name="Notices">What else to know, a sentence each.</param>
public sealed record SoundOutcome(ModelIdentity Model, IReadOnlyList<string> Notices)
{
    /// <summary>What was chosen among candidates, piece by piece; empty where one was made.</summary>
    public IReadOnlyList<CandidateFits> Candidates { get; init; } = [];
}
