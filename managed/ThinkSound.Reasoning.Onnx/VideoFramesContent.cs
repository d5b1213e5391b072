using Microsoft.Extensions.AI;

namespace ThinkSound.Reasoning.Onnx;

/// <summary>A video in a chat message: some of its frames, and when each of them is shown. Models that know what a video is are
/// told the times; the frames should be evenly spaced.</summary>
public sealed class VideoFramesContent : AIContent
{
    /// <param name="frames">The frames, read while the message is; NV12 is converted now.</param>
    /// <param name="times">When each frame is shown, not falling.</param>
    /// <param name="duration">How long the whole video is.</param>
    public VideoFramesContent(VideoFrames frames, IReadOnlyList<TimeSpan> times, TimeSpan duration)
    {
        ArgumentNullException.ThrowIfNull(frames);
        ArgumentNullException.ThrowIfNull(times);
        if (times.Count != frames.Count) throw new ArgumentException($"{frames.Count} frames need as many times, not {times.Count}", nameof(times));
        for (int i = 0; i < times.Count; i++)
            if (times[i] < (i == 0 ? TimeSpan.Zero : times[i - 1])) throw new ArgumentException($"time {i} is negative or earlier than the one before", nameof(times));
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        (Frames, Times, Duration) = (frames.ToRgb(), times, duration);
    }

    /// <summary>The frames, in RGB.</summary>
    public VideoFrames Frames { get; }
    /// <summary>When each frame is shown.</summary>
    public IReadOnlyList<TimeSpan> Times { get; }
    /// <summary>How long the whole video is.</summary>
    public TimeSpan Duration { get; }
}
