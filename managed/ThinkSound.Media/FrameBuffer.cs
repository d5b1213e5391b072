namespace ThinkSound.Media;

/// <summary>A few frames of one size, one after the other without gaps: what a vision tower is given at a time.</summary>
internal sealed class FrameBuffer
{
    private readonly int _width, _height, _frameBytes;
    private readonly byte[] _pixels;

    public FrameBuffer(int width, int height, int capacity)
    {
        (_width, _height, Capacity) = (width, height, capacity);
        _frameBytes = checked(3 * width * height);
        _pixels = GC.AllocateUninitializedArray<byte>(checked(capacity * _frameBytes));
    }

    /// <summary>This buffer, emptied, if it is one of these sizes; else a new one. Large arrays that come and go by the dozen grow the
    /// memory of a program by several of them.</summary>
    public static FrameBuffer Reuse(FrameBuffer? last, int width, int height, int capacity)
    {
        if (last is null || (last._width, last._height, last.Capacity) != (width, height, capacity)) return new FrameBuffer(width, height, capacity);
        last.Count = 0;
        return last;
    }

    public int Capacity { get; }
    public int Count { get; private set; }
    public bool IsFull => Count == Capacity;

    /// <param name="pixels">Rows of R, G, B, <paramref name="rowBytes"/> apart.</param>
    /// <param name="rowBytes">At least 3 · width.</param>
    public void Add(ReadOnlySpan<byte> pixels, int rowBytes)
    {
        Span<byte> to = _pixels.AsSpan(Count * _frameBytes, _frameBytes);
        int packed = 3 * _width;
        if (rowBytes == packed) pixels[.._frameBytes].CopyTo(to);
        else
            for (int y = 0; y < _height; y++) pixels.Slice(y * rowBytes, packed).CopyTo(to[(y * packed)..]);
        Count++;
    }

    /// <summary>The last frame once more.</summary>
    public void Repeat()
    {
        _pixels.AsSpan((Count - 1) * _frameBytes, _frameBytes).CopyTo(_pixels.AsSpan(Count * _frameBytes));
        Count++;
    }

    /// <summary>Lets go of all but the last <paramref name="count"/> frames.</summary>
    public void Keep(int count)
    {
        _pixels.AsSpan((Count - count) * _frameBytes, count * _frameBytes).CopyTo(_pixels);
        Count = count;
    }

    /// <summary>What it holds, not copied: valid until the next change.</summary>
    public VideoFrames View(int count) => new(_pixels.AsMemory(0, count * _frameBytes), count, _width, _height);
}
