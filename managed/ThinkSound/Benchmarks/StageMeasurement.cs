namespace ThinkSound.Benchmarks;

/// <summary>How long one stage takes, in seconds.</summary>
public sealed record StageMeasurement
{
    /// <summary>"sample_step", "decode", …</summary>
    public required string Name { get; init; }
    /// <summary>What one sample of the measurement is: "8 frames", "a guided step".</summary>
    public required string Unit { get; init; }
    /// <summary>The very first time, with memory to take and caches to fill; null if it was not measured.</summary>
    public double? ColdS { get; init; }
    /// <summary>Each repeat after warming up.</summary>
    public required IReadOnlyList<double> SamplesS { get; init; }
    /// <summary>Useful work of one sample, in 10⁹ operations; null if nothing was counted.</summary>
    public double? Gflop { get; init; }
    /// <summary>Added up from other stages, not measured by itself.</summary>
    public bool IsComputed { get; init; }
    /// <summary>What else to know.</summary>
    public string? Note { get; init; }

    /// <summary>Shortest.</summary>
    public double MinS => SamplesS.Min();
    /// <summary>Longest.</summary>
    public double MaxS => SamplesS.Max();
    /// <summary>Mean.</summary>
    public double MeanS => SamplesS.Average();
    /// <summary>Middle.</summary>
    public double MedianS => Statistics.Quantile(SamplesS, 0.5);
    /// <summary>Standard deviation; null for a single sample.</summary>
    public double? StdevS => SamplesS.Count < 2 ? null : Math.Sqrt(SamplesS.Sum(s => (s - MeanS) * (s - MeanS)) / (SamplesS.Count - 1));
    /// <summary>90th percentile; null below 10 samples, which could not show it.</summary>
    public double? P90S => SamplesS.Count < 10 ? null : Statistics.Quantile(SamplesS, 0.90);
    /// <summary>95th percentile; null below 20 samples.</summary>
    public double? P95S => SamplesS.Count < 20 ? null : Statistics.Quantile(SamplesS, 0.95);
    /// <summary>99th percentile; null below 100 samples.</summary>
    public double? P99S => SamplesS.Count < 100 ? null : Statistics.Quantile(SamplesS, 0.99);
    /// <summary>Useful 10⁹ operations a second, by the median.</summary>
    public double? Gflops => Gflop / MedianS;
}

internal static class Statistics
{
    /// <summary>Quantile with linear interpolation between samples.</summary>
    public static double Quantile(IReadOnlyList<double> samples, double quantile)
    {
        double[] sorted = [.. samples.Order()];
        double at = quantile * (sorted.Length - 1);
        int below = (int)at;
        return below + 1 < sorted.Length ? sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]) : sorted[below];
    }

    /// <summary>Standard deviation as the median distance from the median tells it, which a few disturbed samples do not move.</summary>
    public static double RobustDeviation(IReadOnlyList<double> samples)
    {
        double median = Quantile(samples, 0.5);
        return 1.4826 * Quantile([.. samples.Select(s => Math.Abs(s - median))], 0.5); // 1.4826 makes it σ for normal noise
    }
}
