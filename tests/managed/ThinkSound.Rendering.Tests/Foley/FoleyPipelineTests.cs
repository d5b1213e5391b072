using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Tests.Foley;

public class FoleyPipelineTests : FoleyTest
{
    [Test]
    public async Task One_pipeline_does_one_job_after_the_other_and_tells_every_stage()
    {
        var stages = new List<FoleyProgress>();
        var models = new List<string>();
        using var pipeline = new FoleyPipeline(Engine, new FoleyPipelineOptions { KeepsVision = true, ModelReady = (engine, _) => models.Add(engine.Info.Name) });
        var job = new FoleyJob
        {
            Video = Parts.Sample("stream-of-water.mp4"), Duration = TimeSpan.FromSeconds(1), Conditions = new Conditions { Caption = "water" },
            Generate = new GenerateOptions { Steps = 2 }, Outputs = [new FoleyOutput { Path = At("a.mp4"), Seed = 1 }, new FoleyOutput { Path = At("b.mp4"), Seed = 2 }],
        };
        List<FoleyResult> results = await Collect(pipeline.RunAsync(job, new Sink(stages.Add)));
        // Words that the first job did not have: the text encoder is loaded now.
        FoleyJob second = job with { Video = null, Conditions = new Conditions { ChainOfThought = "Water runs." }, Outputs = [new FoleyOutput { Path = At("c.wav") }] };
        results.AddRange(await Collect(pipeline.RunAsync(second)));

        Assert.That(results.Select(r => r.Container), Is.EqualTo(new[] { "mp4", "mp4", "wav" }));
        Assert.That(results.All(r => File.Exists(r.Output.Path)));
        Assert.That(results[0].Clip!.Planar.ToArray(), Is.Not.EqualTo(results[1].Clip!.Planar.ToArray()), "seeds differ");
        Assert.That(results[0].Seconds.Keys, Is.SupersetOf(new[] { FoleyStage.Load, FoleyStage.Watch, FoleyStage.Sample, FoleyStage.Decode, FoleyStage.Write }));
        Assert.That(results[1].Seconds.Keys, Has.No.Member(FoleyStage.Watch));
        Assert.That(models, Has.Count.EqualTo(2));
        FoleyStage[] order = [.. stages.Where(p => p.Output <= 0).Select(p => p.Stage).Distinct()];
        Assert.That(order, Is.EqualTo(new[] { FoleyStage.Load, FoleyStage.Watch, FoleyStage.Text, FoleyStage.Sample, FoleyStage.Decode, FoleyStage.Write }));
        Assert.That(stages.Where(p => p is { Stage: FoleyStage.Sample, Output: 1 }).Select(p => p.Fraction), Does.Contain(1.0));
        FoleyProgress[] loading = [.. stages.Where(p => p.Stage == FoleyStage.Load)];
        Assert.That(loading.Count(p => p.Fraction == 1), Is.EqualTo(2), "what makes the sound, and what watches");
        Assert.That(loading.Select(p => p.Detail), Does.Contain("100 %").And.Some.Matches<string>(detail => detail is not ("" or "0 %" or "100 %")));
    }

    [Test]
    public async Task The_best_of_several_candidates_goes_into_each_file_and_it_is_told_which()
    {
        var told = new List<CandidateFits>();
        using var pipeline = new FoleyPipeline(Engine, new FoleyPipelineOptions { Chosen = told.Add });
        var job = new FoleyJob
        {
            Duration = TimeSpan.FromSeconds(1), Conditions = new Conditions { Caption = "water" }, Generate = new GenerateOptions { Steps = 1, Candidates = 3 },
            Outputs = [new FoleyOutput { Path = At("a.wav"), Seed = 1 }, new FoleyOutput { Path = At("b.wav"), Seed = 2 }], Overwrite = true,
        };
        List<FoleyResult> results = await Collect(pipeline.RunAsync(job));
        Assert.That(results.Select(result => result.Candidates.Single()), Is.EqualTo(told));
        Assert.That(told.Select(choice => choice.Fits.Count), Is.EqualTo((int[])[3, 3]));
        Assert.That(told[1].Fits, Is.Not.EqualTo(told[0].Fits), "other seeds");
        Assert.That(File.ReadAllText(At("a.wav"), System.Text.Encoding.Latin1), Does.Contain("candidates=3"));

        List<FoleyResult> one = await Collect(pipeline.RunAsync(job with { Generate = new GenerateOptions { Steps = 1 } }));
        Assert.That(one.SelectMany(result => result.Candidates), Is.Empty);
        Assert.That(File.ReadAllText(At("a.wav"), System.Text.Encoding.Latin1), Does.Not.Contain("candidates="));

        told.Clear();
        FoleyJob windows = job with { Duration = TimeSpan.FromSeconds(4), Windows = new WindowOptions { Length = TimeSpan.FromSeconds(3), Overlap = TimeSpan.FromSeconds(1) } };
        results = await Collect(pipeline.RunAsync(windows));
        Assert.That(results.Select(result => (result.Windows.Count, result.Candidates.Count)), Is.All.EqualTo((results[0].Windows.Count, results[0].Windows.Count)));
        Assert.That((results[0].Windows.Count, told.Count), Is.EqualTo((told.Count / 2, told.Count)).And.Matches<(int Count, int)>(pair => pair.Count > 1));

        Assert.That(async () => await Collect(pipeline.RunAsync(job with { Conditions = new Conditions { ChainOfThought = "Water runs." } })), Throws.ArgumentException.With.Message.Contains("there is none"));
        using var deaf = new FoleyPipeline(Engine with { Components = BundleComponents.All & ~BundleComponents.Listener });
        Assert.That(async () => await Collect(deaf.RunAsync(job)), Throws.TypeOf<UnsupportedException>().With.Message.Contains("bundle random-small has no listener"));
    }

    [TestCase("a.wav")]
    [TestCase("a.flac")]
    public void A_file_that_another_program_made_meanwhile_stays(string name)
    {
        using var pipeline = new FoleyPipeline(Engine);
        var job = new FoleyJob
        {
            Duration = TimeSpan.FromSeconds(1), Conditions = new Conditions { Caption = "water" }, Generate = new GenerateOptions { Steps = 1 }, Outputs = [new FoleyOutput { Path = At(name) }],
        };
        var other = new Sink(progress =>
        {
            if (progress.Stage == FoleyStage.Sample) File.WriteAllText(At(name), "precious");
        });
        Assert.That(async () => await Collect(pipeline.RunAsync(job, other)), Throws.Exception.With.Message.Contains(name).And.Message.Contains("exists"));
        Assert.That(File.ReadAllText(At(name)), Is.EqualTo("precious"));
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(At(name))!), Has.Length.EqualTo(1), "nothing half-written");
    }

    [Test]
    public async Task A_video_that_is_watched_ahead_of_its_job_is_watched_once()
    {
        var models = new List<string>();
        using var pipeline = new FoleyPipeline(Engine, new FoleyPipelineOptions { ModelReady = (engine, _) => models.Add(engine.Info.Name) });
        var job = new FoleyJob
        {
            Video = Parts.Sample("stream-of-water.mp4"), Duration = TimeSpan.FromSeconds(1), Generate = new GenerateOptions { Steps = 1, Seed = 3 },
            Outputs = [new FoleyOutput { Path = At("a.wav"), Seed = 3 }],
        };
        FoleyResult plain = (await Collect(pipeline.RunAsync(job))).Single();
        using ThinkSoundEngine engine = await ThinkSoundEngine.LoadAsync(Engine);
        ClipLengths lengths = engine.GetLengths(TimeSpan.FromSeconds(1));
        var ahead = new List<FoleyStage>();
        VideoFeatures? features = await pipeline.WatchAsync(job with { Overwrite = true }, new Sink(p => ahead.Add(p.Stage)));
        Assert.That((features!.Clip!.Rows, features.Sync!.Rows), Is.EqualTo((lengths.ClipLength, lengths.SyncLength)));
        Assert.That(ahead, Does.Contain(FoleyStage.Watch));

        var stages = new List<FoleyStage>();
        FoleyJob said = job with { Overwrite = true, Conditions = new Conditions { Caption = "water" } };
        FoleyResult shared = (await Collect(pipeline.RunAsync(said, new Sink(p => stages.Add(p.Stage))))).Single();
        Assert.That(stages, Has.No.Member(FoleyStage.Watch));
        Assert.That(shared.Seconds[FoleyStage.Watch], Is.Positive, "what it took ahead is told");
        Assert.That(models, Has.Count.EqualTo(2), "once a job");
        Assert.That(shared.Clip!.Planar.ToArray(), Is.Not.EqualTo(plain.Clip!.Planar.ToArray()), "the words count");
        FoleyResult again = (await Collect(pipeline.RunAsync(said, new Sink(p => stages.Add(p.Stage))))).Single();
        Assert.That(stages, Does.Contain(FoleyStage.Watch), "kept for one job");
        Assert.That(again.Clip!.Planar.ToArray(), Is.EqualTo(shared.Clip.Planar.ToArray()), "the same is seen");

        await pipeline.WatchAsync(said);
        FoleyResult later = (await Collect(pipeline.RunAsync(said with { Start = TimeSpan.FromSeconds(1) }))).Single();
        Assert.That(later.Clip!.Planar.ToArray(), Is.Not.EqualTo(shared.Clip.Planar.ToArray()), "another stretch is watched");
        stages.Clear();
        FoleyResult unseen = (await Collect(pipeline.RunAsync(said with { Streams = ConditionStreams.None }, new Sink(p => stages.Add(p.Stage))))).Single();
        Assert.That(stages, Has.No.Member(FoleyStage.Watch));
        FoleyResult moving = (await Collect(pipeline.RunAsync(said with { Streams = ConditionStreams.Sync }))).Single();
        float[][] sounds = [.. new[] { shared, unseen, moving }.Select(result => result.Clip!.Planar.ToArray())];
        Assert.That(sounds[0].SequenceEqual(sounds[1]) || sounds[1].SequenceEqual(sounds[2]) || sounds[2].SequenceEqual(sounds[0]), Is.False, "each stream counts");
        Assert.That(await pipeline.WatchAsync(said with { Video = null }), Is.Null);
        Assert.That(await pipeline.WatchAsync(said with { Duration = TimeSpan.FromSeconds(3), Windows = new WindowOptions { Length = TimeSpan.FromSeconds(2), Overlap = TimeSpan.FromSeconds(0.5) } }), Is.Null);
    }

    [Test]
    public async Task A_sound_keeps_its_samples_on_the_way_into_a_file()
    {
        using var pipeline = new FoleyPipeline(Engine);
        var job = new FoleyJob { Duration = TimeSpan.FromSeconds(1), Generate = new GenerateOptions { Steps = 1 }, Outputs = [new FoleyOutput { Path = At("a.wav") }, new FoleyOutput { Path = At("a.flac") }] };
        List<FoleyResult> results = await Collect(pipeline.RunAsync(job));
        foreach (FoleyResult result in results)
        {
            // 16 bits: times 32 767, cut towards zero, and read as a fraction of 32 768.
            float[] read = Media.AudioFile.Read(result.Output.Path!).Planar.ToArray();
            float[] wanted = [.. result.Clip!.Planar.ToArray().Select(sample => sample * result.Gain)];
            Assert.That(read, Is.EqualTo(wanted).Within(2.01f / 32768), result.Output.Path);
        }
        Assert.That(Media.AudioFile.Read(At("a.flac")).Planar.ToArray(), Is.EqualTo(Media.AudioFile.Read(At("a.wav")).Planar.ToArray()), "both store 16 bits the same way");
    }

    [Test]
    public void A_cancelled_job_throws_and_leaves_nothing()
    {
        using var pipeline = new FoleyPipeline(Engine);
        foreach (FoleyStage at in (FoleyStage[])[FoleyStage.Load, FoleyStage.Watch, FoleyStage.Text, FoleyStage.Sample, FoleyStage.Decode, FoleyStage.Write])
        {
            using var cancel = new CancellationTokenSource();
            var job = new FoleyJob
            {
                Video = Parts.Sample("stream-of-water.mp4"), Conditions = new Conditions { Caption = "water" }, Generate = new GenerateOptions { Steps = 3 },
                Outputs = [new FoleyOutput { Path = At("a.mp4") }],
            };
            var progress = new Sink(p => { if (p.Stage == at) cancel.Cancel(); });
            Assert.That(async () => await Collect(pipeline.RunAsync(job, progress, cancel.Token)), Throws.InstanceOf<OperationCanceledException>(), $"at {at}");
            Assert.That(Directory.GetFileSystemEntries(Folder), Is.Empty, $"at {at}");
        }
    }

    [Test]
    public void What_cannot_be_done_is_refused_before_a_model_is_loaded()
    {
        using var pipeline = new FoleyPipeline(Engine);
        var job = new FoleyJob { Outputs = [new FoleyOutput { Path = At("a.wav") }] };
        Throws<ArgumentException>(job with { Outputs = [] });
        Throws<ArgumentException>(job with { Outputs = [new FoleyOutput()] });
        Throws<ArgumentException>(job with { Outputs = [new FoleyOutput { Path = At("a") }] });
        Throws<ArgumentException>(job with { Outputs = [new FoleyOutput { Path = At("a.mp4") }] });
        Throws<ArgumentException>(job with { Outputs = [new FoleyOutput { Stream = new MemoryStream() }] });
        Throws<ArgumentException>(job with { Duration = TimeSpan.FromSeconds(0.9) });
        Throws<OutputException>(job with { Outputs = [new FoleyOutput { Path = At("none/a.wav") }] });
        Throws<ResourceNotFoundException>(job with { Video = At("none.mp4") });
        Assert.That(pipeline.Model, Is.Null);

        void Throws<T>(FoleyJob wrong) where T : Exception => Assert.That(async () => await Collect(pipeline.RunAsync(wrong)), NUnit.Framework.Throws.InstanceOf<T>());
    }
}
