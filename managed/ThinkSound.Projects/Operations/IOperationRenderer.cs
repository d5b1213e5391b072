namespace ThinkSound.Projects;

/// <summary>Renders operations of one kind into stems. Pure: the same request gives the same samples, bit for bit, on the same model.
/// It changes nothing but what it returns; whoever calls keeps the stems and the result together, or neither. Any thread, one
/// request at a time.</summary>
public interface IOperationRenderer
{
    /// <summary>The <see cref="OperationPayload.Kind"/> that it renders.</summary>
    string Kind { get; }

    /// <summary>Renders.</summary>
    /// <param name="request">All there is to know.</param>
    /// <param name="progress">Told how far it is, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    /// <returns>What becomes of the tracks. Their sound is either as it was before or comes from <see cref="IStemStore.Create"/>.</returns>
    /// <exception cref="ArgumentException">The payload makes no sense for this project.</exception>
    /// <exception cref="ProjectException">The video is missing, or the stems cannot be written.</exception>
    /// <exception cref="ThinkSoundException">The model cannot do it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default);
}

/// <summary>What a renderer is given.</summary>
public sealed record RenderRequest
{
    /// <summary>The number that the operation has or will have: for ids of new tracks, <c>object-7</c>.</summary>
    public required int OperationId { get; init; }

    /// <summary>What is asked, exactly as it is kept.</summary>
    public required OperationPayload Payload { get; init; }

    /// <summary>What was thought; null if nobody did.</summary>
    public required Reasoning.Reasoning? Reasoning { get; init; }

    /// <summary>The tracks before it.</summary>
    public required ProjectState Before { get; init; }

    /// <summary>The video, looked for and compared with what it was; <see cref="ProjectVideo.RequirePath"/> where it is needed.</summary>
    public required ProjectVideo Video { get; init; }

    /// <summary>Reads the sound that is there, and takes new sound.</summary>
    public required IStemStore Stems { get; init; }
}

/// <summary>How far an operation is.</summary>
/// <param name="Activity">What is being done, for people: "sampling".</param>
/// <param name="Fraction">The part of it that is done, 0 to 1.</param>
/// <param name="Detail">"12 of 24 steps"; "" if there is nothing to count.</param>
/// <param name="Remaining">Until it ends, as measured so far; null if nothing was measured.</param>
public readonly record struct ProjectProgress(string Activity, double Fraction, string Detail = "", TimeSpan? Remaining = null);
