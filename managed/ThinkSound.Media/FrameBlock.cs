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
internal sealed class FrameBlockBuilder
{
    private readonly int _rate;
    private readonly BlockShape _shape;
    private FrameBuffer? _frames;
    private int _carried;    // frames in the buffer that the block before had too
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
        _frames ??= new FrameBuffer(frame.Width, frame.Height, _shape.Frames);
        if (_isOut)
        {
            _carried = Math.Min(_shape.Overlap, _frames.Count);
            _frames.Keep(_carried);
            _isOut = false;
        }
        _frames.Add(frame.Pixels.Span, 3 * frame.Width);
        _next++;
        return _frames.IsFull ? HandOut(_frames) : null;
    }

    /// <summary>The rest, if it has a frame that no block had.</summary>
    public FrameBlock? Finish() => _isOut || _frames is null || _frames.Count == _carried ? null : HandOut(_frames);

    private FrameBlock HandOut(FrameBuffer frames)
    {
        _isOut = true;
        return new FrameBlock(_rate, _next - frames.Count, frames.View(frames.Count));
    }
}
