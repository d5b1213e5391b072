using System.Text.Json;

namespace ThinkSound.Cli.Tests;

internal class OtherCommandTests : WithFolder
{
    [Test]
    public void Info_counts_parameters_and_plans_memory()
    {
        CliResult run = Cli.Run("info", "--bundle", Cli.Bundle, "--duration", "9", "--device", "all", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        JsonElement root = run.Json;
        Assert.That(root.GetProperty("name").GetString(), Is.EqualTo("random-small"));
        Assert.That(root.GetProperty("components").EnumerateArray().Select(c => c.GetProperty("kind").GetString()),
                    Is.EqualTo(new[] { "mmdit", "vae", "t5", "clip_text", "clip_vision", "synchformer", "recogniser", "listener" }));
        long stored = root.GetProperty("components").EnumerateArray().Sum(c => c.GetProperty("parameters").EnumerateObject().Sum(p => p.Value.GetInt64()));
        // Loaded ones are fewer: folded norms and a convolution that nobody uses.
        JsonElement[] loads = [.. root.GetProperty("loaded").EnumerateArray()];
        Assert.That(loads.Select(l => l.GetProperty("device").GetString()), Is.EqualTo(ThinkSoundRuntime.GetDevices().Where(d => d.IsAvailable).Select(d => d.Id)));
        foreach (JsonElement loaded in loads)
        {
            Assert.That(loaded.GetProperty("parameters").GetInt64(), Is.InRange(0.95 * stored, stored));
            Assert.That(loaded.GetProperty("classes").EnumerateArray().Select(c => c.GetString()), Is.EqualTo(new[] { "bell", "door", "footsteps", "glass", "rain" }));
            Assert.That(loaded.GetProperty("materials").GetArrayLength(), Is.EqualTo(3));
            Assert.That(loaded.GetProperty("onsets_per_step").GetInt32(), Is.EqualTo(4));
            JsonElement memory = loaded.GetProperty("memory")[0];
            Assert.That(memory.GetProperty("recognise_bytes").GetInt64(), Is.Positive);
            Assert.That(memory.GetProperty("total_bytes").GetInt64(), Is.EqualTo(memory.GetProperty("weights_bytes").GetInt64() + memory.GetProperty("arena_bytes").GetInt64()));
        }

        CliResult text = Cli.Run("info", "--bundle", Cli.Bundle, "--no-memory");
        Assert.That(text.Output, Does.Contain("random-small").And.Contain("CC0-1.0").And.Contain("spiece.model"));
    }

    [Test]
    public void Doctor_finds_what_these_tests_use()
    {
        CliResult run = Cli.Run("doctor", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Dictionary<string, string?> status = run.Json.EnumerateArray().ToDictionary(f => f.GetProperty("area").GetString()!, f => f.GetProperty("status").GetString());
        foreach (string area in (string[])["program", "native library", "media library", "device cpu", "encoders", "feature cache"]) Assert.That(status[area], Is.EqualTo("ok"), area);
        Assert.That(status.Keys, Does.Contain("model").And.Contain("pictures"));
    }

    [Test]
    public void Bench_measures_every_stage_and_compares_two_runs()
    {
        string[] arguments = ["bench", "--bundle", Cli.Bundle, "--duration", "2", "--steps", "4", "--repeats", "3", "--frames", "2", "--segments", "1", "--ceiling", "100"];
        CliResult first = Cli.Run([.. arguments, "--json", "-o", At("a.json")]);
        Assert.That(first.ExitCode, Is.Zero, first.ToString());
        JsonElement root = first.Json;
        Assert.Multiple(() =>
        {
            Assert.That(root.GetProperty("latency_s").GetDouble(), Is.Positive);
            Assert.That(root.GetProperty("rtf").GetDouble(), Is.EqualTo(root.GetProperty("latency_s").GetDouble() / 2).Within(1e-9));
            Assert.That(root.GetProperty("peak_memory").GetInt64(), Is.GreaterThan(10_000_000));
            Assert.That(root.GetProperty("ceiling_gflops").GetDouble(), Is.EqualTo(100));
            Assert.That(root.GetProperty("environment").GetProperty("bundle_fingerprint").GetString(), Has.Length.EqualTo(64));
        });
        Dictionary<string, JsonElement> stages = root.GetProperty("stages").EnumerateArray().ToDictionary(s => s.GetProperty("name").GetString()!);
        Assert.That(stages.Keys, Is.EqualTo(new[] { "load", "text_clip", "text_t5", "clip_vision", "synchformer", "sample_step", "sample_loop", "decode", "first_pcm", "generate", "end_to_end" }));
        foreach (JsonElement stage in stages.Values)
            Assert.That(stage.GetProperty("min_s").GetDouble(), Is.GreaterThan(0).And.LessThanOrEqualTo(stage.GetProperty("median_s").GetDouble()));
        Assert.That(stages["decode"].GetProperty("samples_s").GetArrayLength(), Is.EqualTo(3));
        Assert.That(stages["decode"].TryGetProperty("p90_s", out _), Is.False, "three samples show no percentile");

        Assert.That(Cli.Run([.. arguments, "-o", At("b.json"), "--csv", At("b.csv"), "--markdown", At("b.md")]).Output, Does.Contain("of ceiling").And.Contain("RTF"));
        string[] rows = File.ReadAllText(At("b.csv")).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.That(rows, Has.Length.EqualTo(1 + stages.Count));
        Assert.That(rows.Select(row => row.Split(',').Length).Distinct().Count(), Is.EqualTo(1).Or.EqualTo(2), "quoted cells may hold commas, no row is short");
        Assert.That(File.ReadAllLines(At("b.md")).Count(line => line.StartsWith('|')), Is.EqualTo(2 + stages.Count));
        Assert.That(Cli.Run("bench", "--compare", At("a.json"), At("b.json"), "--csv", At("c.csv")).ExitCode, Is.EqualTo(2));
        CliResult compared = Cli.Run("bench", "--compare", At("a.json"), At("b.json"));
        Assert.That(compared.ExitCode, Is.Zero, compared.ToString());
        Assert.That(compared.Output, Does.Contain("sample_step").And.Contain("noise"));
        Assert.That(Cli.Run("bench", "--compare", At("a.json"), At("missing.json")).ExitCode, Is.EqualTo(3));
    }

    [TestCase("info")]
    [TestCase("bench")]
    public void A_memory_cap_that_is_too_small_is_the_environments_and_tells_need_and_cap(string command)
    {
        CliResult run = Cli.Run(command, "--bundle", Cli.Bundle, "--memory-cap", "1MB");
        Assert.That(run.ExitCode, Is.EqualTo(4), run.ToString());
        Assert.That(run.Error, Does.Match(@"needs [0-9.]+ MB, .*the cap is 1 MB"));
    }

    [Test]
    public void Synthetic_weights_need_no_files_for_info_and_bench()
    {
        string sizes = Path.Combine(Cli.Bundle, "bundle.json");
        CliResult info = Cli.Run("info", "--synthetic", sizes, "--duration", "2");
        Assert.That(info.ExitCode, Is.Zero, info.ToString());
        CliResult bench = Cli.Run("bench", "--synthetic", sizes, "--duration", "1", "--steps", "2", "--repeats", "1", "--frames", "1", "--segments", "1", "--json");
        Assert.That(bench.ExitCode, Is.Zero, bench.ToString());
        Assert.That(bench.Output, Does.Not.Contain("\"skipped\": [\n    \""), "text encoders read synthetic words");
    }
}
