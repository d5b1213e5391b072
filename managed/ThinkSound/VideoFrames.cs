namespace ThinkSound;

/// <summary>RGB frames of any size, 8 bits a channel. The pixels are not copied and must not change while a call reads them.</summary>
public sealed record VideoFrames
{
    /// <summary>Frames that may have gaps between rows and between frames.</summary>
    /// <param name="pixels">Rows of <paramref name="width"/> pixels, each R, G, B; top row first.</param>
    /// <param name="count">Frames, at least 1.</param>
    /// <param name="width">1 to 16 384.</param>
    /// <param name="height">1 to 16 384.</param>
    /// <param name="rowBytes">From row to row, at least 3 · width; 0 is exactly that.</param>
    /// <param name="frameBytes">From frame to frame, at least height · rowBytes; 0 is exactly that.</param>
    public VideoFrames(ReadOnlyMemory<byte> pixels, int count, int width, int height, long rowBytes = 0, long frameBytes = 0)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, 16384);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, 16384);
        if (rowBytes == 0) rowBytes = 3L * width;
        ArgumentOutOfRangeException.ThrowIfLessThan(rowBytes, 3L * width);
        if (frameBytes == 0) frameBytes = height * rowBytes;
        ArgumentOutOfRangeException.ThrowIfLessThan(frameBytes, height * rowBytes);
        // The last row need not be followed by its gap.
        long needed = checked((count - 1) * frameBytes + (height - 1) * rowBytes + 3L * width);
        if (pixels.Length < needed)
            throw new ArgumentException($"{count} frames of {width} × {height} need {needed} bytes, not {pixels.Length}", nameof(pixels));
        (Pixels, Count, Width, Height, RowBytes, FrameBytes) = (pixels, count, width, height, rowBytes, frameBytes);
    }

    /// <summary>The pixels as given.</summary>
    public ReadOnlyMemory<byte> Pixels { get; }
    /// <summary>Frames.</summary>
    public int Count { get; }
    /// <summary>Pixels across.</summary>
    public int Width { get; }
    /// <summary>Pixels down.</summary>
    public int Height { get; }
    /// <summary>Bytes from row to row.</summary>
    public long RowBytes { get; }
    /// <summary>Bytes from frame to frame.</summary>
    public long FrameBytes { get; }
}
