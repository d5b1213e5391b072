using ThinkSound.Media;

namespace ThinkSound.Reasoning.Frames;

/// <summary>A few frames that stand for a video, in one pass of decoding.</summary>
internal sealed class FrameSampler(FrameOptions options)
{
    private const double StillBelow = 0.6, StillTileBelow = 4; // mean and largest luma difference, of 255, of noise and not of motion
    private const double ChangesPerSecond = 4;                // how often changes are looked for
    private static readonly VideoRegion Everything = new(0, 0, 1, 1);

    /// <summary>Frames of a stretch of video, by time. Those of a region come after one that shows where it is. Pictures that do not
    /// differ are given once.</summary>
    /// <param name="media">Has a video.</param>
    /// <param name="start">Time 0 of the result.</param>
    /// <param name="length">Above 0.</param>
    /// <param name="region">What of the picture; null is all of it.</param>
    /// <param name="progress">Told of each frame.</param>
    /// <param name="cancel">Stops within a frame.</param>
    public async Task<IReadOnlyList<SampledFrame>> SampleAsync(MediaInfo media, TimeSpan start, TimeSpan length, VideoRegion? region,
                                                               IProgress<ReasoningProgress>? progress, CancellationToken cancel)
    {
        // A stretch of k frames cannot give more than k pictures.
        double fps = media.Video!.FramesPerSecond is > 0 and var known ? known : 25, seconds = Math.Max(length.TotalSeconds, 1e-3);
        int there = (int)Math.Clamp(Math.Round(fps * seconds), 1, 1_000_000);
        int most = region is not null && options.MaxFrames > 1 ? options.MaxFrames - 1 : options.MaxFrames; // one shows where the region is
        bool seeksChanges = options.Choice == FrameChoice.Changes && there > most;
        int count = Math.Min(there, seeksChanges ? Math.Max(most, (int)Math.Round(ChangesPerSecond * seconds)) : most);
        // Each in the middle of its share of the time.
        double share = seconds / count, first = there == count ? 0 : share / 2;
        var read = new VideoReadOptions
        {
            Rates = [new FrameRate(Math.Min(1000, 1 / share), count)], Start = start + TimeSpan.FromSeconds(first), MaxSide = SideToRead(region),
        };
        var candidates = new List<Candidate>();
        long seen = 0;
        await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(media.Path, read, cancel).ConfigureAwait(false))
        {
            using (frame)
            {
                FrameUse use = frame.Uses[0];
                seen += use.Count;
                progress?.Report(new ReasoningProgress(ReasoningActivity.Watching, (double)seen / count, $"{seen} of {count} frames"));
                Add(candidates, frame, TimeSpan.FromSeconds(first + share * use.First), TimeSpan.FromSeconds(first + share * (use.First + use.Count - 1)), region);
            }
        }
        if (seeksChanges) KeepChanges(candidates);
        return Fit(candidates);
    }

    private void Add(List<Candidate> candidates, BufferedFrame frame, TimeSpan time, TimeSpan until, VideoRegion? region)
    {
        float[] luma = Picture.Luma(frame, region ?? Everything);
        if (candidates.LastOrDefault() is { } last)
        {
            var (mean, largest) = Picture.Difference(last.Luma, luma);
            if (mean < StillBelow && largest < StillTileBelow)
            {
                last.Until = until;
                return;
            }
            candidates.Add(Of(mean, region ?? Everything));
        }
        else
        {
            if (region is not null && options.MaxFrames > 1) candidates.Add(Of(double.PositiveInfinity, Everything, region));
            candidates.Add(Of(double.PositiveInfinity, region ?? Everything));
        }

        Candidate Of(double change, VideoRegion part, VideoRegion? outline = null) =>
            new(time, until, luma, change, Picture.ToJpeg(frame, part, outline, options.MaxSide, options.Quality), outline is not null);
    }

    /// <summary>The first; of the rest of the budget half goes to the largest changes, the other half is spread over what is left.</summary>
    private void KeepChanges(List<Candidate> candidates)
    {
        HashSet<Candidate> kept = [.. candidates.OrderByDescending(c => c.Change).Take(1 + options.MaxFrames / 2)];
        Candidate[] others = [.. candidates.Where(candidate => !kept.Contains(candidate))];
        int left = Math.Min(options.MaxFrames - kept.Count, others.Length);
        for (int i = 0; i < left; i++) kept.Add(others[(int)((i + 0.5) * others.Length / left)]);
        candidates.RemoveAll(candidate => !kept.Contains(candidate));
    }

    /// <summary>Within the budget of bytes: every second picture goes until it is kept.</summary>
    private IReadOnlyList<SampledFrame> Fit(List<Candidate> candidates)
    {
        while (candidates.Count > 1 && candidates.Sum(c => c.Jpeg.Length) > options.MaxBytes)
            for (int i = candidates.Count - 1; i > 0; i -= 2) candidates.RemoveAt(i);
        return [.. candidates.Select(c => new SampledFrame(c.Time, c.Until, c.Jpeg, c.IsWhole))];
    }

    /// <summary>So that a region that is cut out has the side that was asked for, as far as the video has it.</summary>
    private int SideToRead(VideoRegion? region) =>
        region is { } part ? (int)Math.Min(4096, Math.Ceiling(options.MaxSide / Math.Max(0.05, Math.Max(part.Width, part.Height)))) : options.MaxSide;

    private sealed class Candidate(TimeSpan time, TimeSpan until, float[] luma, double change, byte[] jpeg, bool isWhole)
    {
        public TimeSpan Time { get; } = time;
        public TimeSpan Until { get; set; } = until;
        public float[] Luma { get; } = luma;
        public double Change { get; } = change;
        public byte[] Jpeg { get; } = jpeg;
        public bool IsWhole { get; } = isWhole;
    }
}
