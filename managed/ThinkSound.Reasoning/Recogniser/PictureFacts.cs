namespace ThinkSound.Reasoning.Recogniser;

/// <summary>What is measured in the frames of a stretch of video, or of a region of it: numbers alone, no names of things.</summary>
internal sealed record PictureFacts
{
    /// <summary>Different frames that were looked at.</summary>
    public required int Frames { get; init; }

    /// <summary>How long the stretch is.</summary>
    public required TimeSpan Watched { get; init; }

    /// <summary>Mean luma, 0 (black) to 1 (white).</summary>
    public required double Brightness { get; init; }

    /// <summary>How much moves in each 24th of a second: the change of luma per tile, in levels of 255, averaged over the picture.
    /// Tiles that change by less than <see cref="MotionMeter.TileMoves"/> count as still, and cuts are no motion.</summary>
    public required IReadOnlyList<double> Motion { get; init; }

    /// <summary>The part of the time in which something moves, 0 to 1.</summary>
    public required double MovingShare { get; init; }

    /// <summary>From the first to the last motion; null if there is none.</summary>
    public required TimeRange? Moving { get; init; }

    /// <summary>Share of the picture that moves while something does, 0 to 1.</summary>
    public required double Area { get; init; }

    /// <summary>Middle of the motion, 0 to 1 from the left and from above.</summary>
    public required (double X, double Y) Place { get; init; }

    /// <summary>How far the motion travels from begin to end, in widths of the picture, to the right above 0; 0 where it goes to and
    /// fro or stays.</summary>
    public required double Travel { get; init; }

    /// <summary>Moments at which the whole picture changes at once: cuts and flashes.</summary>
    public required IReadOnlyList<TimeSpan> Cuts { get; init; }

    /// <summary>The rhythm of the motion; null without one.</summary>
    public required Period? Period { get; init; }

    /// <summary>Nothing moves, and there is no cut.</summary>
    public bool IsStill => MovingShare == 0 && Cuts.Count == 0;

    /// <summary>1 to the right, −1 to the left, 0 neither.</summary>
    public int Direction => Math.Sign(Travel);

    /// <summary>The largest motion within 0.1 s of a moment, as a share of the largest of all; 0 if nothing moves.</summary>
    public double MotionAt(TimeSpan time)
    {
        double largest = Motion.DefaultIfEmpty(0).Max();
        if (largest == 0) return 0;
        int at = (int)(time.TotalSeconds * MotionMeter.Rate), reach = (int)Math.Round(0.1 * MotionMeter.Rate);
        return Motion.Skip(Math.Max(0, at - reach)).Take(2 * reach + 1).DefaultIfEmpty(0).Max() / largest;
    }
}

/// <summary>A motion that repeats.</summary>
/// <param name="Seconds">From one to the next.</param>
/// <param name="Strength">Autocorrelation of the motion at that distance, up to 1.</param>
internal readonly record struct Period(double Seconds, double Strength)
{
    /// <summary>Least autocorrelation of a rhythm.</summary>
    public const double LeastStrength = 0.4;

    private const double Shortest = 0.15, Longest = 2; // seconds: from quick typing to a slow pendulum

    /// <summary>The rhythm of a series, which lasts three periods or longer.</summary>
    /// <param name="values">At equal distances.</param>
    /// <param name="rate">Values a second.</param>
    public static Period? Find(IReadOnlyList<double> values, double rate)
    {
        int first = (int)Math.Ceiling(Shortest * rate), last = Math.Min((int)(Longest * rate), values.Count / 3);
        if (last < first) return null;
        double mean = values.Average();
        double[] x = [.. values.Select(value => value - mean)];
        double[] r = [.. Enumerable.Range(0, last + 2).Select(lag => Correlation(x, lag))];
        int[] peaks = [.. Enumerable.Range(first, last - first + 1).Where(lag => r[lag] > r[lag - 1] && r[lag] >= r[lag + 1] && r[lag] >= LeastStrength)];
        if (peaks.Length == 0) return null;
        double best = peaks.Max(lag => r[lag]);
        int found = peaks.First(lag => r[lag] >= 0.9 * best); // the multiples of a period are as good
        double bend = r[found - 1] - 2 * r[found] + r[found + 1]; // top of the parabola through three points
        double shift = bend < 0 ? (r[found - 1] - r[found + 1]) / (2 * bend) : 0;
        return new Period((found + shift) / rate, Math.Min(1, r[found]));
    }

    private static double Correlation(double[] x, int lag)
    {
        double product = 0, a = 0, b = 0;
        for (int i = 0; i + lag < x.Length; i++)
        {
            product += x[i] * x[i + lag];
            a += x[i] * x[i];
            b += x[i + lag] * x[i + lag];
        }
        return a * b > 1e-12 ? product / Math.Sqrt(a * b) : 0;
    }
}
