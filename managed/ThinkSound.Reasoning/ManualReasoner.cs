using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Reasoning;

/// <summary>The user's own words, or an earlier reasoning as the user edited it: nothing is thought, the texts are made to fit.</summary>
public sealed class ManualReasoner : IReasoner
{
    /// <summary>What results call it.</summary>
    public const string Name = "manual";

    /// <inheritdoc/>
    public string Provider => Name;

    /// <summary>With a chain of thought of the user's own, or an earlier reasoning and nothing else to think about.</summary>
    public bool Accepts(ReasoningRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.ChainOfThought is { Length: > 0 } || (request.Previous is not null && request.Video is null && request.Instruction is null);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are neither words nor an earlier reasoning.</exception>
    public IAsyncEnumerable<ReasoningStep> ReasonAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress = null,
                                                       CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request is { Caption: not { Length: > 0 }, ChainOfThought: not { Length: > 0 }, Previous: null })
            throw new ArgumentException("there are no words to pass on: give a caption, a chain of thought or a saved reasoning");
        return StepStream.Run((tell, cancel) => ThinkAsync(request, tell, progress, cancel), cancellationToken);
    }

    private async Task ThinkAsync(ReasoningRequest request, StepStream.Tell tell, IProgress<ReasoningProgress>? progress, CancellationToken cancel)
    {
        RequestSubject subject = await RequestSubject.OfAsync(request, cancel).ConfigureAwait(false);
        Reasoning reasoning = request.Previous ?? new Reasoning { Stage = request.Stage };
        reasoning = reasoning with
        {
            Provider = Provider,
            Model = "",
            Subject = subject.Subject,
            Caption = request.Caption ?? reasoning.Caption,
            ChainOfThought = request.ChainOfThought ?? reasoning.ChainOfThought,
            Repairs = [],
        };
        foreach (var (kind, text) in reasoning.Thoughts.InOrder)
            if (text.Length > 0) await tell(new ReasoningStep(kind, text)).ConfigureAwait(false);
        progress?.Report(new ReasoningProgress(ReasoningActivity.Checking, null, ""));
        reasoning = request.Tokens is { } tokens ? reasoning.Fit(tokens) : TextComposer.Complete(reasoning);
        await tell(new ReasoningStep(ReasoningStepKind.Result, "") { Result = reasoning }).ConfigureAwait(false);
    }
}
