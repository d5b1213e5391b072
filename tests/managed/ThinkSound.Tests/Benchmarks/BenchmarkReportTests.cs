using System.Text.Json;
using ThinkSound.Benchmarks;

namespace ThinkSound.Tests.Benchmarks;

public class BenchmarkReportTests
{
    [Test]
    public void Statistics_are_those_of_the_samples()
    {
        StageMeasurement stage = Stage("s", Enumerable.Range(1, 100).Select(i => i / 100.0)) with { Gflop = 2 };
        Assert.Multiple(() =>
        {
            Assert.That((stage.MinS, stage.MaxS), Is.EqualTo((0.01, 1.0)));
            Assert.That(stage.MedianS, Is.EqualTo(0.505).Within(1e-12));
            Assert.That(stage.MeanS, Is.EqualTo(0.505).Within(1e-12));
            Assert.That(stage.StdevS, Is.EqualTo(Math.Sqrt(100.0 * 101 / 12) / 100).Within(1e-12)); // of 1 … n: √(n(n+1)/12)
            Assert.That(stage.P90S, Is.EqualTo(0.901).Within(1e-12));
            Assert.That(stage.P95S, Is.EqualTo(0.9505).Within(1e-12));
            Assert.That(stage.P99S, Is.EqualTo(0.9901).Within(1e-12));
            Assert.That(stage.Gflops, Is.EqualTo(2 / 0.505).Within(1e-9));
        });
    }

    [TestCase(1, false, false, false)]
    [TestCase(9, false, false, false)]
    [TestCase(10, true, false, false)]
    [TestCase(20, true, true, false)]
    [TestCase(100, true, true, true)]
    public void Percentiles_appear_when_there_are_samples_enough(int count, bool p90, bool p95, bool p99)
    {
        StageMeasurement stage = Stage("s", Enumerable.Range(1, count).Select(i => (double)i));
        Assert.That((stage.P90S is not null, stage.P95S is not null, stage.P99S is not null), Is.EqualTo((p90, p95, p99)));
        Assert.That(stage.StdevS is null, Is.EqualTo(count == 1));
    }

    [Test]
    public void A_report_survives_its_own_json_and_names_fields_as_others_do()
    {
        BenchmarkReport report = Report(Stage("decode", [0.2, 0.3, 0.25]), Stage("load", [1.5]));
        JsonElement json = JsonDocument.Parse(report.ToJson()).RootElement;
        foreach (string name in (string[])["format", "version", "latency_s", "rtf", "peak_memory", "settings", "environment", "stages"]) Assert.That(json.TryGetProperty(name, out _), name);
        JsonElement stage = json.GetProperty("stages")[0];
        foreach (string name in (string[])["name", "unit", "samples_s", "min_s", "median_s", "mean_s", "stdev_s", "max_s"]) Assert.That(stage.TryGetProperty(name, out _), name);

        BenchmarkReport back = BenchmarkReport.FromJson(report.ToJson());
        Assert.That(back.Stages.Select(s => s.Name), Is.EqualTo(new[] { "decode", "load" }));
        Assert.That(back.Find("decode")!.SamplesS, Is.EqualTo(report.Find("decode")!.SamplesS));
        Assert.That(back.Environment, Is.EqualTo(report.Environment));
        Assert.That(back.Settings, Is.EqualTo(report.Settings));
    }

    [Test]
    public void Tables_hold_every_stage_and_quote_what_needs_it()
    {
        BenchmarkReport report = Report(Stage("decode", [0.2, 0.3, 0.25]) with { Gflop = 5, Unit = "a \"chunk\", or | two" }, Stage("load", [12.3456])) with { CeilingGflops = 100 };
        string[] rows = report.ToCsv().Split("\r\n");
        Assert.That(rows, Has.Length.EqualTo(4), "a header, two stages, the end of the last line");
        Assert.That(rows[0], Does.EndWith("stage,unit,num_samples,cold_s,min_s,median_s,mean_s,max_s,stdev_s,p90_s,p95_s,p99_s,gflop,gflops,part_of_ceiling,is_computed"));
        Assert.That(rows[1], Does.Contain("decode,\"a \"\"chunk\"\", or | two\",3,,0.2,0.25,0.25,0.3,0.0").And.EndWith(",,,,5,20,0.2,false"));
        Assert.That(rows[2], Does.EndWith("load,one,1,,12.3456,12.3456,12.3456,12.3456,,,,,,,,false"));

        string[] lines = report.ToMarkdown().Split('\n');
        Assert.That(lines[0], Does.Contain("ceiling 100 GFLOP/s"));
        Assert.That(lines[2], Is.EqualTo("| stage | one sample | samples | min, s | median, s | GFLOP | GFLOP/s | of ceiling |"), "columns without a value are left out");
        Assert.That(lines[4], Is.EqualTo("| decode | a \"chunk\", or \\| two | 3 | 0.2000 | 0.2500 | 5.000 | 20.00 | 20 % |"));
        Assert.That(lines[5], Does.StartWith("| load | ").And.Contain(" | 1 | 12.35 | 12.35 |  |  |  |"));
    }

    [TestCase("")]
    [TestCase("[]")]
    [TestCase("{}")]
    [TestCase("null")]
    [TestCase("not json")]
    public void What_is_no_report_is_refused(string json) =>
        Assert.That(() => BenchmarkReport.FromJson(json, "r.json"), Throws.ArgumentException.With.Message.Contains("r.json"));

    [Test]
    public void A_report_of_another_version_is_refused() =>
        Assert.That(() => BenchmarkReport.FromJson((Report(Stage("s", [1])) with { Version = 2 }).ToJson()), Throws.ArgumentException.With.Message.Contains("thinksound-bench 2"));

    internal static StageMeasurement Stage(string name, IEnumerable<double> samples) => new() { Name = name, Unit = "one", SamplesS = [.. samples] };

    internal static BenchmarkReport Report(params StageMeasurement[] stages) => new()
    {
        LatencyS = 2, Rtf = 0.25, PeakMemory = 1000, Stages = stages,
        Settings = new BenchmarkSettings { DurationS = 8, Steps = 24, Cfg = 5, Sampler = "Euler", Repeats = 3, WarmUp = 1, ClipFrames = 8, ClipFramesOf = 64, SyncSegments = 2, SyncSegmentsOf = 24 },
        Environment = new BenchmarkEnvironment
        {
            Time = DateTimeOffset.UnixEpoch, DeviceName = "cpu", Device = "cpu", DeviceDetail = "", Precision = "bf16", Threads = 2, Os = "os", Runtime = "net",
            Version = "1", NativeVersion = "1", Bundle = "b", Parameters = 1, WeightsBytes = 2,
        },
    };
}
