using System.Text.Json;
using ThinkSound.Media;

namespace ThinkSound.Cli.Tests;

/// <summary>A bundle whose codec is of type "mel" and whose codec's weights have 8 bits, from end to end.</summary>
internal class MelCodecTests : WithFolder
{
    private string MakeMelBundle()
    {
        Cli.Tool("dotnet", "run", Path.Combine(Cli.Root, "scripts", "random-bundle.cs"), "--", At("bundle"), "--mel");
        return At("bundle");
    }

    [Test]
    public void Generate_and_info_take_it_as_they_take_any_other()
    {
        string bundle = MakeMelBundle();
        foreach (var (name, threads) in (IEnumerable<(string, string)>)[("1.wav", "1"), ("2.wav", "2")])
        {
            CliResult run = Cli.Run("generate", "--bundle", bundle, "--caption", "rain", "--duration", "2.5", "--steps", "2", "--threads", threads, "-o", At(name));
            Assert.That(run.ExitCode, Is.Zero, run.ToString());
        }
        AudioClip clip = AudioFile.Read(At("1.wav"));
        Assert.That((clip.SampleRate, clip.Channels, clip.Samples), Is.EqualTo((44100, 2, 110250)));
        Assert.That(clip.Peak(), Is.EqualTo(1).Within(2.0 / 32768), "full scale of 16 bits, truncated");
        Assert.That(File.ReadAllBytes(At("2.wav")), Is.EqualTo(File.ReadAllBytes(At("1.wav"))));

        CliResult info = Cli.Run("info", "--bundle", bundle, "--device", "cpu");
        Assert.That(info.ExitCode, Is.Zero, info.ToString());
        Assert.That(info.Output, Does.Contain("recognises 5 classes: bell, door").And.Contain("3 materials: glass, metal, wood"));
        string vae = info.Output.Split('\n').First(line => line.TrimStart().StartsWith("vae", StringComparison.Ordinal));
        Assert.That(vae, Does.Contain("F16 I8"), "the formats that are stored, and no F32 of the scales");
    }
}
