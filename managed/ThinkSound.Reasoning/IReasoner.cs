namespace ThinkSound.Reasoning;

/// <summary>Thinks about the sound of a video, a region of it, or an edit: hands out its steps while it thinks, then what it
/// came to. Implementations may be called from any thread, several times at once.</summary>
/// <example>
/// <code>
/// IReasoner reasoner = new ChatReasoner(chatClient);
/// await foreach (ReasoningStep step in reasoner.ReasonAsync(new ReasoningRequest { Video = "clip.mp4" }))
///     if (step.Result is { } reasoning) Console.WriteLine(reasoning.ChainOfThought);
///     else Console.Write(step.Text);
/// </code>
/// </example>
public interface IReasoner
{
    /// <summary>What kind it is, in one word, as it is written into <see cref="Reasoning.Provider"/>: "chat", "manual".</summary>
    string Provider { get; }

    /// <summary>Whether it is the one to take for such a request where nobody names one; answered at once, without asking a
    /// server or opening a file. It may be asked for others, too.</summary>
    bool Accepts(ReasoningRequest request);

    /// <summary>Thinks. The last step, and only that one, carries the <see cref="ReasoningStep.Result"/>; without it the
    /// enumeration ends by an exception.</summary>
    /// <param name="request">What to think about.</param>
    /// <param name="progress">Told how far it is, on the thread that works.</param>
    /// <param name="cancellationToken">Stops at once where a server thinks, within one token where a model of this process does.</param>
    /// <exception cref="ReasoningException">There is no usable answer; <see cref="ReasoningException.Failure"/> says why.</exception>
    /// <exception cref="ArgumentException">The request makes no sense for this reasoner, such as no words where it needs some.</exception>
    /// <exception cref="ResourceNotFoundException">The video is not there.</exception>
    /// <exception cref="MediaException">The video cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    IAsyncEnumerable<ReasoningStep> ReasonAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress = null,
                                                CancellationToken cancellationToken = default);
}

/// <summary>Shorter calls of a reasoner.</summary>
public static class ReasonerExtensions
{
    /// <summary>Thinks to the end; the result.</summary>
    /// <param name="reasoner">Who thinks.</param>
    /// <param name="request">What to think about.</param>
    /// <param name="onStep">Told each step, the last with the result.</param>
    /// <param name="progress">As in <see cref="IReasoner.ReasonAsync"/>.</param>
    /// <param name="cancellationToken">As in <see cref="IReasoner.ReasonAsync"/>.</param>
    public static async Task<Reasoning> ReasonToEndAsync(this IReasoner reasoner, ReasoningRequest request, Action<ReasoningStep>? onStep = null,
                                                         IProgress<ReasoningProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reasoner);
        Reasoning? result = null;
        await foreach (ReasoningStep step in reasoner.ReasonAsync(request, progress, cancellationToken).ConfigureAwait(false))
        {
            onStep?.Invoke(step);
            result = step.Result ?? result;
        }
        return result ?? throw new InvalidOperationException($"the reasoner \"{reasoner.Provider}\" ended without a result");
    }
}
