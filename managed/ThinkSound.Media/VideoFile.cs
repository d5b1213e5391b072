using System.Runtime.CompilerServices;
using System.Threading.Channels;
using ThinkSound.Interop;

namespace ThinkSound.Media;

/// <summary>Videos: what they hold, and their frames.</summary>
public static class VideoFile
{
    private const int FramesAhead = 2; // decoded while the last ones are still at work

    /// <summary>Reads what a media file says about itself, corrected by what is in it. Sound files are answered too.</summary>
    /// <exception cref="ResourceNotFoundException">There is no such file.</exception>
    /// <exception cref="MediaException">Not a video or sound, empty, or cut off before anything can be told.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static Task<MediaInfo> ProbeAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Task.Run(() => MediaInfo.Open(path, cancellationToken), cancellationToken);
    }

    /// <summary>Frames of a video while it is decoded on a thread of its own, two frames ahead. Leaving the loop early stops it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Rates, start, size.</param>
    /// <param name="cancellationToken">Stops within a frame.</param>
    /// <returns>Each frame once, with what each rate takes it for; each is to be disposed of.</returns>
    /// <exception cref="ArgumentException">A rate or the start is out of range.</exception>
    /// <exception cref="ResourceNotFoundException">There is no such file.</exception>
    /// <exception cref="MediaException">Not a video, damaged, or nothing of it decodes.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static IAsyncEnumerable<BufferedFrame> ReadFramesAsync(string path, VideoReadOptions options, CancellationToken cancellationToken = default) =>
        WorkStream.Run<BufferedFrame>(FramesAhead, (frames, stop) => NativeThread.Run(() => Decode(path, options, frames, stop)), cancellationToken);

    /// <summary>Frames of a video in blocks of one rate, each block contiguous in memory as the vision encoders take it.
    /// Blocks of several rates come interleaved, each rate's in order.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Rates, start, size.</param>
    /// <param name="shapes">How long each rate's blocks are, in the order of <see cref="VideoReadOptions.Rates"/>.</param>
    /// <param name="cancellationToken">Stops within a frame.</param>
    /// <returns>Blocks whose memory is used again for the next block of the same rate.</returns>
    /// <exception cref="ArgumentException">As <see cref="ReadFramesAsync"/>, or a shape is out of range.</exception>
    public static async IAsyncEnumerable<FrameBlock> ReadBlocksAsync(string path, VideoReadOptions options, IReadOnlyList<BlockShape> shapes,
                                                                     [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(shapes);
        if (shapes.Count != options.Rates.Count)
            throw new ArgumentException($"{shapes.Count} block shapes for {options.Rates.Count} rates", nameof(shapes));
        FrameBlockBuilder[] builders = [.. shapes.Select((shape, rate) => new FrameBlockBuilder(rate, shape))];
        await foreach (BufferedFrame frame in ReadFramesAsync(path, options, cancellationToken).ConfigureAwait(false))
        {
            using (frame)
            {
                foreach (FrameUse use in frame.Uses)
                    for (long left = use.Count; left > 0; left--)
                        if (builders[use.Rate].Add(frame) is { } block)
                            yield return block;
            }
        }
        foreach (FrameBlockBuilder builder in builders)
            if (builder.Finish() is { } block)
                yield return block;
    }

    private static void Decode(string path, VideoReadOptions options, ChannelWriter<BufferedFrame> frames, CancellationToken cancellation)
    {
        using VideoReader reader = VideoReader.Open(path, options, cancellation);
        while (reader.TryRead(out VideoFrame seen))
        {
            var frame = new BufferedFrame(seen);
            try
            {
                // This thread is the reader's own, so it may wait.
                while (!frames.TryWrite(frame))
                    if (!frames.WaitToWriteAsync(cancellation).AsTask().GetAwaiter().GetResult()) throw new OperationCanceledException(cancellation);
            }
            catch
            {
                frame.Dispose();
                throw;
            }
        }
    }
}
