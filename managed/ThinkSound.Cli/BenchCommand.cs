using System.CommandLine;
using System.Globalization;
using System.Text;
using ThinkSound.Benchmarks;
using ThinkSound.Rendering;

namespace ThinkSound.Cli;

/// <summary><c>thinksound bench</c>: latency of every stage, and comparison of two runs.</summary>
internal static class BenchCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("bench", "Measures every stage from words and frames to sound; or compares two measurements.");
        var engine = new EngineArguments();
        var synthetic = new Option<string?>("--synthetic") { Description = "Instead of a bundle: \"published\" for the published sizes with random weights in memory (about 7.5 GB in bf16), or a bundle.json without weights." };
        var duration = new Option<double>("--duration") { Description = "Length of the sound, 1 to 60 seconds.", DefaultValueFactory = _ => 9, HelpName = "SECONDS" };
        var steps = new Option<int>("--steps") { Description = "Steps of the sampler, 1 to 1000.", DefaultValueFactory = _ => 24 };
        var cfg = new Option<float>("--cfg") { Description = "Guidance; 1 turns it off and halves the work.", DefaultValueFactory = _ => 5 };
        var repeats = new Option<int>("--repeats") { Description = "Samples of each stage. Percentiles appear from 10 (p90), 20 (p95) and 100 (p99) on.", DefaultValueFactory = _ => 5 };
        var warmUp = new Option<int>("--warm-up") { Description = "Runs before the first sample; the very first is shown as cold.", DefaultValueFactory = _ => 1 };
        var budget = new Option<double>("--stage-budget") { Description = "Seconds after which a stage takes no further sample.", DefaultValueFactory = _ => 60 };
        var frames = new Option<int>("--frames") { Description = "CLIP frames a sample; 0 = all of the clip.", DefaultValueFactory = _ => 8 };
        var segments = new Option<int>("--segments") { Description = "Synchformer segments (16 frames) a sample; 0 = all of the clip.", DefaultValueFactory = _ => 2 };
        var ceiling = new Option<string?>("--ceiling") { Description = "What percentages are of: the best matrix product in GFLOP/s, or the program ts_bench that measures it. Default: ts_bench of the checkout, where it is built.", HelpName = "GFLOPS|PROGRAM" };
        var json = new Option<bool>("--json") { Description = "The report as JSON on standard output." };
        var output = new Option<string?>("--output", "-o") { Description = "Write the report as JSON into this file too.", HelpName = "FILE" };
        var csv = new Option<string?>("--csv") { Description = "Write a row a stage into this file too, as CSV.", HelpName = "FILE" };
        var markdown = new Option<string?>("--markdown") { Description = "Write the table into this file too, as Markdown.", HelpName = "FILE" };
        var compare = new Option<string[]>("--compare") { Description = "Compare two reports instead of measuring: --compare BEFORE.json AFTER.json", Arity = new ArgumentArity(2, 2), AllowMultipleArgumentsPerToken = true, HelpName = "BEFORE AFTER" };
        var failOnSlower = new Option<bool>("--fail-on-slower") { Description = "With --compare: exit 1 if a stage is slower beyond noise." };
        engine.AddTo(command);
        foreach (Option option in (Option[])[synthetic, duration, steps, cfg, repeats, warmUp, budget, frames, segments, ceiling, json, output, csv, markdown, compare, failOnSlower])
            command.Add(option);
        foreach (Option<int> count in (Option<int>[])[steps, repeats]) count.Require(n => n is >= 1 and <= 1000, $"{count.Name} is 1 to 1000");
        foreach (Option<int> count in (Option<int>[])[warmUp, frames, segments]) count.Require(n => n is >= 0 and <= 1000, $"{count.Name} is 0 to 1000");
        duration.Require(s => s is >= 1 and <= 60, "--duration is 1 to 60 seconds");
        budget.Require(s => s is >= 0 and <= 1e6, "--stage-budget is in seconds");
        ceiling.Require(Ceiling.MakesSense, "--ceiling is a number of GFLOP/s or the program ts_bench");

        command.SetAction(async (parsed, cancellationToken) =>
        {
            var files = new[] { output, csv, markdown }.Where(option => parsed.GetValue(option) is not null).ToDictionary(option => option, option => parsed.GetValue(option)!);
            if (parsed.GetValue(compare) is [{ } before, { } after])
            {
                if (files.Keys.FirstOrDefault() is { } option) throw new UsageException($"{option.Name} writes a measurement, and --compare makes none");
                return Compare(terminal, before, after, parsed.GetValue(json), parsed.GetValue(failOnSlower));
            }
            EngineOptions model = engine.Read(parsed, parsed.GetValue(synthetic));
            terminal.WriteLive("measuring the best matrix product");
            Ceiling? best = Ceiling.Find(parsed.GetValue(ceiling), model.Threads, terminal);
            var options = new BenchmarkOptions
            {
                Engine = model,
                Generate = new GenerateOptions
                {
                    Duration = TimeSpan.FromSeconds(parsed.GetValue(duration)), Steps = parsed.GetValue(steps), GuidanceScale = parsed.GetValue(cfg),
                },
                Repeats = parsed.GetValue(repeats),
                WarmUp = parsed.GetValue(warmUp),
                StageBudget = TimeSpan.FromSeconds(parsed.GetValue(budget)),
                ClipFrames = parsed.GetValue(frames),
                SyncSegments = parsed.GetValue(segments),
            };
            BenchmarkReport report = await Benchmark.RunAsync(options, new Line(terminal), cancellationToken);
            // Before and after, the better one counts: a machine busy with other things is slower, never faster.
            if (best is not null) best = best.Or(Ceiling.Find(parsed.GetValue(ceiling), model.Threads, terminal));
            report = report with { CeilingGflops = best?.For(report.Environment.Precision) };
            terminal.EndLive();
            foreach (var (option, file) in files)
            {
                string text = option == csv ? report.ToCsv() : option == markdown ? report.ToMarkdown() : report.ToJson() + "\n";
                OutputFile.Write(file, Encoding.UTF8.GetBytes(text), overwrite: true);
            }
            terminal.WriteResult(parsed.GetValue(json) ? report.ToJson() : ToText(report));
            return ExitCode.Done;
        });
        return command;
    }

    private static int Compare(Terminal terminal, string before, string after, bool isJson, bool failOnSlower)
    {
        BenchmarkComparison comparison = BenchmarkComparison.Of(Read(before), Read(after));
        if (comparison.Stages.Count == 0) throw new UsageException("the two reports have no stage in common");
        bool isSlower = comparison.Stages.Any(stage => stage.Verdict == Verdict.Slower);
        terminal.WriteResult(isJson ? ToJson(comparison) : ToText(comparison));
        return isSlower && failOnSlower ? ExitCode.Failed : ExitCode.Done;

        static BenchmarkReport Read(string file) => File.Exists(file)
            ? BenchmarkReport.FromJson(File.ReadAllText(file), file)
            : throw new ResourceNotFoundException($"{file}: no such file");
    }

    private static string ToText(BenchmarkReport report)
    {
        BenchmarkEnvironment on = report.Environment;
        var lines = new List<string>
        {
            $"{on.Bundle}, {on.Precision}, {Units.Count(on.Parameters)} parameters on {on.DeviceName} ({on.Device}, {on.Threads} threads; {on.DeviceDetail})",
            string.Create(CultureInfo.InvariantCulture, $"{report.Settings.DurationS:0.##} s of sound, {report.Settings.Steps} steps, guidance {report.Settings.Cfg}, {report.Settings.Repeats} samples after {report.Settings.WarmUp} to warm up") +
                (on.LoadAverage is { } load ? string.Create(CultureInfo.InvariantCulture, $"; load average {load:0.0} when it began") : ""),
            "",
        };
        var table = new Table("stage", "one sample", "cold", "min", "median", "p90", "p95", "p99", "GFLOP", "GFLOP/s", "of ceiling") { WordColumns = new HashSet<int> { 1 } };
        foreach (StageMeasurement stage in report.Stages)
            table.Add(stage.Name, stage.Unit, Seconds(stage.ColdS), Seconds(stage.MinS), Seconds(stage.MedianS), Seconds(stage.P90S), Seconds(stage.P95S), Seconds(stage.P99S),
                      Figure(stage.Gflop), Figure(stage.Gflops), stage.Gflops / report.CeilingGflops is { } part ? part.ToString("P0", CultureInfo.InvariantCulture) : "");
        lines.Add(table.ToString());
        lines.Add("");
        foreach (StageMeasurement stage in report.Stages)
            if (stage.Note is { } note) lines.Add($"{stage.Name}: {note}");
        lines.Add($"frames: {report.Settings.ClipFrames} of {report.Settings.ClipFramesOf} CLIP frames and {report.Settings.SyncSegments} of {report.Settings.SyncSegmentsOf} Synchformer segments a sample");
        foreach (string skipped in report.Skipped) lines.Add("skipped: " + skipped);
        lines.Add("");
        lines.Add(string.Create(CultureInfo.InvariantCulture, $"latency {report.LatencyS:0.000} s   RTF {report.Rtf:0.000}   peak memory {Units.Bytes(report.PeakMemory)}, of which weights {Units.Bytes(on.WeightsBytes)}") +
                  (report.CeilingGflops is { } gflops ? string.Create(CultureInfo.InvariantCulture, $"   ceiling {gflops:0} GFLOP/s") : ""));
        return string.Join(Environment.NewLine, lines);
    }

    private static string ToText(BenchmarkComparison comparison)
    {
        var table = new Table("stage", "before", "after", "ratio", "noise", "") { WordColumns = new HashSet<int> { 5 } };
        foreach (StageComparison stage in comparison.Stages)
            table.Add(stage.Name, Seconds(stage.BeforeS), Seconds(stage.AfterS), stage.Ratio.ToString("0.000", CultureInfo.InvariantCulture),
                      "±" + (stage.NoiseS / stage.BeforeS).ToString("P1", CultureInfo.InvariantCulture),
                      stage.Verdict switch { Verdict.Unknown => "too few samples to tell", Verdict verdict => verdict.ToString().ToLowerInvariant() });
        var lines = new List<string> { table.ToString() };
        if (comparison.Differences.Count > 0)
        {
            lines.Add("");
            lines.Add("not the same conditions:");
            lines.AddRange(comparison.Differences.Select(difference => "  " + difference));
        }
        return string.Join(Environment.NewLine, lines);
    }

    private static string ToJson(BenchmarkComparison comparison) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("stages");
        foreach (StageComparison stage in comparison.Stages)
        {
            json.WriteStartObject();
            json.WriteString("name", stage.Name);
            json.WriteNumber("before_s", stage.BeforeS);
            json.WriteNumber("after_s", stage.AfterS);
            json.WriteNumber("ratio", stage.Ratio);
            json.WriteNumber("noise_s", stage.NoiseS);
            json.WriteString("verdict", stage.Verdict.ToString().ToLowerInvariant());
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("differences");
        foreach (string difference in comparison.Differences) json.WriteStringValue(difference);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static string Seconds(double? seconds) => seconds switch
    {
        { } s and < 0.9995 => (1000 * s).ToString("0.00", CultureInfo.InvariantCulture) + " ms",
        { } s => s.ToString("0.000", CultureInfo.InvariantCulture) + " s",
        null => "",
    };

    private static string Figure(double? value) => value?.ToString(value < 100 ? "0.0" : "0", CultureInfo.InvariantCulture) ?? "";

    private sealed class Line(Terminal terminal) : IProgress<string>
    {
        public void Report(string value) => terminal.WriteLive("measuring " + value);
    }
}
