using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace ThinkSound.Reasoning;

/// <summary>Work that tells its steps by a call, as an enumeration of them. Leaving the loop early cancels the work and waits for
/// its end.</summary>
internal static class StepStream
{
    /// <summary>Tells a step; goes on when there is room for it.</summary>
    public delegate ValueTask Tell(ReasoningStep step);

    public static async IAsyncEnumerable<ReasoningStep> Run(Func<Tell, CancellationToken, Task> work, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var steps = Channel.CreateBounded<ReasoningStep>(new BoundedChannelOptions(16) { SingleReader = true, SingleWriter = true });
        Task working = Task.Run(async () =>
        {
            try
            {
                await work(step => steps.Writer.WriteAsync(step, stop.Token), stop.Token).ConfigureAwait(false);
            }
            finally
            {
                steps.Writer.TryComplete();
            }
        }, CancellationToken.None);
        try
        {
            // Not with the token: what has been thought is still handed out, and the work says how it ended.
            await foreach (ReasoningStep step in steps.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false)) yield return step;
            try
            {
                await working.ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
            {
                throw new OperationCanceledException(e.Message, e, cancellationToken); // theirs, not the one that links it
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await working.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
