using System.Text.Json;
using ThinkSound.Media;

namespace ThinkSound.Cli.Tests;

internal class GenerateVideoTests : WithFolder
{
    [Test]
    public void A_video_gets_its_sound_and_keeps_its_picture()
    {
        string output = At("with sound – ü.mp4"), video = Cli.Sample("stream-of-water.mp4");
        CliResult run = Generate(video, "--caption", "a small stream, \"quoted\" – ü", "--seed", "7", "-o", output);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Output, Does.StartWith(output + ": 3.00 s of sound, seed 7"));

        JsonElement file = Cli.Probe(output);
        JsonElement[] streams = [.. file.GetProperty("streams").EnumerateArray()];
        Assert.That(streams.Select(s => s.GetProperty("codec_name").GetString()), Is.EqualTo(new[] { "h264", "aac" }));
        Assert.That(streams[1].GetProperty("sample_rate").GetString(), Is.EqualTo("44100"));
        Assert.That(VideoHash(output), Is.EqualTo(VideoHash(video)), "the video's packets are copied");

        // The picture lasts 3.00167 s; the sound is as long, to the sample that rounding leaves open.
        AudioClip sound = AudioFile.Read(output);
        Assert.That(sound.Samples, Is.EqualTo(132373.5).Within(0.6));

        JsonElement tags = file.GetProperty("format").GetProperty("tags");
        Assert.Multiple(() =>
        {
            Assert.That(tags.GetProperty("thinksound_seed").GetString(), Is.EqualTo("7"));
            Assert.That(tags.GetProperty("thinksound_caption").GetString(), Is.EqualTo("a small stream, \"quoted\" – ü"));
            Assert.That(tags.GetProperty("thinksound_model").GetString(), Is.EqualTo("random-small"));
            Assert.That(tags.GetProperty("thinksound_settings").GetString(), Does.Contain("steps=2 "));
        });
        Assert.That(Files(), Is.EqualTo(new[] { "with sound – ü.mp4" }), "nothing else is left");
    }

    [Test]
    public void A_video_longer_than_a_minute_is_made_in_windows()
    {
        string video = At("long.mp4"), output = At("out.mp4");
        Cli.FFmpeg("-f", "lavfi", "-i", "testsrc2=s=64x48:r=8:d=31", "-f", "lavfi", "-i", "color=blue:s=64x48:r=8:d=31", "-filter_complex", "[0:v][1:v]concat=n=2", video);
        CliResult run = Generate(video, "--steps", "1", "--cfg", "1", "--window", "20", "--overlap", "3", "--json", "-o", output);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        JsonElement result = run.Json.GetProperty("results")[0];
        Assert.That(result.GetProperty("num_samples").GetInt64(), Is.EqualTo(62 * 44100));
        double[] starts = [.. result.GetProperty("windows").EnumerateArray().Select(w => w.GetProperty("start_s").GetDouble())];
        double[] known = [.. result.GetProperty("windows").EnumerateArray().Select(w => w.GetProperty("known_s").GetDouble())];
        Assert.That(starts, Has.Some.EqualTo(31).Within(0.05), "the cut");
        Assert.That(known, Does.Contain(0.0).And.Some.InRange(2.9, 3.0));
        Assert.That(AudioFile.Read(output).Duration.TotalSeconds, Is.EqualTo(62).Within(0.05));
        Assert.That(Cli.Probe(output).GetProperty("format").GetProperty("tags").GetProperty("thinksound_settings").GetString(), Does.EndWith("window=20 overlap=3"));
        Assert.That(Files(), Is.EqualTo(new[] { "long.mp4", "out.mp4" }));
    }

    [TestCase("mkv")]
    [TestCase("mov")]
    [TestCase("wav")]
    [TestCase("flac")]
    [TestCase("ogg")]
    [TestCase("opus")]
    [TestCase("mp3")]
    [TestCase("m4a")]
    public void Every_format_is_written_with_its_full_length_and_tags(string format)
    {
        string output = At("out." + format);
        CliResult run = Generate(Cli.Sample("stream-of-water.mp4"), "--duration", "1.5", "-o", output);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        AudioClip sound = AudioFile.Read(output);
        int wanted = (int)(1.5 * sound.SampleRate);
        // Lossy formats end on whole frames where the container does not say where the sound stops.
        Assert.That(sound.Samples, format is "ogg" or "mp3" ? Is.InRange(wanted, wanted + 2304) : Is.EqualTo(wanted));
        Assert.That(sound.Peak(), Is.GreaterThan(0.1));
        string text = Cli.Probe(output).ToString();
        Assert.That(text, Does.Contain("random-small").And.Contain("42"));
    }

    [Test]
    public void A_webm_stays_a_webm_and_a_folder_keeps_what_its_containers_hold()
    {
        string output = At("out.webm");
        CliResult run = Generate(Cli.Sample("big-buck-bunny-0-30.webm"), "--start", "28.5", "--duration", "1", "-o", output);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(Cli.Probe(output).GetProperty("streams").EnumerateArray().Select(s => s.GetProperty("codec_name").GetString()),
                    Is.EqualTo(new[] { "vp8", "opus" }));
    }

    [Test]
    public void Sound_begins_where_the_start_says()
    {
        string output = At("late.mp4");
        CliResult run = Generate(Cli.Sample("flower.mp4"), "--start", "2", "--duration", "1", "-o", output);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        AudioClip sound = AudioFile.Read(output);
        int rate = sound.SampleRate;
        Assert.Multiple(() =>
        {
            Assert.That(Peak(sound, 0, 1.9), Is.LessThan(0.01), "silence before");
            Assert.That(Peak(sound, 2.0, 3.0), Is.GreaterThan(0.2), "the sound");
            Assert.That(Peak(sound, 3.1, sound.Duration.TotalSeconds), Is.LessThan(0.01), "silence after");
        });

        static float Peak(AudioClip clip, double from, double to)
        {
            float peak = 0;
            for (int i = (int)(from * clip.SampleRate); i < Math.Min(clip.Samples, (int)(to * clip.SampleRate)); i++) peak = Math.Max(peak, Math.Abs(clip.Channel(0)[i]));
            return peak;
        }
    }

    [TestCase("replace", 1)]
    [TestCase("mix", 1)]
    [TestCase("track", 2)]
    public void The_videos_own_sound_is_replaced_mixed_or_kept(string keep, int tracks)
    {
        string output = At("out.mp4");
        CliResult run = Generate(Cli.Sample("friday.mp4"), "--duration", "2", "--keep-audio", keep, "--loudness", "lufs=-40", "-o", output);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        JsonElement[] audio = [.. Cli.Probe(output).GetProperty("streams").EnumerateArray().Where(s => s.GetProperty("codec_type").GetString() == "audio")];
        Assert.That(audio, Has.Length.EqualTo(tracks));
        // The film speaks for six seconds; the new sound ends after two.
        AudioClip first = AudioFile.Read(output);
        var rest = new AudioClip(1, first.SampleRate, first.Channel(0)[Math.Min(first.Samples, (int)(2.5 * first.SampleRate))..].ToArray());
        Assert.That(rest.Peak(), keep == "mix" ? Is.GreaterThan(0.02) : Is.LessThan(0.01));
    }

    [Test]
    public void A_sound_longer_than_the_picture_is_told_and_made()
    {
        CliResult run = Generate(Cli.Sample("stream-of-water.mp4"), "--duration", "4", "-o", At("out.wav"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Error, Does.Contain("its last frame stands for the rest of the 4 s"));
        Assert.That(AudioFile.Read(At("out.wav")).Samples, Is.EqualTo(4 * 44100));
    }

    [Test]
    public void A_second_roll_takes_the_features_from_the_cache_and_gives_the_same_sound()
    {
        string video = Cli.Sample("stream-of-water.mp4");
        JsonElement Roll(string name, params string[] more)
        {
            CliResult run = Generate([video, "--json", "-o", At(name), .. more]);
            Assert.That(run.ExitCode, Is.Zero, run.ToString());
            return run.Json.GetProperty("results")[0];
        }

        JsonElement first = Roll("1.wav"), second = Roll("2.wav");
        Assert.That(first.GetProperty("features_from_cache").GetBoolean(), Is.False);
        Assert.That(second.GetProperty("features_from_cache").GetBoolean(), Is.True);
        Assert.That(second.GetProperty("seconds").TryGetProperty("watch", out _), Is.False);
        Assert.That(File.ReadAllBytes(At("2.wav")), Is.EqualTo(File.ReadAllBytes(At("1.wav"))));

        // A damaged entry is computed anew, another stretch is another entry, and --no-cache touches nothing.
        string entry = Directory.GetFiles(At("cache"), "*.features", SearchOption.AllDirectories).Single();
        byte[] bytes = File.ReadAllBytes(entry);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(entry, bytes);
        Assert.That(Roll("3.wav").GetProperty("features_from_cache").GetBoolean(), Is.False);
        Assert.That(File.ReadAllBytes(At("3.wav")), Is.EqualTo(File.ReadAllBytes(At("1.wav"))));
        Assert.That(Roll("4.wav", "--start", "0.5").GetProperty("features_from_cache").GetBoolean(), Is.False);
        Assert.That(Roll("5.wav", "--no-cache").GetProperty("features_from_cache").GetBoolean(), Is.False);
        Assert.That(Directory.GetFiles(At("cache"), "*", SearchOption.AllDirectories), Has.Length.EqualTo(2));

        // A copy under another name is the same video.
        File.Copy(video, At("copy.mp4"));
        CliResult copy = Generate(At("copy.mp4"), "--json", "-o", At("6.wav"));
        Assert.That(copy.Json.GetProperty("results")[0].GetProperty("features_from_cache").GetBoolean(), Is.True);
    }

    [Test]
    public void A_folder_gives_a_folder_and_one_bad_file_stops_nothing()
    {
        Directory.CreateDirectory(At("in"));
        File.Copy(Cli.Sample("stream-of-water.mp4"), At("in/a.mp4"));
        File.WriteAllText(At("in/b.mp4"), "this is no video");
        File.Copy(Cli.Sample("friday.mp4"), At("in/c.m4v"));
        File.WriteAllText(At("in/notes.txt"), "not looked at");
        CliResult run = Generate(At("in"), "--duration", "1", "--plot", "--json", "-o", At("out"));
        Assert.That(run.ExitCode, Is.EqualTo(1), run.ToString());
        Assert.That(run.Error, Does.Contain("b.mp4").And.Contain("2 of 3 videos done, 1 failed"));
        Assert.That(Directory.GetFiles(At("out")).Select(Path.GetFileName).Order(), Is.EqualTo(new[] { "a.mp4", "a.png", "c.mp4", "c.png" }));
        JsonElement[] results = [.. run.Json.GetProperty("results").EnumerateArray()];
        Assert.That(results.Select(r => r.GetProperty("status").GetString()), Is.EqualTo(new[] { "done", "failed", "done" }));
        Assert.That(results[1].GetProperty("exit_code").GetInt32(), Is.EqualTo(3));
    }

    [Test]
    public void A_folder_goes_on_where_it_stopped()
    {
        Directory.CreateDirectory(At("in"));
        foreach (string name in (string[])["a.mp4", "b.mp4"]) File.Copy(Cli.Sample("stream-of-water.mp4"), At("in/" + name));
        string[] how = [At("in"), "--duration", "1", "--provider", "none", "--variations", "2", "--json", "-o", At("out"), "--skip-existing"];
        CliResult first = Generate(how);
        Assert.That(first.ExitCode, Is.Zero, first.ToString());
        byte[] whole = File.ReadAllBytes(At("out/b-2.mp4"));
        File.WriteAllText(At("out/a-1.mp4"), "kept as it is");
        File.Delete(At("out/b-2.mp4"));

        CliResult again = Generate(how);
        Assert.That(again.ExitCode, Is.Zero, again.ToString());
        Assert.That(again.Error, Does.Contain("a-1.mp4: is there already").And.Contain("1 of 2 videos done, 1 there already"));
        Assert.That(again.Json.GetProperty("results").EnumerateArray().Select(r => r.GetProperty("status").GetString()), Is.EqualTo(new[] { "skipped", "skipped", "skipped", "done" }));
        Assert.That(File.ReadAllText(At("out/a-1.mp4")), Is.EqualTo("kept as it is"));
        Assert.That(File.ReadAllBytes(At("out/b-2.mp4")), Is.EqualTo(whole), "the seed goes by the name");
        Assert.That(Generate([.. how, "--force"]).ExitCode, Is.EqualTo(2));
    }

    [Test]
    public void Videos_of_one_name_in_a_folder_do_not_overwrite_each_other()
    {
        Directory.CreateDirectory(At("in"));
        foreach (string name in (string[])["a.avi", "A.mkv", "b.mp4"]) Cli.FFmpeg("-i", Cli.Sample("scene-knock.mp4"), "-t", "1", "-an", "-c:v", "mpeg4", At("in/" + name));
        CliResult run = Generate(At("in"), "--provider", "none", "--force", "-o", At("out"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(Directory.GetFiles(At("out")).Select(Path.GetFileName).Order(StringComparer.Ordinal), Is.EqualTo(new[] { "A.mkv.mkv", "a.avi.mkv", "b.mp4" }));
    }

    [Test]
    public void A_video_can_go_to_standard_output()
    {
        CliResult run = Generate(Cli.Sample("stream-of-water.mp4"), "--duration", "1", "-o", "-");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        File.WriteAllBytes(At("piped"), run.OutputBytes);
        JsonElement file = Cli.Probe(At("piped"));
        Assert.That(file.GetProperty("format").GetProperty("format_name").GetString(), Does.Contain("matroska"));
        Assert.That(file.GetProperty("streams").GetArrayLength(), Is.EqualTo(2));
    }

    private static string VideoHash(string file) => Cli.Tool("ffmpeg", "-nostdin", "-loglevel", "error", "-i", file, "-map", "0:v", "-c", "copy", "-f", "md5", "-");
}
