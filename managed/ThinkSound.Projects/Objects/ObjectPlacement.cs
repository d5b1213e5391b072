namespace ThinkSound.Projects;

/// <summary>Where an object's sound lies in the mix: from its place and size to the pan and level of its track.
/// <code>
///   pan(t)   = w · (2x(t) − 1)                        x from the left, 0 … 1;  w the pan width
///   level(t) = max(−R, 20·log₁₀(s(t) / s_max))  dB    s = √(share of the picture),  s_max its largest,  R the level range
/// </code>
/// The apparent size of a thing and the pressure of its sound both go with 1 / distance, so half the size is −6.02 dB. Pan is of
/// constant power (see <see cref="Track.Pan"/>): the stem is mono in both channels, left² + right² stays what it was. The place is a mean over a
/// quarter of a second. The size is the median of two seconds, then a mean of one: masks breathe and lose parts for a while, and things
/// come nearer more slowly; what only grows or only shrinks passes a median unchanged. While the object is not seen, both stay as they were.</summary>
public static class ObjectPlacement
{
    private const int PlaceReach = 3, SizeReach = 12, MedianReach = 24; // pictures on each side, of 24 a second
    private const double Still = 5e-4; // of pan and of dB/20: what is less is left out, and interpolated

    /// <summary>Pan and level, by time.</summary>
    /// <param name="track">The object.</param>
    /// <param name="panWidth">Pan at the edges of the picture, 0 to 1.</param>
    /// <param name="levelRangeDb">How far the level may fall, 0 to 60 dB; 0 keeps it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value is out of range.</exception>
    public static (IReadOnlyList<AutomationPoint> Pan, IReadOnlyList<AutomationPoint> LevelDb) Of(ObjectTrack track, double panWidth, double levelRangeDb)
    {
        ArgumentNullException.ThrowIfNull(track);
        if (panWidth is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(panWidth), panWidth, "the pan width is 0 to 1");
        if (levelRangeDb is not (>= 0 and <= 60)) throw new ArgumentOutOfRangeException(nameof(levelRangeDb), levelRangeDb, "the level range is 0 to 60 dB");
        double[] x = Smooth([.. track.Frames.Select(frame => frame.X)], PlaceReach, Mean);
        double[] size = Smooth(Smooth([.. track.Frames.Select(frame => Math.Sqrt(frame.Share))], MedianReach, Median), SizeReach, Mean);
        double largest = size.DefaultIfEmpty(0).Max();
        return (Points(track, i => panWidth * (2 * x[i] - 1), 1), Points(track, i => LevelOf(size[i], largest, levelRangeDb), 20));
    }

    private static double LevelOf(double size, double largest, double range) =>
        range == 0 || size >= largest ? 0 : size <= 0 ? -range : Math.Max(-range, 20 * Math.Log10(size / largest));

    /// <summary>Of pictures that lie on a straight line only the ends; none at all where everything is 0.</summary>
    private static List<AutomationPoint> Points(ObjectTrack track, Func<int, double> valueAt, double unit)
    {
        var points = new List<AutomationPoint>();
        double[] values = [.. Enumerable.Range(0, track.Frames.Count).Select(valueAt)];
        if (values.All(value => Math.Abs(value) < Still * unit)) return points;
        int from = 0;
        Add(0);
        for (int to = 2; to < values.Length; to++)
        {
            if (IsLine(from, to)) continue;
            from = to - 1;
            Add(from);
        }
        if (values.Length > 1) Add(values.Length - 1);
        return points;

        void Add(int i) => points.Add(new AutomationPoint(ObjectTrack.TimeOf(track.FirstFrame + i), Math.Round(values[i], 6)));

        bool IsLine(int a, int b)
        {
            for (int i = a + 1; i < b; i++)
                if (Math.Abs(values[a] + (values[b] - values[a]) * (i - a) / (b - a) - values[i]) > Still * unit) return false;
            return true;
        }
    }

    private delegate double Middle(Span<double> values);

    private static double[] Smooth(double[] values, int most, Middle middle)
    {
        var smooth = new double[values.Length];
        Span<double> around = stackalloc double[2 * most + 1];
        for (int i = 0; i < values.Length; i++)
        {
            int reach = Math.Min(most, Math.Min(i, values.Length - 1 - i)); // symmetric, so that a straight line stays one
            values.AsSpan(i - reach, 2 * reach + 1).CopyTo(around);
            smooth[i] = middle(around[..(2 * reach + 1)]);
        }
        return smooth;
    }

    private static double Mean(Span<double> values)
    {
        double sum = 0;
        foreach (double value in values) sum += value;
        return sum / values.Length;
    }

    private static double Median(Span<double> values)
    {
        values.Sort();
        return values[values.Length / 2];
    }
}
