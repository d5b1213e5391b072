using System.Buffers;

namespace ThinkSound.Media;

/// <summary>How long the blocks of one rate are.</summary>
/// <param name="Frames">Frames of a full block.</param>
/// <param name="Overlap">Frames at the end of a block that the next begins with: 8 for sync features.</param>
public readonly record struct BlockShape(int Frames, int Overlap = 0);

/// <summary>Consecutive frames of one rate, contiguous in memory.</summary>
/// <param name="rate">Index into <see cref="VideoReadOptions.Rates"/>.</param>
/// <param name="first">The first frame of the block, at that rate.</param>
/// <param name="frames">The pixels; valid until the next block of this rate.</param>
public sealed class FrameBlock(int rate, long first, VideoFrames frames)
{
    /// <summary>Index into <see cref="VideoReadOptions.Rates"/>.</summary>
    public int Rate { get; } = rate;
    /// <summary>The first frame of the block, at its rate.</summary>
    public long First { get; } = first;
    /// <summary>The pixels; valid until the next block of this rate.</summary>
    public VideoFrames Frames { get; } = frames;
}

/// <summary>Collects the frames of one rate into blocks, in one buffer.</summary>
internal sealed class FrameBlockBuilder : IDisposable
{
    private readonly int _rate;
    private readonly BlockShape _shape;
    private byte[]? _buffer;
    private int _width, _height, _frameBytes;
    private int _held;       // frames in the buffer
    private int _carried;    // of those, repeated from the block before
    private bool _isOut;     // the buffer's content has been handed out
    private long _next;      // the next frame of the rate

    public FrameBlockBuilder(int rate, BlockShape shape)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shape.Frames, nameof(shape));
        ArgumentOutOfRangeException.ThrowIfNegative(shape.Overlap, nameof(shape));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(shape.Overlap, shape.Frames, nameof(shape));
        (_rate, _shape) = (rate, shape);
    }

    /// <summary>Takes a frame; the block that it completes, or null.</summary>
    public FrameBlock? Add(BufferedFrame frame)
    {
        if (_buffer is null)
        {
            (_width, _height) = (frame.Width, frame.Height);
            _frameBytes = frame.Pixels.Length;
            _buffer = ArrayPool<byte>.Shared.Rent(checked(_shape.Frames * _frameBytes));
        }
        if (_isOut) CarryOver();
        frame.Pixels.Span.CopyTo(_buffer.AsSpan(_held * _frameBytes));
        _held++;
        _next++;
        return _held == _shape.Frames ? HandOut() : null;
    }

    /// <summary>The rest, if it has a frame that no block had.</summary>
    public FrameBlock? Finish() => _isOut || _held == _carried ? null : HandOut();

    public void Dispose()
    {
        if (_buffer is { } buffer) ArrayPool<byte>.Shared.Return(buffer);
        _buffer = null;
    }

    private FrameBlock HandOut()
    {
        _isOut = true;
        var pixels = new ReadOnlyMemory<byte>(_buffer, 0, _held * _frameBytes);
        return new FrameBlock(_rate, _next - _held, new VideoFrames(pixels, _held, _width, _height));
    }

    private void CarryOver()
    {
        _carried = Math.Min(_shape.Overlap, _held);
        _buffer.AsSpan((_held - _carried) * _frameBytes, _carried * _frameBytes).CopyTo(_buffer);
        _held = _carried;
        _isOut = false;
    }
}
