namespace ThinkSound.Cli.Tests;

internal class BadInputTests : WithFolder
{
    private void Refuses(int code, string reason, params string[] arguments)
    {
        string[] before = Files();
        CliResult run = Generate([.. arguments, .. arguments.Contains("-o") ? (string[])[] : ["-o", At("out.mp4")]]);
        Assert.That(run.ExitCode, Is.EqualTo(code), run.ToString());
        Assert.That(run.Error, Does.Contain(reason));
        Assert.That(run.Output, Is.Empty);
        Assert.That(Files(), Is.EqualTo(before), "nothing is left behind");
    }

    private string Make(string name, byte[] content)
    {
        File.WriteAllBytes(At(name), content);
        return At(name);
    }

    [Test]
    public void Files_that_are_no_videos_are_bad_input()
    {
        Refuses(3, "text.mp4", Make("text.mp4", "once upon a time there was a text\n"u8.ToArray()));
        Refuses(3, "empty.mp4", Make("empty.mp4", []));
        Refuses(3, "missing.mp4", At("missing.mp4"));
        byte[] whole = File.ReadAllBytes(Cli.Sample("flower.mp4"));
        Refuses(3, "cut.mp4", Make("cut.mp4", whole[..2000]));
    }

    [Test]
    public void Sound_alone_is_bad_input()
    {
        Cli.FFmpeg("-f", "lavfi", "-i", "sine=duration=2", At("tone.m4a"));
        Refuses(3, "no video in it", At("tone.m4a"));
    }

    [Test]
    public void A_start_past_the_end_is_refused_and_a_part_of_a_long_video_taken()
    {
        Cli.FFmpeg("-f", "lavfi", "-i", "color=s=32x32:r=1:d=70", At("long.mp4"));
        Refuses(2, "pictures show up to 60 s", At("long.mp4"), "--plot");
        CliResult run = Generate(At("long.mp4"), "--start", "66", "--duration", "2", "-o", At("out.mp4"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Refuses(2, "past the end", At("long.mp4"), "--start", "71", "--force");
    }

    [Test]
    public void One_frame_stands_still_for_a_second()
    {
        Cli.FFmpeg("-f", "lavfi", "-i", "testsrc=s=64x48:r=25", "-frames:v", "1", At("one.mp4"));
        CliResult run = Generate(At("one.mp4"), "-o", At("out.mp4"), "--json");
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Json.GetProperty("results")[0].GetProperty("duration_s").GetDouble(), Is.EqualTo(1));
        Assert.That(run.Error, Does.Contain("its last frame stands for the rest of the 1 s"));
    }

    [TestCase(1, 1)]
    [TestCase(16, 2000)]
    [TestCase(7680, 4320)]
    public void Frames_of_any_size_are_watched(int width, int height)
    {
        Cli.FFmpeg("-f", "lavfi", "-i", $"testsrc=s={Math.Max(width, 16)}x{Math.Max(height, 16)}:r=2:d=1", "-vf", $"scale={width}:{height}", "-c:v", "ffv1", At("odd.mkv"));
        CliResult run = Generate(At("odd.mkv"), "-o", At("out.wav"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
    }

    [Test]
    public void Damage_in_the_middle_is_told_and_passed_over()
    {
        byte[] video = File.ReadAllBytes(Cli.Sample("friday.mp4"));
        for (int i = video.Length / 3; i < video.Length / 3 + 30000; i++) video[i] = (byte)(i * 77);
        CliResult run = Generate(Make("damaged.mp4", video), "-o", At("out.mp4"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Error, Does.Contain("damaged"));
    }

    [Test]
    public void An_existing_file_is_replaced_only_by_force()
    {
        File.WriteAllText(At("out.wav"), "precious");
        Refuses(2, "exists already", "--caption", "rain", "--duration", "1", "-o", At("out.wav"));
        Assert.That(File.ReadAllText(At("out.wav")), Is.EqualTo("precious"));
        Assert.That(Generate("--caption", "rain", "--duration", "1", "--force", "-o", At("out.wav")).ExitCode, Is.Zero);
        Assert.That(File.ReadAllBytes(At("out.wav")).AsSpan(0, 4).ToArray(), Is.EqualTo("RIFF"u8.ToArray()));
        // A picture counts too, and the input is never written over.
        File.WriteAllText(At("p.png"), "precious");
        Refuses(2, "p.png: exists already", "--caption", "rain", "--duration", "1", "--plot", At("p.png"), "-o", At("new.wav"));
        File.Copy(Cli.Sample("stream-of-water.mp4"), At("in.mp4"));
        Refuses(2, "is the input itself", At("in.mp4"), "--force", "-o", At("in.mp4"));
        if (OperatingSystem.IsWindows()) return;
        File.CreateSymbolicLink(At("link.mp4"), At("in.mp4"));
        Directory.CreateSymbolicLink(At("here"), Folder);
        foreach (string link in (string[])["link.mp4", "here/in.mp4", "here/link.mp4"]) Refuses(2, "is the input itself", At("in.mp4"), "--force", "-o", At(link));
        Refuses(2, "is the input itself", At("link.mp4"), "--force", "-o", At("in.mp4"));
    }

    [Test]
    public void An_output_that_cannot_be_written_fails_before_the_work()
    {
        Refuses(1, "does not exist", "--caption", "rain", "-o", At("nowhere/out.wav"));
        // Nothing is loaded for a file that could not hold the video.
        CliResult unfit = Generate(Cli.Sample("scene-knock.mp4"), "-o", At("out.webm"));
        Assert.That(unfit.ExitCode, Is.EqualTo(2), unfit.ToString());
        Assert.That(unfit.Error, Does.Contain("h264, which webm does not carry").And.Not.Contain("loading"));
        Assert.That(Files(), Is.Empty);
        if (!OperatingSystem.IsLinux()) return;
        Refuses(1, "cannot be written", "--caption", "rain", "-o", "/proc/out.wav");
    }

    [Test]
    public void A_full_disk_leaves_nothing_half_written()
    {
        string disk = At("disk");
        Directory.CreateDirectory(disk);
        if (!Cli.TryMount(disk)) Assert.Ignore("mounting a small disk is not permitted here");
        try
        {
            foreach (string name in (string[])["out.wav", "out.mp4", "out.flac"])
            {
                CliResult run = Generate(Cli.Sample("stream-of-water.mp4"), "--loudness", "none", "-o", Path.Combine(disk, name));
                Assert.That(run.ExitCode, Is.EqualTo(1), run.ToString());
                Assert.That(run.Error, Does.Contain(name).And.Contain("space"));
                Assert.That(Directory.GetFileSystemEntries(disk), Is.Empty, name);
            }
        }
        finally
        {
            Cli.Tool("umount", disk);
        }
    }

    [Test]
    public void A_memory_cap_holds_for_all_parts_of_the_model_together()
    {
        long sound = Weigh(BundleComponents.MMDiT | BundleComponents.VaeDecoder), vision = Weigh(BundleComponents.ClipVision | BundleComponents.Synchformer);
        string[] words = ["--caption", "rain", "--duration", "1"];
        Refuses(4, "the cap is 0.1 MB", [.. words, "--memory-cap", "100kB", "-o", At("out.wav")]);
        Refuses(4, "beside those that make the sound", Cli.Sample("stream-of-water.mp4"), "--duration", "1", "--provider", "none", "--memory-cap", $"{sound + vision / 2}");
        Refuses(2, "--memory-cap is a size", [.. words, "--memory-cap", "much", "-o", At("out.wav")]);
        Assert.That(Generate([.. words, "--memory-cap", "1.5GiB", "-o", At("out.wav")]).ExitCode, Is.Zero);

        static long Weigh(BundleComponents components)
        {
            using ThinkSoundEngine engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = Cli.Bundle, Components = components });
            return engine.Info.WeightsBytes;
        }
    }

    [Test]
    public void Bad_bundles_are_bad_input_and_a_missing_one_says_how_to_get_one()
    {
        CliResult Run(string bundle) => Cli.Run("generate", "--caption", "rain", "--bundle", bundle, "-o", At("out.wav"));
        Assert.That(Run(At("none")).ExitCode, Is.EqualTo(3));
        Directory.CreateDirectory(At("bundle"));
        File.WriteAllText(At("bundle/bundle.json"), "{\"format\": \"thinksound-bundle\", \"version\": 99, \"components\": {}}");
        CliResult version = Run(At("bundle"));
        Assert.That(version.ExitCode, Is.EqualTo(3), version.ToString());
        Assert.That(version.Error, Does.Contain("version 99"));

        foreach (string file in Directory.GetFiles(Cli.Bundle)) File.Copy(file, At("bundle/" + Path.GetFileName(file)), overwrite: true);
        using (FileStream weights = File.OpenWrite(At("bundle/mmdit.safetensors"))) weights.SetLength(100_000);
        CliResult truncated = Run(At("bundle"));
        Assert.That(truncated.ExitCode, Is.EqualTo(3), truncated.ToString());
        Assert.That(truncated.Error, Does.Contain("mmdit.safetensors"));

        File.Copy(Path.Combine(Cli.Bundle, "mmdit.safetensors"), At("bundle/mmdit.safetensors"), overwrite: true);
        string tensor = Weights.Spoil(At("bundle/vae.safetensors"));
        CliResult spoilt = Run(At("bundle"));
        Assert.That(spoilt.ExitCode, Is.EqualTo(3), spoilt.ToString());
        Assert.That(spoilt.Error, Does.Contain("vae.safetensors").And.Contain(tensor).And.Contain("NaN"));

        CliResult named = Cli.Run(["generate", "--caption", "rain", "-o", At("out.wav")], new() { ["THINKSOUND_BUNDLE"] = At("none") });
        Assert.That(named.ExitCode, Is.EqualTo(3));
        Assert.That(named.Error, Does.Contain("THINKSOUND_BUNDLE"));
        Assert.That(Files(), Is.Empty);
    }
}
