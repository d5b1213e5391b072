using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace ThinkSound.Media;

/// <summary>Work that puts out items, as an enumeration of them. Leaving the loop early cancels the work and waits for its end.</summary>
internal static class WorkStream
{
    /// <param name="ahead">Items that may be waiting.</param>
    /// <param name="start">Starts the work, elsewhere than on this thread. Items that nobody takes are disposed of.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    public static async IAsyncEnumerable<T> Run<T>(int ahead, Func<ChannelWriter<T>, CancellationToken, Task> start, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var items = Channel.CreateBounded<T>(new BoundedChannelOptions(ahead) { SingleReader = true, SingleWriter = true });
        Task working = WorkAsync();
        try
        {
            // Not with the token: what has been made is still handed out, and the work says how it ended.
            await foreach (T item in items.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false)) yield return item;
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
            while (items.Reader.TryRead(out T? unread)) (unread as IDisposable)?.Dispose();
        }

        async Task WorkAsync()
        {
            try
            {
                await start(items.Writer, stop.Token).ConfigureAwait(false);
            }
            finally
            {
                items.Writer.TryComplete();
            }
        }
    }
}
