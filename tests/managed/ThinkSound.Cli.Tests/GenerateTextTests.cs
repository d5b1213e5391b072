using System.Text.Json;
using SkiaSharp;
using ThinkSound.Media;

namespace ThinkSound.Cli.Tests;

internal class GenerateTextTests : WithFolder
{
    [Test]
    public void Words_alone_give_a_sound_of_exactly_the_length_asked_for()
    {
        CliResult run = Generate("--caption", "rain", "--cot", "Rain begins softly.", "--duration", "1.23", "-o", At("rain.wav"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        AudioClip clip = AudioFile.Read(At("rain.wav"));
        Assert.That((clip.SampleRate, clip.Channels, clip.Samples), Is.EqualTo((44100, 2, 54243))); // round(1.23 · 44 100)
        // Peak loudness: the loudest sample is full scale, as 16 bits hold it: 32767, or a unit less where peak · (1 / peak)
        // rounds below 1 and is then truncated.
        Assert.That(clip.Peak(), Is.EqualTo(1).Within(2.0 / 32768));
    }

    [Test]
    public void Without_a_duration_it_is_8_seconds()
    {
        Assert.That(Generate("--caption", "rain", "--steps", "1", "-o", At("rain.wav")).ExitCode, Is.Zero);
        Assert.That(AudioFile.Read(At("rain.wav")).Samples, Is.EqualTo(8 * 44100));
    }

    [Test]
    public void Steps_and_guidance_that_are_not_given_are_the_bundles()
    {
        Directory.CreateDirectory(At("bundle"));
        foreach (string file in Directory.GetFiles(Cli.Bundle)) File.CreateSymbolicLink(At(Path.Combine("bundle", Path.GetFileName(file))), file);
        string json = File.ReadAllText(At("bundle/bundle.json")).Replace("\"components\"", "\"defaults\": {\"num_steps\": 3, \"cfg_scale\": 2.5}, \"components\"", StringComparison.Ordinal);
        File.Delete(At("bundle/bundle.json"));
        File.WriteAllText(At("bundle/bundle.json"), json);
        foreach (var (arguments, steps, guidance) in (IEnumerable<(string[], int, double)>)[([], 3, 2.5), (["--cfg", "1"], 3, 1), (["--steps", "2"], 2, 2.5)])
        {
            CliResult run = Cli.Run(["generate", "--bundle", At("bundle"), "--caption", "rain", "--duration", "1", "--json", "--force", "-o", At("rain.wav"), .. arguments]);
            Assert.That(run.ExitCode, Is.Zero, run.ToString());
            JsonElement result = run.Json.GetProperty("results")[0];
            Assert.That((result.GetProperty("steps").GetInt32(), result.GetProperty("cfg").GetDouble()), Is.EqualTo((steps, guidance)));
        }
    }

    [Test]
    public void The_same_seed_gives_the_same_samples_whatever_the_number_of_threads()
    {
        foreach (var (name, arguments) in (IEnumerable<(string, string[])>)
                 [("1.wav", ["--seed", "5", "--threads", "1"]), ("2.wav", ["--seed", "5", "--threads", "2"]), ("3.wav", ["--seed", "5"]), ("4.wav", ["--seed", "6"])])
            Assert.That(Generate(["--caption", "rain", "--duration", "1", "-o", At(name), .. arguments]).ExitCode, Is.Zero);
        byte[] first = File.ReadAllBytes(At("1.wav"));
        Assert.Multiple(() =>
        {
            Assert.That(File.ReadAllBytes(At("2.wav")), Is.EqualTo(first));
            Assert.That(File.ReadAllBytes(At("3.wav")), Is.EqualTo(first));
            Assert.That(File.ReadAllBytes(At("4.wav")), Is.Not.EqualTo(first));
        });
    }

    [Test]
    public void Variations_are_numbered_and_take_the_seeds_from_the_first_on()
    {
        CliResult run = Generate("--caption", "rain", "--duration", "1", "--seed", "10", "--variations", "3", "--plot", "--json", "-o", At("rain.wav"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(Files(), Is.EqualTo(new[] { "rain-1.png", "rain-1.wav", "rain-2.png", "rain-2.wav", "rain-3.png", "rain-3.wav" }));
        Assert.That(run.Json.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("seed").GetUInt64()), Is.EqualTo(new ulong[] { 10, 11, 12 }));
        Assert.That(Generate("--caption", "rain", "--duration", "1", "--seed", "11", "-o", At("alone.wav")).ExitCode, Is.Zero);
        Assert.That(AudioFile.Read(At("rain-2.wav")).Planar.ToArray(), Is.EqualTo(AudioFile.Read(At("alone.wav")).Planar.ToArray()));
    }

    [Test]
    public void Standard_output_takes_the_same_bytes_as_a_file()
    {
        Assert.That(Generate("--caption", "rain", "--duration", "1", "-o", At("rain.wav")).ExitCode, Is.Zero);
        CliResult run = Generate("--caption", "rain", "--duration", "1", "-o", "-");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.OutputBytes, Is.EqualTo(File.ReadAllBytes(At("rain.wav"))));
    }

    [Test]
    public void A_device_is_written_to_and_not_replaced()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("no /dev here");
        CliResult run = Generate("--caption", "rain", "--duration", "1", "--format", "wav", "-o", "/dev/stdout");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output, Does.StartWith("RIFF"));
        CliResult full = Generate("--caption", "rain", "--duration", "1", "--format", "wav", "--force", "-o", "/dev/full");
        Assert.That(full.ExitCode, Is.EqualTo(1), full.ToString());
        Assert.That(full.Error, Does.Contain("/dev/full"));
    }

    [TestCase("none")]
    [TestCase("lufs=-30")]
    public void Loudness_is_as_asked(string loudness)
    {
        CliResult run = Generate("--caption", "rain", "--duration", "2", "--loudness", loudness, "--json", "-o", At("rain.flac"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        JsonElement result = run.Json.GetProperty("results")[0];
        if (loudness == "none") Assert.That(result.GetProperty("gain").GetDouble(), Is.EqualTo(1));
        else Assert.That(AudioFile.Read(At("rain.flac")).MeasureLoudness(), Is.EqualTo(-30).Within(0.1));
    }

    [Test]
    public void A_picture_is_a_png_that_opens()
    {
        Assert.That(Generate("--caption", "rain", "--duration", "1", "--plot", At("p.png"), "-o", At("rain.wav")).ExitCode, Is.Zero);
        using SKBitmap picture = SKBitmap.Decode(At("p.png"));
        Assert.That((picture.Width, picture.Height), Is.EqualTo((1600, 900)));
    }

    [Test]
    public void Words_that_do_not_fit_are_said_aloud_with_where_they_were_cut()
    {
        string cot = string.Join(' ', Enumerable.Range(0, 120).Select(i => $"drop{i}"));
        CliResult run = Generate("--cot", cot, "--duration", "1", "--quiet", "-o", At("rain.wav"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Error, Does.Match("the chain of thought is cut: it has \\d+ pieces, the model reads 76; the last it reads is \"…?.*drop\\d*\""));
    }

    [Test]
    public void A_caption_may_begin_with_what_shells_and_parsers_like()
    {
        foreach (string caption in (string[])["@rain", "-rain", "--rain", "  ", "日本語の雨"])
            Assert.That(Generate($"--caption={caption}", "--duration", "1", "--force", "--steps", "1", "-o", At("rain.wav")).ExitCode, Is.Zero, caption);
    }

    [Test]
    public void Json_tells_everything_a_script_wants()
    {
        CliResult run = Generate("--caption", "rain", "--duration", "1", "--json", "-o", At("rain.mp3"));
        JsonElement root = run.Json, result = root.GetProperty("results")[0];
        Assert.Multiple(() =>
        {
            Assert.That(root.GetProperty("model").GetProperty("name").GetString(), Is.EqualTo("random-small"));
            Assert.That(root.GetProperty("version").GetString(), Is.Not.Empty);
            Assert.That(result.GetProperty("status").GetString(), Is.EqualTo("done"));
            Assert.That(result.GetProperty("output").GetString(), Is.EqualTo(At("rain.mp3")));
            Assert.That(result.GetProperty("num_samples").GetInt64(), Is.EqualTo(44100));
            Assert.That(result.GetProperty("sample_rate").GetInt32(), Is.EqualTo(44100));
            Assert.That(result.GetProperty("container").GetString(), Is.EqualTo("mp3"));
            Assert.That(result.GetProperty("bytes").GetInt64(), Is.EqualTo(new FileInfo(At("rain.mp3")).Length));
            Assert.That(result.GetProperty("seconds").GetProperty("sample").GetDouble(), Is.Positive);
            Assert.That(result.GetProperty("warnings").GetArrayLength(), Is.Zero);
        });
    }
}
