using ThinkSound.Media;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Tests.Foley.Windows;

public class LongSoundTests : FoleyTest
{
    // 6.2 s of real video, in windows of 2.5 s.
    private FoleyJob Job => new()
    {
        Video = Parts.Sample("big-buck-bunny-0-30.webm"), Start = TimeSpan.FromSeconds(2), Duration = TimeSpan.FromSeconds(6.2),
        Generate = new GenerateOptions { Steps = 2, Seed = 5 }, Loudness = Loudness.None,
        Windows = new WindowOptions { Length = TimeSpan.FromSeconds(2.5), Overlap = TimeSpan.FromSeconds(1) },
        Outputs = [new FoleyOutput { Path = At("a.flac"), Seed = 5 }, new FoleyOutput { Path = At("b.flac"), Seed = 6 }],
    };

    [Test]
    public async Task Windows_make_one_sound_the_same_for_any_number_of_threads_and_by_every_way()
    {
        using var one = new FoleyPipeline(Engine with { Threads = 1 });
        using var three = new FoleyPipeline(Engine with { Threads = 3 });
        List<FoleyResult> results = [.. await Collect(one.RunAsync(Job))];
        Assert.That(results.Select(r => r.Samples), Is.All.EqualTo(273420));
        Assert.That(results[0].Windows, Has.Count.GreaterThanOrEqualTo(4));
        Assert.That(results[0].Windows[1].Known, Is.GreaterThan(TimeSpan.FromSeconds(0.9)));
        Assert.That(results[0].Clip!.Planar.ToArray(), Is.Not.EqualTo(results[1].Clip!.Planar.ToArray()), "seeds differ");

        List<float> left = [], right = [];
        await foreach (PcmBlock block in three.StreamAsync(Job))
        {
            Assert.That(block.Offset, Is.EqualTo(left.Count));
            for (int i = 0; i < block.Samples; i++)
            {
                left.Add(block.Interleaved.Span[2 * i]);
                right.Add(block.Interleaved.Span[2 * i + 1]);
            }
        }
        Assert.That((float[])[.. left, .. right], Is.EqualTo(results[0].Clip!.Planar.ToArray()));
        Assert.That(left[^1], Is.EqualTo(0).Within(1e-4 * left.Max(Math.Abs)), "faded out");
    }

    [Test]
    public async Task What_fits_one_window_is_what_it_is_without()
    {
        using var pipeline = new FoleyPipeline(Engine);
        FoleyJob job = Job with { Duration = TimeSpan.FromSeconds(2.3), Outputs = [new FoleyOutput { Path = At("a.flac"), Seed = 5 }] };
        FoleyResult windowed = (await Collect(pipeline.RunAsync(job)))[0];
        FoleyResult plain = (await Collect(pipeline.RunAsync(job with { Windows = null, Overwrite = true })))[0];
        Assert.That(windowed.Windows, Is.Empty);
        Assert.That(windowed.Clip!.Planar.ToArray(), Is.EqualTo(plain.Clip!.Planar.ToArray()));
    }

    [Test]
    public async Task Each_window_has_its_own_words()
    {
        using var pipeline = new FoleyPipeline(Engine);
        var asked = new List<FoleyWindow>();
        FoleyJob job = Job with { Video = null, Start = TimeSpan.Zero, Conditions = new Conditions { Caption = "rain" } };
        float[] other = await Sound(job with
        {
            Conditions = new Conditions(), // the windows' own words call for their encoders
            WordsFor = window =>
            {
                asked.Add(window);
                return new Conditions { Caption = window.Start < TimeSpan.FromSeconds(2) ? "rain" : "a bell" };
            },
        }), same = await Sound(job);
        int changes = Enumerable.Range(0, same.Length / 2).First(i => same[i] != other[i]);
        FoleyWindow first = asked.First(window => window.Start >= TimeSpan.FromSeconds(2));
        // The new window's own sound begins where what it knows ends; the decoder reaches back a little.
        Assert.That(changes / 44100.0, Is.EqualTo((first.Start + first.Known).TotalSeconds).Within(0.7));
        Assert.That(changes / 44100.0, Is.LessThanOrEqualTo((first.Start + first.Known).TotalSeconds + 0.05));

        async Task<float[]> Sound(FoleyJob job)
        {
            var left = new List<float>();
            await foreach (PcmBlock block in pipeline.StreamAsync(job))
                for (int i = 0; i < block.Samples; i++) left.Add(block.Interleaved.Span[2 * i]);
            return [.. left, .. left];
        }
    }

    [TestCase("none")]
    [TestCase("peak")]
    [TestCase("lufs=-30")]
    public async Task More_than_a_minute_goes_into_its_file_as_it_is_made(string loudness)
    {
        Assert.That(Loudness.TryParse(loudness, out Loudness rule));
        using var pipeline = new FoleyPipeline(Engine);
        var job = new FoleyJob
        {
            Duration = TimeSpan.FromSeconds(61.5), Conditions = new Conditions { Caption = "rain" }, Generate = new GenerateOptions { Steps = 1, GuidanceScale = 1 },
            Windows = new WindowOptions { Length = TimeSpan.FromSeconds(20) }, Loudness = rule, Outputs = [new FoleyOutput { Path = At("a.flac") }],
        };
        FoleyResult result = (await Collect(pipeline.RunAsync(job)))[0];
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.EqualTo(new[] { At("a.flac") }), "nothing else is left");
        Assert.That(result.Clip, Is.Null);
        AudioClip sound = AudioFile.Read(At("a.flac"));
        Assert.That((result.Samples, sound.Samples), Is.EqualTo((2712150, 2712150)));
        if (rule.Rule == LoudnessRule.None) Assert.That(result.Gain, Is.EqualTo(1));
        else Assert.That(result.LoudnessLufs, Is.EqualTo(sound.MeasureLoudness()).Within(0.05));
        if (rule.Rule == LoudnessRule.Peak) Assert.That(sound.Peak(), Is.EqualTo(1).Within(1e-3));
        if (rule.Rule == LoudnessRule.Lufs) Assert.That(result.LoudnessLufs, Is.EqualTo(-30).Within(0.1));
    }

    [Test]
    public void Cancelled_in_any_window_it_leaves_nothing()
    {
        using var pipeline = new FoleyPipeline(Engine);
        var job = new FoleyJob
        {
            Duration = TimeSpan.FromSeconds(70), Conditions = new Conditions { Caption = "rain" }, Generate = new GenerateOptions { Steps = 2, GuidanceScale = 1 },
            Windows = new WindowOptions { Length = TimeSpan.FromSeconds(20) },
        };
        foreach (Loudness loudness in (Loudness[])[Loudness.None, Loudness.Peak]) // into the file at once, and at the end
        {
            using var cancel = new CancellationTokenSource();
            double last = 0;
            var progress = new Sink(p =>
            {
                if (p.Stage == FoleyStage.Sample && p.Fraction < 1) Assert.That(p.Fraction, Is.GreaterThanOrEqualTo(last));
                last = p.Stage == FoleyStage.Sample ? p.Fraction : 0;
                if (p.Detail.StartsWith("window 3 of ", StringComparison.Ordinal)) cancel.Cancel();
            });
            Assert.That(async () => await Collect(pipeline.RunAsync(job with { Loudness = loudness, Outputs = [new FoleyOutput { Path = At("a.flac") }] }, progress, cancel.Token)), Throws.InstanceOf<OperationCanceledException>());
            Assert.That(Directory.GetFileSystemEntries(Folder), Is.Empty);
        }
    }

    [Test]
    public void What_windows_cannot_do_is_refused()
    {
        using var pipeline = new FoleyPipeline(Engine);
        FoleyOutput output = new() { Path = At("a.wav") };
        FoleyJob job = Job with { Outputs = [output] };
        Throws(job with { Windows = new WindowOptions { Length = TimeSpan.FromSeconds(1) } });
        Throws(job with { Windows = new WindowOptions { Length = TimeSpan.FromSeconds(61) } });
        Throws(job with { Windows = new WindowOptions { Length = TimeSpan.FromSeconds(4), Overlap = TimeSpan.FromSeconds(2.1) } });
        Throws(job with { Generate = job.Generate with { Lengths = LengthRule.Reference } });
        Throws(job with { Video = null, Start = TimeSpan.Zero, Duration = TimeSpan.FromSeconds(61), Outputs = [output with { Picture = At("a.png") }] });
        Throws(job with { Video = null, Start = TimeSpan.Zero, Duration = TimeSpan.FromHours(23) }); // beyond 4 GiB of WAV
        Assert.That(Directory.GetFileSystemEntries(Folder), Is.Empty);

        void Throws(FoleyJob wrong) => Assert.That(async () => await Collect(pipeline.RunAsync(wrong)), NUnit.Framework.Throws.InstanceOf<ArgumentException>());
    }
}
