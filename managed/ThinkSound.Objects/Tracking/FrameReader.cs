using ThinkSound.Media;
using ThinkSound.Projects;

namespace ThinkSound.Objects;

/// <summary>Pictures of a video by their number, 24 a second, at one size.</summary>
internal sealed class FrameReader
{
    private const double Rate = ObjectTrack.FramesPerSecond;

    private readonly string _path;
    private readonly int _maxSide;

    /// <exception cref="MediaException">There is no picture in it.</exception>
    public FrameReader(string path, int maxSide, CancellationToken cancel)
    {
        (_path, _maxSide) = (path, maxSide);
        MediaInfo media = MediaInfo.Open(path, cancel);
        if (media.Video is not { } video) throw new MediaException($"{path}: no video in it" + (media.Audio is null ? "" : ", only sound"));
        Duration = video.Duration;
        Count = Math.Max(1, (int)Math.Round(Duration.TotalSeconds * Rate));
    }

    /// <summary>Of the picture.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Pictures of the whole video.</summary>
    public int Count { get; }

    /// <summary>Which picture is shown at a time.</summary>
    public int IndexOf(TimeSpan time) => Math.Clamp((int)Math.Round(time.TotalSeconds * Rate), 0, Count - 1);

    /// <summary>Pictures <paramref name="first"/> … <paramref name="end"/> − 1, one after the other.</summary>
    public IEnumerable<StillFrame> Read(int first, int end, CancellationToken cancel)
    {
        if (end <= first) yield break;
        var options = new VideoReadOptions { Rates = [new FrameRate(Rate, end - first)], Start = ObjectTrack.TimeOf(first), MaxSide = _maxSide };
        using VideoReader reader = VideoReader.Open(_path, options, cancel);
        while (Next(reader) is var (frame, count) && frame is not null)
            for (; count > 0; count--) yield return frame;
    }

    private static (StillFrame? Frame, long Count) Next(VideoReader reader)
    {
        if (!reader.TryRead(out VideoFrame seen)) return (null, 0);
        var pixels = new byte[3 * seen.Width * seen.Height];
        seen.CopyTo(pixels);
        return (new StillFrame(seen.Width, seen.Height, pixels), seen.Uses[0].Count);
    }
}
