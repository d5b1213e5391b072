using ThinkSound.Media;

namespace ThinkSound.Rendering.Pictures;

/// <summary>Frames of a video for the strip of a picture.</summary>
public static class FilmStrip
{
    private const double HighestRate = 1000; // that a reader takes

    /// <summary>As many frames as fit side by side, evenly spaced over a stretch of the video, scaled down while they are decoded.
    /// Where the video ends early, its last frame stays. Decodes the stretch once.</summary>
    /// <param name="path">The file.</param>
    /// <param name="video">Its video stream.</param>
    /// <param name="start">Where the stretch begins.</param>
    /// <param name="duration">Length of the stretch; nothing is read of an empty one.</param>
    /// <param name="options">The picture that they are for: its size decides.</param>
    /// <param name="cancellationToken">Stops within a frame.</param>
    /// <exception cref="ResourceNotFoundException">No such file.</exception>
    /// <exception cref="MediaException">Nothing decodes.</exception>
    public static IReadOnlyList<PictureFrame> Read(string path, StreamInfo video, TimeSpan start, TimeSpan duration, PictureOptions options,
                                                   CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(video);
        ArgumentNullException.ThrowIfNull(options);
        if (duration <= TimeSpan.Zero || video.Width == 0 || video.Height == 0) return [];
        var (count, maxSide) = FilmStripPanel.Fit(SoundPicture.StripArea(options), (double)video.Width / video.Height);
        // Frame n of a rate is what is shown half a frame after n/rate: the middle of its part.
        double rate = Math.Min(HighestRate, count / duration.TotalSeconds);
        using VideoReader reader = VideoReader.Open(path, new VideoReadOptions { Rates = [new FrameRate(rate, count)], Start = start, MaxSide = maxSide }, cancellationToken);
        var frames = new PictureFrame[count];
        while (reader.TryRead(out VideoFrame seen))
        {
            var pixels = new byte[3 * seen.Width * seen.Height];
            seen.CopyTo(pixels);
            var frame = new PictureFrame(seen.Width, seen.Height, pixels);
            foreach (FrameUse use in seen.Uses)
                Array.Fill(frames, frame, (int)use.First, (int)use.Count);
        }
        return frames;
    }
}
