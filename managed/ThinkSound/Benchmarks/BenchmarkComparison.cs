namespace ThinkSound.Benchmarks;

/// <summary>What a comparison says of a stage.</summary>
public enum Verdict
{
    /// <summary>The difference could be noise.</summary>
    Same,
    /// <summary>The second is faster, beyond noise.</summary>
    Faster,
    /// <summary>The second is slower, beyond noise.</summary>
    Slower,
    /// <summary>Too few samples to tell.</summary>
    Unknown,
}

/// <summary>One stage in two reports.</summary>
/// <param name="Name">The stage.</param>
/// <param name="BeforeS">Median of the first.</param>
/// <param name="AfterS">Median of the second.</param>
/// <param name="NoiseS">Difference of the medians that noise could make.</param>
/// <param name="Verdict">What that comes to.</param>
public sealed record StageComparison(string Name, double BeforeS, double AfterS, double NoiseS, Verdict Verdict)
{
    /// <summary>Second over first: below 1 is faster.</summary>
    public double Ratio => AfterS / BeforeS;
}

/// <summary>Two reports side by side.</summary>
public sealed class BenchmarkComparison
{
    // Below this nobody should care, and machines drift by as much between two runs.
    private const double SmallestRatio = 0.02;
    private const int FewestSamples = 3;

    private BenchmarkComparison(IReadOnlyList<StageComparison> stages, IReadOnlyList<string> differences) =>
        (Stages, Differences) = (stages, differences);

    /// <summary>Stages that both have, in the order of the first.</summary>
    public IReadOnlyList<StageComparison> Stages { get; }

    /// <summary>What else differs, so that the comparison may not be one of like with like.</summary>
    public IReadOnlyList<string> Differences { get; }

    /// <summary>Compares medians. A difference counts if it exceeds three standard errors of the two medians, more for few
    /// samples, and 2 %. Noise is taken from the median deviation, so that a disturbed sample does not hide a change.</summary>
    public static BenchmarkComparison Of(BenchmarkReport before, BenchmarkReport after)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        var stages = new List<StageComparison>();
        foreach (StageMeasurement a in before.Stages)
            if (after.Find(a.Name) is { } b && a.Unit == b.Unit) stages.Add(Compare(a, b));
        return new BenchmarkComparison(stages, [.. DifferencesOf(before, after)]);
    }

    private static StageComparison Compare(StageMeasurement a, StageMeasurement b)
    {
        int fewest = Math.Min(a.SamplesS.Count, b.SamplesS.Count);
        // A few samples tell their own spread badly; 1 + 6/n keeps false alarms below 1 in 100 from five samples on.
        double noise = Math.Max(3 * (1 + 6.0 / fewest) * Math.Sqrt(Variance(a) + Variance(b)), SmallestRatio * a.MedianS);
        double difference = b.MedianS - a.MedianS;
        Verdict verdict = fewest < FewestSamples ? Verdict.Unknown
                        : Math.Abs(difference) <= noise ? Verdict.Same
                        : difference < 0 ? Verdict.Faster : Verdict.Slower;
        return new StageComparison(a.Name, a.MedianS, b.MedianS, noise, verdict);
    }

    /// <summary>Squared standard error of the median: 1.2533 σ/√n for normal noise.</summary>
    private static double Variance(StageMeasurement stage)
    {
        double deviation = 1.2533 * Statistics.RobustDeviation(stage.SamplesS);
        return deviation * deviation / stage.SamplesS.Count;
    }

    private static IEnumerable<string> DifferencesOf(BenchmarkReport before, BenchmarkReport after)
    {
        (BenchmarkEnvironment a, BenchmarkEnvironment b) = (before.Environment, after.Environment);
        (string What, string Before, string After)[] pairs =
        [
            ("device", a.DeviceName, b.DeviceName), ("backend", a.DeviceDetail, b.DeviceDetail), ("precision", a.Precision, b.Precision),
            ("threads", $"{a.Threads}", $"{b.Threads}"), ("system", a.Os, b.Os), ("bundle", a.Bundle, b.Bundle),
            ("bundle files", a.BundleFingerprint ?? "none", b.BundleFingerprint ?? "none"),
            ("duration", $"{before.Settings.DurationS} s", $"{after.Settings.DurationS} s"), ("steps", $"{before.Settings.Steps}", $"{after.Settings.Steps}"),
            ("guidance", $"{before.Settings.Cfg}", $"{after.Settings.Cfg}"), ("sampler", before.Settings.Sampler, after.Settings.Sampler),
        ];
        return from pair in pairs where pair.Before != pair.After select $"{pair.What}: {pair.Before} and {pair.After}";
    }
}
