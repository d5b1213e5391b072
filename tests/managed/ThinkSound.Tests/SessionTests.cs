namespace ThinkSound.Tests;

public sealed class SessionTests : EngineFixture
{
    private static readonly GenerateOptions Brief = new() { Duration = TimeSpan.FromSeconds(1), Steps = 4 };
    private static readonly Conditions Rain = new() { Caption = "rain on a tin roof", ChainOfThought = "Drops fall, first few, then many." };


    [Test]
    public async Task A_clip_has_its_exact_length_and_the_same_samples_every_time()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        var options = Brief with { Duration = TimeSpan.FromSeconds(1.23) };
        AudioClip clip = await session.GenerateAsync(Rain, options);
        Assert.That((clip.Channels, clip.SampleRate, clip.Samples), Is.EqualTo((2, 44100, 54243)));
        Assert.That(clip.Planar.ToArray(), Has.All.Matches<float>(float.IsFinite));
        Assert.That(clip.Peak(), Is.GreaterThan(0));

        AudioClip again = await session.GenerateAsync(Rain, options);
        using ThinkSoundSession other = Engine.CreateSession();
        AudioClip elsewhere = await other.GenerateAsync(Rain, options);
        AudioClip another = await session.GenerateAsync(Rain, options with { Seed = 43 });
        Assert.That(again.Planar.Span.SequenceEqual(clip.Planar.Span), "same session");
        Assert.That(elsewhere.Planar.Span.SequenceEqual(clip.Planar.Span), "another session");
        Assert.That(another.Planar.Span.SequenceEqual(clip.Planar.Span), Is.False, "another seed");
    }

    [Test]
    public async Task Every_combination_of_conditions_generates()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        Features clip = await session.EncodeClipFramesAsync(Frames(8, 40, 30));
        Features sync = await session.EncodeSyncFramesAsync(Frames(32, 40, 30));
        for (int bits = 0; bits < 16; bits++)
        {
            var conditions = new Conditions
            {
                Caption = (bits & 1) != 0 ? "rain" : null,
                ChainOfThought = (bits & 2) != 0 ? "drops" : null,
                ClipFeatures = (bits & 4) != 0 ? clip : null,
                SyncFeatures = (bits & 8) != 0 ? sync : null,
            };
            AudioClip made = await session.GenerateAsync(conditions, Brief with { Steps = 1 });
            Assert.That(made.Samples, Is.EqualTo(44100), $"combination {bits}");
        }
    }

    [TestCase(YuvColor.Bt601, 40, 30)]
    [TestCase(YuvColor.Bt709Full, 33, 21)]
    public async Task Frames_in_NV12_have_the_features_of_their_RGB(YuvColor color, int width, int height)
    {
        int pitch = width + 31, surface = height + 5;
        var pixels = new byte[16 * pitch * (surface + (surface + 1) / 2)];
        new Random(2).NextBytes(pixels);
        VideoFrames frames = VideoFrames.FromNv12(pixels, 16, width, height, color, pitch, surface);
        using ThinkSoundSession session = Engine.CreateSession();
        Features clip = await session.EncodeClipFramesAsync(frames), clipOfRgb = await session.EncodeClipFramesAsync(frames.ToRgb());
        Features sync = await session.EncodeSyncFramesAsync(frames), syncOfRgb = await session.EncodeSyncFramesAsync(frames.ToRgb());
        Assert.That(clip.Data.Span.SequenceEqual(clipOfRgb.Data.Span) && sync.Data.Span.SequenceEqual(syncOfRgb.Data.Span));
    }

    [Test]
    public async Task Features_of_a_text_make_the_sound_that_the_text_makes()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        AudioClip fromText = await session.GenerateAsync(Rain, Brief);
        AudioClip fromFeatures = await session.GenerateAsync(new Conditions
        {
            TextFeatures = await session.EncodeTextAsync(TextEncoder.Clip, Rain.Caption!),
            T5Features = await session.EncodeTextAsync(TextEncoder.T5, Rain.ChainOfThought!),
        }, Brief);
        Assert.That(fromFeatures.Planar.Span.SequenceEqual(fromText.Planar.Span));
    }

    [Test]
    public async Task Sampling_and_decoding_by_hand_makes_the_sound_of_the_whole()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        var options = Brief with { Lengths = LengthRule.Reference };
        AudioClip whole = await session.GenerateAsync(Rain, options);
        Latent latent = await session.SampleAsync(Rain, options);
        Assert.That((latent.Channels, latent.Length), Is.EqualTo((64, 22)));
        AudioClip parts = await session.DecodeAsync(latent);
        Assert.That(parts.Planar.Span.SequenceEqual(whole.Planar.Span));
    }

    [Test]
    public async Task Given_noise_replaces_the_seed()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        var random = new Random(1);
        var noise = new Latent(64, 22, Enumerable.Range(0, 64 * 22).Select(_ => random.NextSingle() - 0.5f).ToArray());
        Latent one = await session.SampleAsync(Rain, Brief with { Noise = noise, Seed = 1 });
        Latent two = await session.SampleAsync(Rain, Brief with { Noise = noise, Seed = 2 });
        Assert.That(two.Data.Span.SequenceEqual(one.Data.Span));
    }

    [Test]
    public async Task Sound_goes_to_a_latent_of_the_right_length()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        Latent latent = await session.EncodeAudioAsync(new AudioClip(1, 22050, new float[22050]));
        Assert.That((latent.Channels, latent.Length), Is.EqualTo((64, 22)));
        AudioClip varied = await session.GenerateAsync(Rain, Brief with { InitialLatent = latent, SigmaMax = 0.5f });
        Assert.That(varied.Samples, Is.EqualTo(44100));
    }

    [Test]
    public void Arrays_of_the_wrong_shape_never_reach_native_code()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        Assert.That(async () => await session.GenerateAsync(Rain, Brief with { Noise = new Latent(64, 21, new float[64 * 21]) }),
                    Throws.ArgumentException.With.Message.Contains("64 × 22"));
        Assert.That(async () => await session.GenerateAsync(new Conditions { ClipFeatures = new Features(8, 63, new float[8 * 63]) }, Brief),
                    Throws.ArgumentException.With.Message.Contains("64"));
        Assert.That(async () => await session.GenerateAsync(new Conditions { T5Features = new Features(76, 128, new float[76 * 128]) }, Brief),
                    Throws.ArgumentException.With.Message.Contains("77"));
        Assert.That(async () => await session.DecodeAsync(new Latent(63, 5, new float[63 * 5])), Throws.ArgumentException);
        Assert.That(async () => await session.EncodeSyncFramesAsync(Frames(15, 8, 8)), Throws.ArgumentException.With.Message.Contains("16"));
        Assert.That(async () => await session.GenerateAsync(Rain, Brief with { Steps = 0 }), Throws.ArgumentException);
        Assert.That(async () => await session.GenerateAsync(Rain, Brief with { Steps = -1 }), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public async Task Progress_goes_through_the_stages_in_order_and_learns_the_time_left()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        await session.GenerateAsync(Rain, Brief);
        var seen = new Steps();
        await session.GenerateAsync(Rain, Brief, seen);
        Assert.That(seen.All.Select(p => p.Stage), Is.Ordered);
        Assert.That(seen.All.Where(p => p.Stage == GenerateStage.Sample).Select(p => p.Step), Is.EqualTo(new[] { 0, 1, 2, 3, 4 }));
        Assert.That(seen.All.Select(p => p.Elapsed), Is.Ordered);
        Assert.That(seen.All[^1].Stage, Is.EqualTo(GenerateStage.Decode));
        Assert.That(seen.All[^1].Step, Is.EqualTo(seen.All[^1].Steps));
        Assert.That(seen.All.Where(p => p.Stage == GenerateStage.Sample).Select(p => p.Remaining), Has.All.Not.Null, "a run came before");
    }

    [TestCase(GenerateStage.Text)]
    [TestCase(GenerateStage.Sample)]
    [TestCase(GenerateStage.Decode)]
    public async Task GenerateAsync_cancelled_midway_throws_and_the_session_goes_on(GenerateStage stage)
    {
        using ThinkSoundSession session = Engine.CreateSession();
        using var source = new CancellationTokenSource();
        var steps = new Steps { On = p => { if (p.Stage == stage) source.Cancel(); } };
        OperationCanceledException cancelled = (await Assert.CatchAsync<OperationCanceledException>(
            async () => await session.GenerateAsync(Rain, Brief with { Steps = 50 }, steps, source.Token)))!;
        Assert.That(cancelled.CancellationToken, Is.EqualTo(source.Token));
        int last = steps.All.FindIndex(p => p.Stage == stage);
        Assert.That(steps.All, Has.Count.LessThanOrEqualTo(last + 2), "stops within one step");
        Assert.That((await session.GenerateAsync(Rain, Brief)).Samples, Is.EqualTo(44100));
    }

    [Test]
    public async Task A_token_that_is_cancelled_already_starts_nothing()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        using var source = new CancellationTokenSource();
        source.Cancel();
        var steps = new Steps();
        await Assert.CatchAsync<OperationCanceledException>(async () => await session.GenerateAsync(Rain, Brief, steps, source.Token));
        Assert.That(steps.All, Is.Empty);
    }

    [Test]
    public async Task An_exception_in_progress_comes_back_as_it_was()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        var fault = new InvalidTimeZoneException("mine");
        var steps = new Steps { On = p => { if (p is { Stage: GenerateStage.Sample, Step: 2 }) throw fault; } };
        Assert.That(await Assert.ThrowsAsync<InvalidTimeZoneException>(async () => await session.GenerateAsync(Rain, Brief, steps)), Is.SameAs(fault));
        Assert.That((await session.GenerateAsync(Rain, Brief)).Samples, Is.EqualTo(44100));
    }

    [Test]
    public async Task One_session_does_one_thing_at_a_time_and_two_work_at_once()
    {
        AudioClip alone;
        using (ThinkSoundSession session = Engine.CreateSession()) alone = await session.GenerateAsync(Rain, Brief);

        using ThinkSoundSession first = Engine.CreateSession();
        using ThinkSoundSession second = Engine.CreateSession();
        using var isRunning = new ManualResetEventSlim();
        using var mayGoOn = new ManualResetEventSlim();
        Task<AudioClip> one = first.GenerateAsync(Rain, Brief, new Steps { On = _ => { isRunning.Set(); mayGoOn.Wait(); } });
        isRunning.Wait();
        Assert.That(async () => await first.GenerateAsync(Rain, Brief), Throws.InvalidOperationException);
        Task<AudioClip> two = second.GenerateAsync(Rain, Brief);
        mayGoOn.Set();
        Assert.That((await one).Planar.Span.SequenceEqual(alone.Planar.Span));
        Assert.That((await two).Planar.Span.SequenceEqual(alone.Planar.Span));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Disposing_while_it_runs_cancels_and_waits(bool asynchronously)
    {
        ThinkSoundSession session = Engine.CreateSession();
        using var isRunning = new ManualResetEventSlim();
        Task<AudioClip> run = session.GenerateAsync(Rain, Brief with { Steps = 1000 }, new Steps { On = p => { if (p.Stage == GenerateStage.Sample) isRunning.Set(); } });
        isRunning.Wait();
        if (asynchronously) await session.DisposeAsync();
        else session.Dispose();
        Assert.That(async () => await run.WaitAsync(TimeSpan.FromSeconds(1)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await session.GenerateAsync(Rain, Brief), Throws.TypeOf<ObjectDisposedException>());
        session.Dispose();
    }

    [Test]
    public async Task Disposing_from_inside_progress_does_not_wait_for_itself()
    {
        ThinkSoundSession session = Engine.CreateSession();
        await Assert.CatchAsync<OperationCanceledException>(async () => await session
            .GenerateAsync(Rain, Brief with { Steps = 1000 }, new Steps { On = _ => session.Dispose() }).WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Test]
    public async Task Disposing_of_the_engine_while_it_runs_lets_the_run_finish()
    {
        var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle });
        using ThinkSoundSession session = engine.CreateSession();
        using var isRunning = new ManualResetEventSlim();
        Task<AudioClip> run = session.GenerateAsync(Rain, Brief, new Steps { On = _ => isRunning.Set() });
        isRunning.Wait();
        engine.Dispose();
        Assert.That((await run).Samples, Is.EqualTo(44100));
    }

    internal static VideoFrames Frames(int count, int width, int height)
    {
        var pixels = new byte[count * width * height * 3];
        new Random(1).NextBytes(pixels);
        return new VideoFrames(pixels, count, width, height);
    }

    internal sealed class Steps : IProgress<GenerateProgress>
    {
        public List<GenerateProgress> All { get; } = [];
        public Action<GenerateProgress>? On { get; init; }

        public void Report(GenerateProgress value)
        {
            All.Add(value);
            On?.Invoke(value);
        }
    }
}
