using System.Globalization;
using System.Text.Json;
using SkiaSharp;

namespace ThinkSound.Cli.Tests;

internal class PlotTests : WithFolder
{
    [Test]
    public void A_video_with_sound_is_drawn_with_its_frames_and_measured()
    {
        CliResult run = Cli.Run("plot", Cli.Sample("friday.mp4"), "-o", At("friday.png"), "--json");
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        JsonElement json = run.Json;
        Assert.Multiple(() =>
        {
            Assert.That(json.GetProperty("picture").GetString(), Is.EqualTo(At("friday.png")));
            Assert.That(json.GetProperty("duration_s").GetDouble(), Is.EqualTo(6.166).Within(0.05));
            Assert.That((json.GetProperty("sample_rate").GetInt32(), json.GetProperty("num_channels").GetInt32()), Is.EqualTo((44100, 2)));
            Assert.That(json.GetProperty("has_video").GetBoolean());
            Assert.That(json.GetProperty("peak_dbfs").GetDouble(), Is.EqualTo(-17.1).Within(0.2), "as the manifest of the samples says");
            Assert.That(json.GetProperty("loudness_lufs").GetDouble(), Is.InRange(-45, -17));
            Assert.That(json.GetProperty("onsets_s").GetArrayLength(), Is.Positive, "people speak");
            Assert.That(json.TryGetProperty("hits", out _), Is.False, "there was nothing to compare with");
        });
        using SKBitmap picture = SKBitmap.Decode(At("friday.png"));
        Assert.That((picture.Width, picture.Height), Is.EqualTo((1600, 900)));
        // Eight frames of a film in dark grey, 156 pixels wide in parts of 176.5.
        for (int i = 0; i < 8; i++)
        {
            int centre = 84 + (int)((i + 0.5) * 176.5);
            Assert.That(picture.GetPixel(centre + 40, 190).Red, Is.LessThan(120), $"frame {i}");
            Assert.That(picture.GetPixel(centre + 86, 190), Is.EqualTo(SKColors.White), $"beside frame {i}");
        }
    }

    [Test]
    public void A_sound_alone_is_drawn_beside_itself_and_held_against_events()
    {
        new AudioClip(1, 44100, Clicks(3, 0.5, 1.2, 2.25)).SaveWav(At("clicks.wav"), new WavOptions { Loudness = Loudness.None });
        CliResult run = Cli.Run("plot", At("clicks.wav"), "--events", "0.52, 1.5 2.25", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(Files(), Is.EqualTo(new[] { "clicks.png", "clicks.wav" }));
        JsonElement json = run.Json;
        Assert.Multiple(() =>
        {
            Assert.That(Times(json, "onsets_s"), Is.EqualTo(new[] { 0.5, 1.2, 2.25 }).Within(0.005));
            Assert.That(Times(json, "events_s"), Is.EqualTo(new[] { 0.52, 1.5, 2.25 }));
            Assert.That(json.GetProperty("hits").GetInt32(), Is.EqualTo(2));
            Assert.That(json.GetProperty("tolerance_s").GetDouble(), Is.EqualTo(0.06));
            Assert.That(json.GetProperty("median_error_s").GetDouble(), Is.EqualTo(0.01).Within(0.005));
            Assert.That(json.GetProperty("has_video").GetBoolean(), Is.False);
        });

        // A picture that exists is kept, unless it may be replaced; a part has its own clock.
        CliResult again = Cli.Run("plot", At("clicks.wav"));
        Assert.That(again.ExitCode, Is.EqualTo(2), again.ToString());
        Assert.That(again.Error, Does.Contain("--force"));
        CliResult part = Cli.Run("plot", At("clicks.wav"), "--force", "--start", "1", "--duration", "1", "--events", "0.2");
        Assert.That(part.ExitCode, Is.Zero, part.ToString());
        Assert.That(part.Output, Does.Contain("clicks.png: 1.00 s of sound, peak −6.0 dBFS").And.Contain("onsets: 1")
                                     .And.Match(@"1 of 1 events have an onset within 60 ms \(median error [0-4] ms\); further onsets: 0"));

        static double[] Times(JsonElement json, string name) => [.. json.GetProperty(name).EnumerateArray().Select(time => time.GetDouble())];
    }

    [Test]
    public void Silence_has_no_level_and_no_onsets()
    {
        new AudioClip(2, 44100, new float[2 * 44100]).SaveWav(At("silence.wav"));
        CliResult run = Cli.Run("plot", At("silence.wav"), "--json", "--events", "");
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Json.GetProperty("peak_dbfs").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(run.Json.GetProperty("loudness_lufs").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(run.Json.GetProperty("onsets_s").GetArrayLength(), Is.Zero);
        Assert.That(Cli.Run("plot", At("silence.wav"), "--force").Output, Does.Contain("silent, onsets: 0"));
    }

    [Test]
    public void What_cannot_be_drawn_is_bad_input()
    {
        File.WriteAllText(At("noise.wav"), "this is no sound");
        foreach (string file in (string[])[Cli.Sample("scene-knock.mp4"), At("missing.wav"), At("noise.wav")])
        {
            CliResult run = Cli.Run("plot", file, "-o", At("out.png"));
            Assert.That(run.ExitCode, Is.EqualTo(3), run.ToString());
            Assert.That(run.Error, Does.Contain(Path.GetFileName(file)));
        }
        Assert.That(Cli.Run("plot", Cli.Sample("friday.mp4"), "--start", "7", "-o", At("out.png")).ExitCode, Is.EqualTo(2));
        Assert.That(Cli.Run("plot", Cli.Sample("friday.mp4"), "-o", At("none/out.png")).ExitCode, Is.EqualTo(1));
        Assert.That(Files(), Is.EqualTo(new[] { "noise.wav" }));
    }

    [Test]
    public void A_generated_video_shows_its_frames_and_its_events_come_from_the_manifest()
    {
        string[] row = [.. File.ReadLines(Cli.Sample("manifest.jsonl")).Where(line => line.Contains("\"scene-knock.mp4\""))];
        JsonElement scene = JsonDocument.Parse(row.Single()).RootElement;
        CliResult made = Generate(Cli.Sample("scene-knock.mp4"), "--caption", scene.GetProperty("caption").GetString()!, "--plot", "-o", At("scene.mp4"));
        Assert.That(made.ExitCode, Is.Zero, made.ToString());
        Assert.That(Files(), Is.EqualTo(new[] { "scene.mp4", "scene.png" }));
        using SKBitmap picture = SKBitmap.Decode(At("scene.png"));
        SKColor grass = picture.GetPixel(84 + 78, 110); // in the upper part of the first of eleven frames
        Assert.That(grass.Green, Is.GreaterThan(grass.Red + 20).And.GreaterThan(grass.Blue + 20));

        string events = string.Join(',', scene.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("time_s").GetDouble().ToString(CultureInfo.InvariantCulture)));
        CliResult run = Cli.Run("plot", At("scene.mp4"), "--events", events, "--force", "--json");
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Json.GetProperty("events_s").GetArrayLength(), Is.EqualTo(13));
        Assert.That(run.Json.GetProperty("duration_s").GetDouble(), Is.EqualTo(7).Within(0.001));
    }

    private static float[] Clicks(double duration, params double[] times)
    {
        var samples = new float[(int)(44100 * duration)];
        var random = new Random(1);
        foreach (double time in times)
            for (int i = 0, at = (int)(44100 * time); i < 2000; i++) samples[at + i] = i == 0 ? 0.5f : (float)(0.3 * (2 * random.NextDouble() - 1) * Math.Exp(-i / 300.0));
        return samples;
    }
}
