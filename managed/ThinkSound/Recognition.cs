namespace ThinkSound;

/// <summary>What a recogniser reads off the features of a video. Immutable.</summary>
public sealed record Recognition
{
    internal const double DefaultOnsetThreshold = 0.5;

    private const double MinDistanceSeconds = 0.05;

    /// <summary>What makes the sound, the most probable first. Each probability stands for itself: several may be seen at once.</summary>
    public required IReadOnlyList<Recognised> Classes { get; init; }

    /// <summary>What it is made of, the most probable first; the probabilities add up to 1.</summary>
    public required IReadOnlyList<Recognised> Materials { get; init; }

    /// <summary>Value k is the probability that something strikes between k and k + 1 cells from the first frame; a cell lasts
    /// 1 / <see cref="OnsetRate"/> seconds.</summary>
    public required ReadOnlyMemory<float> OnsetTrack { get; init; }

    /// <summary>Values of <see cref="OnsetTrack"/> a second, in Hz: 96 where a video is watched at 24 frames a second.</summary>
    public required double OnsetRate { get; init; }

    /// <summary>The probability from which on the bundle takes an onset for one, where that was measured best on held-out videos: 0.5
    /// where it does not say.</summary>
    public double OnsetThreshold { get; init; } = DefaultOnsetThreshold;

    /// <summary>The moments at which something strikes, in order of time: the peaks of <see cref="OnsetTrack"/>.</summary>
    /// <remarks>A peak is a cell of at least <paramref name="threshold"/> that is higher than the cells on either side of it (of a
    /// level top, its first cell; beyond the ends is nothing). Peaks are taken from the highest down, of equal ones the earlier
    /// first, and one that is less than 50 ms from one already taken is dropped. The time is the middle of the cell.</remarks>
    /// <param name="threshold">Least probability, 0 to 1; null takes <see cref="OnsetThreshold"/>.</param>
    public IReadOnlyList<Onset> Onsets(double? threshold = null)
    {
        double least = threshold ?? OnsetThreshold;
        if (least is not (>= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(threshold), least, "a probability is 0 to 1");
        ReadOnlySpan<float> track = OnsetTrack.Span;
        var peaks = new List<int>();
        for (int begin = 0, end; begin < track.Length; begin = end)
        {
            end = begin + 1;
            while (end < track.Length && track[end] == track[begin]) end++;
            bool isPeak = (begin == 0 || track[begin - 1] < track[begin]) && (end == track.Length || track[end] < track[begin]);
            if (isPeak && track[begin] >= least) peaks.Add(begin);
        }
        var taken = new SortedSet<int>();
        int reach = (int)Math.Ceiling(MinDistanceSeconds * OnsetRate) - 1; // cells that are less than 50 ms away
        foreach (int peak in peaks.OrderByDescending(cell => OnsetTrack.Span[cell]))
        {
            if (taken.GetViewBetween(peak - reach, peak + reach).Count == 0) taken.Add(peak);
        }
        return [.. taken.Select(cell => new Onset(TimeSpan.FromSeconds((cell + 0.5) / OnsetRate), OnsetTrack.Span[cell]))];
    }

    internal static IReadOnlyList<Recognised> Rank(IReadOnlyList<string> names, float[] probabilities) =>
        [.. names.Zip(probabilities, (name, probability) => new Recognised(name, probability)).OrderByDescending(entry => entry.Probability)];
}

/// <summary>A name and how probable it is.</summary>
/// <param name="Name">As the bundle has it.</param>
/// <param name="Probability">0 to 1.</param>
public readonly record struct Recognised(string Name, float Probability);

/// <summary>A moment at which something strikes.</summary>
/// <param name="Time">From the first frame.</param>
/// <param name="Probability">0 to 1.</param>
public readonly record struct Onset(TimeSpan Time, float Probability);
