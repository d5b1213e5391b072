using System.Globalization;
using System.Text;

namespace ThinkSound.Benchmarks;

/// <summary>A report as tables for other programs and for documents. Seconds, 10⁹ operations and 10⁹ operations a second.</summary>
public static class BenchmarkTables
{
    /// <summary>A column; a null value is an empty cell.</summary>
    private sealed record Column(string Name, Func<StageMeasurement, object?> Value);

    /// <summary>As CSV after RFC 4180: a header, then a row a stage. What was measured where is part of every row, so that
    /// the tables of several runs can be put together.</summary>
    public static string ToCsv(this BenchmarkReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var (on, of) = (report.Environment, report.Settings);
        Column[] run =
        [
            new("time", _ => on.Time.ToString("O", CultureInfo.InvariantCulture)), new("version", _ => on.Version), new("device_name", _ => on.DeviceName),
            new("device", _ => on.Device), new("precision", _ => on.Precision), new("threads", _ => on.Threads), new("bundle", _ => on.Bundle),
            new("duration_s", _ => of.DurationS), new("steps", _ => of.Steps), new("cfg", _ => of.Cfg),
        ];
        Column[] stage =
        [
            new("stage", s => s.Name), new("unit", s => s.Unit), new("num_samples", s => s.SamplesS.Count), new("cold_s", s => s.ColdS),
            new("min_s", s => s.MinS), new("median_s", s => s.MedianS), new("mean_s", s => s.MeanS), new("max_s", s => s.MaxS), new("stdev_s", s => s.StdevS),
            new("p90_s", s => s.P90S), new("p95_s", s => s.P95S), new("p99_s", s => s.P99S), new("gflop", s => s.Gflop), new("gflops", s => s.Gflops),
            new("part_of_ceiling", s => s.Gflops / report.CeilingGflops), new("is_computed", s => s.IsComputed ? "true" : "false"),
        ];
        Column[] columns = [.. run, .. stage];
        var text = new StringBuilder();
        Line(columns.Select(column => column.Name));
        foreach (StageMeasurement row in report.Stages) Line(columns.Select(column => Plain(column.Value(row))));
        return text.ToString();

        void Line(IEnumerable<string> cells) => text.AppendJoin(',', cells.Select(Quoted)).Append("\r\n");
    }

    /// <summary>As a table of Markdown, with what was measured where above it.</summary>
    public static string ToMarkdown(this BenchmarkReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var (on, of) = (report.Environment, report.Settings);
        Column[] columns =
        [
            new("stage", s => s.Name), new("one sample", s => s.Unit), new("samples", s => s.SamplesS.Count), new("cold, s", s => Rounded(s.ColdS)),
            new("min, s", s => Rounded(s.MinS)), new("median, s", s => Rounded(s.MedianS)), new("p90, s", s => Rounded(s.P90S)), new("p95, s", s => Rounded(s.P95S)),
            new("p99, s", s => Rounded(s.P99S)), new("GFLOP", s => Rounded(s.Gflop)), new("GFLOP/s", s => Rounded(s.Gflops)),
            new("of ceiling", s => (s.Gflops / report.CeilingGflops)?.ToString("P0", CultureInfo.InvariantCulture)),
        ];
        Column[] shown = [.. columns.Where(column => report.Stages.Any(stage => column.Value(stage) is not null))];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{on.Bundle}, {on.Precision}, on {on.DeviceName} ({on.Device}, {on.Threads} threads), version {on.Version}: ");
        text.Append(CultureInfo.InvariantCulture, $"{of.DurationS:0.##} s of sound, {of.Steps} steps, guidance {of.Cfg}. ");
        text.Append(CultureInfo.InvariantCulture, $"Latency {report.LatencyS:0.000} s, RTF {report.Rtf:0.000}, peak memory {report.PeakMemory / 1e9:0.00} GB");
        if (report.CeilingGflops is { } ceiling) text.Append(CultureInfo.InvariantCulture, $", ceiling {ceiling:0} GFLOP/s");
        text.Append(".\n\n");
        Line(shown.Select(column => column.Name));
        Line(shown.Select(column => column.Name is "stage" or "one sample" ? "---" : "---:"));
        foreach (StageMeasurement row in report.Stages) Line(shown.Select(column => Plain(column.Value(row)).Replace("|", "\\|")));
        return text.ToString();

        void Line(IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }

    /// <summary>Four digits that count: no measurement here has more.</summary>
    private static string? Rounded(double? value) => value switch
    {
        null => null,
        0 => "0",
        { } v => v.ToString("F" + Math.Clamp(3 - (int)Math.Floor(Math.Log10(Math.Abs(v))), 0, 9), CultureInfo.InvariantCulture),
    };

    private static string Plain(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private static string Quoted(string cell) => cell.AsSpan().ContainsAny(",\"\r\n") ? $"\"{cell.Replace("\"", "\"\"")}\"" : cell;
}
