using System.Buffers;

namespace ThinkSound.Media;

/// <summary>A frame in memory of its own, borrowed from a pool: dispose of it when its pixels are no longer needed.</summary>
public sealed class BufferedFrame : IDisposable
{
    private readonly int _bytes;
    private byte[]? _pixels;

    internal BufferedFrame(VideoFrame frame)
    {
        (Width, Height, Time, Uses) = (frame.Width, frame.Height, frame.Time, frame.Uses);
        _bytes = checked(3 * Width * Height);
        _pixels = ArrayPool<byte>.Shared.Rent(_bytes);
        frame.CopyTo(_pixels);
    }

    /// <summary>Pixels across.</summary>
    public int Width { get; }
    /// <summary>Pixels down.</summary>
    public int Height { get; }
    /// <summary>When the file shows it.</summary>
    public TimeSpan Time { get; }
    /// <summary>Which rates take it, and for which of their frames.</summary>
    public IReadOnlyList<FrameUse> Uses { get; }
    /// <summary>RGB, 8 bits each, sRGB, rows without gaps, top row first.</summary>
    /// <exception cref="ObjectDisposedException">The frame has been given back.</exception>
    public ReadOnlyMemory<byte> Pixels => (_pixels ?? throw new ObjectDisposedException(nameof(BufferedFrame))).AsMemory(0, _bytes);

    /// <summary>Gives the memory back to the pool.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _pixels, null) is { } pixels) ArrayPool<byte>.Shared.Return(pixels);
    }
}
