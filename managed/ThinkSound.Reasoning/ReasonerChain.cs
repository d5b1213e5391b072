namespace ThinkSound.Reasoning;

/// <summary>Several reasoners in the order of preference: the first that accepts a request gets it. Where it has no usable answer, the
/// next one that accepts is asked, and a note says so.</summary>
public sealed class ReasonerChain : IReasoner
{
    private readonly IReadOnlyList<IReasoner> _reasoners;

    /// <param name="reasoners">The preferred first; may be empty.</param>
    public ReasonerChain(IEnumerable<IReasoner> reasoners)
    {
        ArgumentNullException.ThrowIfNull(reasoners);
        _reasoners = [.. reasoners];
    }

    /// <summary>"auto"; results carry the name of the one that thought.</summary>
    public string Provider => "auto";

    /// <inheritdoc/>
    public bool Accepts(ReasoningRequest request) => _reasoners.Any(reasoner => reasoner.Accepts(request));

    /// <inheritdoc/>
    public IAsyncEnumerable<ReasoningStep> ReasonAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress = null,
                                                       CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        IReasoner[] candidates = [.. _reasoners.Where(reasoner => reasoner.Accepts(request))];
        if (candidates.Length == 0)
            throw new ReasoningException(ReasoningFailure.NotConfigured,
                "no provider of reasoning is set up that could take this: name a chat model (endpoint and model), or give a chain of thought of your own");
        return StepStream.Run(async (tell, cancel) =>
        {
            int attempts = 0;
            for (int i = 0; ; i++)
            {
                int before = attempts;
                try
                {
                    await foreach (ReasoningStep step in candidates[i].ReasonAsync(request, progress, cancel).ConfigureAwait(false))
                    {
                        attempts = before + step.Attempt;
                        await tell(step with { Attempt = attempts }).ConfigureAwait(false);
                    }
                    return;
                }
                catch (ReasoningException e) when (i + 1 < candidates.Length)
                {
                    await tell(new ReasoningStep(ReasoningStepKind.Note, $"{candidates[i].Provider} has no answer ({e.Message}); {candidates[i + 1].Provider} thinks instead")
                    {
                        Attempt = Math.Max(1, attempts),
                    }).ConfigureAwait(false);
                }
            }
        }, cancellationToken);
    }
}
