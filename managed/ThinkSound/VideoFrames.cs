namespace ThinkSound;

/// <summary>Frames of any size, 8 bits a channel, RGB or NV12. The pixels are not copied and must not change while a call reads
/// them.</summary>
public sealed record VideoFrames
{
    private const int MaxSide = 16384;

    /// <summary>RGB frames that may have gaps between rows and between frames.</summary>
    /// <param name="pixels">Rows of <paramref name="width"/> pixels, each R, G, B; top row first.</param>
    /// <param name="count">Frames, at least 1.</param>
    /// <param name="width">1 to 16 384.</param>
    /// <param name="height">1 to 16 384.</param>
    /// <param name="rowBytes">From row to row, at least 3 · width; 0 is exactly that.</param>
    /// <param name="frameBytes">From frame to frame, at least height · rowBytes; 0 is exactly that.</param>
    public VideoFrames(ReadOnlyMemory<byte> pixels, int count, int width, int height, long rowBytes = 0, long frameBytes = 0)
        : this(count, width, height)
    {
        (RowBytes, FrameBytes) = Distances(pixels, nameof(pixels), height, 3L * width, rowBytes, frameBytes);
        Pixels = pixels;
    }

    private VideoFrames(int count, int width, int height)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, MaxSide);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(height, MaxSide);
        (Count, Width, Height) = (count, width, height);
    }

    /// <summary>NV12 frames whose luma and chroma lie in memory of their own, as hardware decoders and game engines give them:
    /// half the bytes of RGB. They become RGB as thinksound.h says, on the device where there is one.</summary>
    /// <param name="luma">Rows of <paramref name="width"/> bytes; top row first.</param>
    /// <param name="chroma">For each two rows, ⌈width/2⌉ pairs Cb, Cr.</param>
    /// <param name="count">Frames, at least 1.</param>
    /// <param name="width">1 to 16 384.</param>
    /// <param name="height">1 to 16 384.</param>
    /// <param name="color">What the decoder says of the video.</param>
    /// <param name="rowBytes">From row to row of the luma (its pitch), at least width; 0 is exactly that.</param>
    /// <param name="frameBytes">From frame to frame of the luma, at least height · rowBytes; 0 is exactly that.</param>
    /// <param name="chromaRowBytes">From row to row of the chroma, at least 2 · ⌈width/2⌉; 0 is rowBytes, rounded up to an even
    /// number.</param>
    /// <param name="chromaFrameBytes">From frame to frame of the chroma, at least ⌈height/2⌉ · chromaRowBytes; 0 is exactly that.</param>
    public static VideoFrames FromNv12(ReadOnlyMemory<byte> luma, ReadOnlyMemory<byte> chroma, int count, int width, int height, YuvColor color,
                                       long rowBytes = 0, long frameBytes = 0, long chromaRowBytes = 0, long chromaFrameBytes = 0)
    {
        if (!Enum.IsDefined(color)) throw new ArgumentOutOfRangeException(nameof(color), color, null);
        var frames = new VideoFrames(count, width, height);
        (rowBytes, frameBytes) = frames.Distances(luma, nameof(luma), height, width, rowBytes, frameBytes);
        if (chromaRowBytes == 0) chromaRowBytes = rowBytes + rowBytes % 2;
        (chromaRowBytes, chromaFrameBytes) = frames.Distances(chroma, nameof(chroma), (height + 1) / 2, (width + 1) / 2 * 2L, chromaRowBytes, chromaFrameBytes);
        return frames with
        {
            Format = PixelFormat.Nv12, Color = color, Pixels = luma, RowBytes = rowBytes, FrameBytes = frameBytes,
            Chroma = chroma, ChromaRowBytes = chromaRowBytes, ChromaFrameBytes = chromaFrameBytes,
        };
    }

    /// <summary>NV12 frames in one piece of memory: of each, the rows of its luma, then those of its chroma.</summary>
    /// <param name="pixels">All frames.</param>
    /// <param name="count">Frames, at least 1.</param>
    /// <param name="width">1 to 16 384.</param>
    /// <param name="height">1 to 16 384.</param>
    /// <param name="color">What the decoder says of the video.</param>
    /// <param name="rowBytes">From row to row (the pitch), at least width rounded up to an even number; 0 is exactly that.</param>
    /// <param name="surfaceHeight">Rows of luma that a frame has room for, at least height; 0 is exactly that. Decoders align it.</param>
    public static VideoFrames FromNv12(ReadOnlyMemory<byte> pixels, int count, int width, int height, YuvColor color, long rowBytes = 0,
                                       int surfaceHeight = 0)
    {
        if (rowBytes == 0) rowBytes = width + width % 2;
        if (surfaceHeight == 0) surfaceHeight = height;
        ArgumentOutOfRangeException.ThrowIfLessThan(surfaceHeight, height);
        ArgumentOutOfRangeException.ThrowIfLessThan(rowBytes, width + width % 2);
        long luma = checked(surfaceHeight * rowBytes), frame = checked(luma + (surfaceHeight + 1L) / 2 * rowBytes);
        if (pixels.Length < luma) throw new ArgumentException($"a frame's luma needs {luma} bytes, there are {pixels.Length}", nameof(pixels));
        return FromNv12(pixels, pixels[(int)luma..], count, width, height, color, rowBytes, frame, rowBytes, frame);
    }

    /// <summary>The pixels as given; of NV12 the luma.</summary>
    public ReadOnlyMemory<byte> Pixels { get; private init; }
    /// <summary>Frames.</summary>
    public int Count { get; }
    /// <summary>Pixels across.</summary>
    public int Width { get; }
    /// <summary>Pixels down.</summary>
    public int Height { get; }
    /// <summary>Bytes from row to row.</summary>
    public long RowBytes { get; private init; }
    /// <summary>Bytes from frame to frame.</summary>
    public long FrameBytes { get; private init; }
    /// <summary>How the bytes lie.</summary>
    public PixelFormat Format { get; private init; }
    /// <summary>What NV12 means.</summary>
    public YuvColor Color { get; private init; }
    /// <summary>The chroma of NV12 as given.</summary>
    public ReadOnlyMemory<byte> Chroma { get; private init; }
    /// <summary>Bytes from row to row of the chroma.</summary>
    public long ChromaRowBytes { get; private init; }
    /// <summary>Bytes from frame to frame of the chroma.</summary>
    public long ChromaFrameBytes { get; private init; }

    /// <summary>The same frames in RGB, converted as the models' own way does; themselves if they are.</summary>
    public VideoFrames ToRgb()
    {
        if (Format == PixelFormat.Rgb24) return this;
        var rgb = new byte[checked(3L * Count * Height * Width)];
        for (int frame = 0; frame < Count; frame++)
        {
            for (int row = 0; row < Height; row++)
            {
                ReadOnlySpan<byte> luma = Pixels.Span.Slice((int)(frame * FrameBytes + row * RowBytes), Width);
                ReadOnlySpan<byte> chroma = Chroma.Span.Slice((int)(frame * ChromaFrameBytes + row / 2 * ChromaRowBytes), (Width + 1) / 2 * 2);
                Nv12.RowToRgb(Color, luma, chroma, rgb.AsSpan((frame * Height + row) * 3 * Width));
            }
        }
        return new VideoFrames(rgb, Count, Width, Height);
    }

    // From row to row and from frame to frame of one plane, whose rows hold `row` bytes.
    private (long RowBytes, long FrameBytes) Distances(ReadOnlyMemory<byte> plane, string name, int rows, long row, long rowBytes, long frameBytes)
    {
        if (rowBytes == 0) rowBytes = row;
        ArgumentOutOfRangeException.ThrowIfLessThan(rowBytes, row);
        if (frameBytes == 0) frameBytes = checked(rows * rowBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(frameBytes, checked(rows * rowBytes));
        // The last row need not be followed by its gap.
        long needed = checked((Count - 1) * frameBytes + (rows - 1) * rowBytes + row);
        if (plane.Length < needed)
            throw new ArgumentException($"{Count} frames of {Width} × {Height} need {needed} bytes, not {plane.Length}", name);
        return (rowBytes, frameBytes);
    }
}
