namespace ThinkSound.Media;

/// <summary>Where a video cuts from one scene to the next.</summary>
public static class SceneCuts
{
    private const int Rate = 24, MeasuredSide = 192; // frames a second; pixels

    /// <summary>Finds the cuts of a stretch in one pass of decoding and constant memory. A flash is none: after it the picture is
    /// what it was. Dissolves and fades are not found.</summary>
    /// <param name="path">The video.</param>
    /// <param name="start">Where the stretch begins.</param>
    /// <param name="duration">How long it is; above 0.</param>
    /// <param name="progress">Told the part that is looked at, 0 to 1.</param>
    /// <param name="cancellationToken">Stops within a frame.</param>
    /// <returns>Times of the first frames of scenes, from <paramref name="start"/> on, in order.</returns>
    /// <exception cref="ResourceNotFoundException">There is no such file.</exception>
    /// <exception cref="MediaException">Not a video, damaged, or nothing of it decodes.</exception>
    public static async Task<IReadOnlyList<TimeSpan>> FindAsync(string path, TimeSpan start, TimeSpan duration, IProgress<double>? progress = null,
                                                                CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        long count = Math.Max(1, (long)Math.Round(duration.TotalSeconds * Rate));
        var options = new VideoReadOptions { Rates = [new FrameRate(Rate, count)], Start = start, MaxSide = MeasuredSide };
        var detector = new CutDetector();
        await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(path, options, cancellationToken).ConfigureAwait(false))
        {
            using (frame)
            {
                // The time that the frame is shown, not that of the grid: a cut lies between two frames of the file.
                TimeSpan time = frame.Time > start ? frame.Time - start : TimeSpan.Zero;
                detector.Add(LumaTiles.Of(frame.Pixels.Span, 3 * frame.Width, frame.Width, frame.Height), time);
                progress?.Report((double)(frame.Uses[0].First + frame.Uses[0].Count) / count);
            }
        }
        return [.. detector.Cuts.Where(cut => cut < duration)];
    }
}

/// <summary>Tells cuts from flashes in pictures that come one after the other.</summary>
internal sealed class CutDetector
{
    private static readonly TimeSpan LongestFlash = TimeSpan.FromSeconds(0.5);

    private readonly List<TimeSpan> _cuts = [];
    private float[]? _last, _beforeCut;

    /// <summary>So far; the last may yet turn out to be a flash.</summary>
    public IReadOnlyList<TimeSpan> Cuts => _cuts;

    /// <summary>The next picture, as tiles.</summary>
    public void Add(float[] tiles, TimeSpan time)
    {
        if (_last is not null && LumaTiles.IsCut(_last, tiles))
        {
            bool isBack = _beforeCut is not null && time - _cuts[^1] <= LongestFlash && !LumaTiles.IsCut(_beforeCut, tiles);
            if (isBack) _cuts.RemoveAt(_cuts.Count - 1);
            else _cuts.Add(time);
            _beforeCut = isBack ? null : _last;
        }
        _last = tiles;
    }
}
