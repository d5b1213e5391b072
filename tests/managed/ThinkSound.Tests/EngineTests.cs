namespace ThinkSound.Tests;

public sealed class EngineTests
{
    private readonly List<string> _folders = [];

    [SetUp]
    public void NeedsLibrary() => NativeParts.Require();

    [TearDown]
    public void RemoveFolders()
    {
        foreach (string folder in _folders) Directory.Delete(Path.GetDirectoryName(folder)!, recursive: true);
        _folders.Clear();
    }

    [Test]
    public async Task An_engine_tells_what_it_has_loaded()
    {
        using ThinkSoundEngine engine = await ThinkSoundEngine.LoadAsync(NativeParts.Bundle);
        EngineInfo info = engine.Info;
        Assert.That((info.SampleRate, info.Hop, info.LatentDim, info.TextLength, info.ClipFps, info.SyncFps),
                    Is.EqualTo((44100, 2048, 64, 77, 8.0, 25.0)));
        Assert.That((info.ClipDim, info.SyncDim, info.TextDim, info.T5Dim), Is.EqualTo((64, 96, 64, 128)), "the small bundle's");
        Assert.That(info.Components, Is.EqualTo(BundleComponents.All));
        Assert.That(info.Classes, Is.EqualTo(new[] { "bell", "door", "footsteps", "glass", "rain" }));
        Assert.That(info.Materials, Is.EqualTo(new[] { "glass", "metal", "wood" }));
        Assert.That(info.OnsetsPerStep, Is.EqualTo(4));
        Assert.That(info.Device, Does.StartWith("cpu").Or.StartWith("cuda"));
        Assert.That(info.DeviceChoice, Is.Not.Empty);
        Assert.That(info.Precision, Is.EqualTo("f32").Or.EqualTo("bf16"));
        Assert.That(info.Parameters, Is.GreaterThan(1_000_000));
        Assert.That(info.WeightsBytes, Is.GreaterThan(info.Parameters), "at least a byte each");
        Assert.That(info.Threads, Is.GreaterThan(0));
    }

    [Test]
    public void Only_the_components_asked_for_are_loaded()
    {
        using var all = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle });
        using var some = ThinkSoundEngine.Load(new EngineOptions
        {
            BundlePath = NativeParts.Bundle,
            Components = BundleComponents.MMDiT | BundleComponents.VaeDecoder,
        });
        Assert.That(some.Info.Components, Is.EqualTo(BundleComponents.MMDiT | BundleComponents.VaeDecoder));
        Assert.That(some.Info.Parameters, Is.LessThan(all.Info.Parameters));
        using ThinkSoundSession session = some.CreateSession();
        Assert.That(async () => await session.EncodeTextAsync(TextEncoder.T5, "rain"), Throws.TypeOf<UnsupportedException>());
    }

    [Test]
    public void A_folder_that_is_not_there_is_named() =>
        Assert.That(() => ThinkSoundEngine.Load(new EngineOptions { BundlePath = "/nowhere/модель" }),
                    Throws.TypeOf<ResourceNotFoundException>().With.Message.Contains("/nowhere/модель"));

    [Test]
    public void A_damaged_description_is_named()
    {
        string bundle = Copy("damaged");
        File.WriteAllText(Path.Combine(bundle, "bundle.json"), "{ \"format\": ");
        Assert.That(() => ThinkSoundEngine.Load(new EngineOptions { BundlePath = bundle }),
                    Throws.TypeOf<BundleException>().With.Message.Contains("bundle.json"));
    }

    [Test]
    public void Cut_weights_are_named()
    {
        string bundle = Copy("cut");
        using (var file = new FileStream(Path.Combine(bundle, "vae.safetensors"), FileMode.Open)) file.SetLength(file.Length - 100);
        Assert.That(() => ThinkSoundEngine.Load(new EngineOptions { BundlePath = bundle }),
                    Throws.TypeOf<WeightsException>().With.Message.Contains("vae.safetensors"));
    }

    [Test]
    public void A_path_of_any_script_will_do()
    {
        string bundle = Copy("音 – звук – ☔");
        using var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = bundle });
        Assert.That(engine.Info.Name, Is.Not.Empty);
    }

    [Test]
    public void Synthetic_weights_need_no_weight_files()
    {
        string bundle = Copy("synthetic");
        foreach (string weights in Directory.GetFiles(bundle, "*.safetensors")) File.Delete(weights);
        using var engine = ThinkSoundEngine.Load(new EngineOptions { Synthetic = Path.Combine(bundle, "bundle.json") });
        Assert.That(engine.Info.Components.HasFlag(BundleComponents.MMDiT));
    }

    [Test]
    public void A_memory_cap_below_the_weights_is_out_of_memory() =>
        Assert.That(() => ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle, MemoryCapBytes = 100_000 }),
                    Throws.TypeOf<DeviceMemoryException>());

    [Test]
    public void A_device_that_is_not_there_is_named() =>
        Assert.That(() => ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle, Device = "cuda:99" }),
                    Throws.InstanceOf<ThinkSoundException>().With.Message.Contains("cuda"));

    [Test]
    public void A_cancelled_load_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.That(async () => await ThinkSoundEngine.LoadAsync(NativeParts.Bundle, null, source.Token), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task Loading_is_told_from_nothing_to_all()
    {
        var told = new Told();
        using ThinkSoundEngine engine = await ThinkSoundEngine.LoadAsync(NativeParts.Bundle, told);
        Assert.That(told.Values.Select(value => value.Stage), Is.All.EqualTo(GenerateStage.Load));
        Assert.That(told.Values.Select(value => value.Fraction), Is.Ordered);
        Assert.That((told.Values[0].Fraction, told.Values[^1].Fraction), Is.EqualTo((0.0, 1.0)));
        Assert.That(told.Values[^1].Remaining, Is.EqualTo(TimeSpan.Zero));
        Assert.That(told.Values, Has.Count.GreaterThan(100), "every tensor is told");
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(50)]
    [TestCase(100)]
    public void A_load_that_is_cancelled_stops_at_the_next_tensor(int calls)
    {
        using var source = new CancellationTokenSource();
        var told = new Told { Then = count => { if (count == calls) source.Cancel(); } };
        Task<ThinkSoundEngine> loading = ThinkSoundEngine.LoadAsync(NativeParts.Bundle, told, source.Token);
        Assert.That(async () => await loading, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(loading.IsCanceled);
        Assert.That(told.Values, Has.Count.EqualTo(calls));
    }

    [Test]
    public void A_model_of_published_size_is_cancelled_before_much_of_it_is_made()
    {
        using var source = new CancellationTokenSource();
        var told = new Told { Then = count => { if (count == 3) source.Cancel(); } };
        Assert.That(async () => await ThinkSoundEngine.LoadAsync(new EngineOptions { Synthetic = "published" }, told, source.Token),
                    Throws.InstanceOf<OperationCanceledException>());
        Assert.That(told.Values, Has.Count.EqualTo(3));
        Assert.That(told.Values[^1].Fraction, Is.LessThan(0.01));
    }

    [Test]
    public void What_a_listener_throws_while_loading_comes_out_again()
    {
        var told = new Told { Then = _ => throw new InvalidTimeZoneException("mine") };
        Assert.That(() => ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle }, told), Throws.TypeOf<InvalidTimeZoneException>());
    }

    [Test]
    public void The_memory_cap_is_asked_before_anything_is_read()
    {
        var told = new Told();
        Assert.That(() => ThinkSoundEngine.Load(new EngineOptions { Synthetic = "published", MemoryCapBytes = 1_000_000_000 }, told),
                    Throws.TypeOf<DeviceMemoryException>().With.Message.Contains("the cap is 1000 MB"));
        Assert.That(told.Values, Is.Empty);
    }

    private sealed class Told : IProgress<GenerateProgress>
    {
        public List<GenerateProgress> Values { get; } = [];
        public Action<int>? Then { get; init; }

        public void Report(GenerateProgress value)
        {
            Values.Add(value);
            Then?.Invoke(Values.Count);
        }
    }

    [TestCase(8, LengthRule.Exact, 173, 64, 192, 352800)]
    [TestCase(1, LengthRule.Exact, 22, 8, 24, 44100)]
    [TestCase(2.04, LengthRule.Exact, 44, 16, 48, 89964)]
    [TestCase(9, LengthRule.Reference, 194, 72, 216, 397312)]
    public void Lengths_follow_the_rule(double seconds, LengthRule rule, int latent, int clip, int sync, long samples)
    {
        using var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle });
        ClipLengths lengths = engine.GetLengths(TimeSpan.FromSeconds(seconds), rule);
        Assert.That((lengths.LatentLength, lengths.ClipLength, lengths.SyncLength, lengths.Samples), Is.EqualTo((latent, clip, sync, samples)));
    }

    [TestCase(0.9)]
    [TestCase(60.1)]
    public void A_duration_out_of_range_is_a_bad_argument(double seconds)
    {
        using var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle });
        Assert.That(() => engine.GetLengths(TimeSpan.FromSeconds(seconds)), Throws.ArgumentException);
        using ThinkSoundSession session = engine.CreateSession();
        Assert.That(async () => await session.GenerateAsync(new Conditions(), new GenerateOptions { Duration = TimeSpan.FromSeconds(seconds) }),
                    Throws.ArgumentException);
    }

    [Test]
    public void The_memory_plan_adds_up_and_grows_with_the_duration()
    {
        using var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle });
        MemoryPlan short_ = engine.PlanMemory(new GenerateOptions { Duration = TimeSpan.FromSeconds(2) });
        MemoryPlan long_ = engine.PlanMemory(new GenerateOptions { Duration = TimeSpan.FromSeconds(30) });
        Assert.That(short_.WeightsBytes, Is.EqualTo(engine.Info.WeightsBytes));
        Assert.That(short_.TotalBytes, Is.EqualTo(short_.WeightsBytes + short_.ArenaBytes));
        Assert.That(short_.ArenaBytes, Is.GreaterThanOrEqualTo(Math.Max(short_.SampleBytes, short_.DecodeBytes)));
        Assert.That(long_.SampleBytes, Is.GreaterThan(short_.SampleBytes));
    }

    [Test]
    public void Tokens_are_padded_and_what_was_cut_is_said()
    {
        using var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle });
        Tokens brief = engine.Tokenize(TextEncoder.Clip, "rain on a tin roof");
        Assert.That(brief.Ids, Has.Count.EqualTo(77));
        Assert.That((brief.Ids[0], brief.Ids[brief.Count - 1]), Is.EqualTo((49406, 49407)), "start and end");
        Assert.That((brief.IsTruncated, brief.KeptText), Is.EqualTo((false, "rain on a tin roof")));

        string text = string.Join(' ', Enumerable.Repeat("größer", 200));
        Tokens cut = engine.Tokenize(TextEncoder.T5, text);
        Assert.That(cut.IsTruncated);
        Assert.That(cut.Count, Is.GreaterThan(77));
        Assert.That(cut.KeptText, Is.Not.Empty.And.Length.LessThan(text.Length));
        Assert.That(text, Does.StartWith(cut.KeptText));
    }

    [Test]
    public async Task A_session_outlives_its_engine()
    {
        ThinkSoundSession session;
        using (var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle })) session = engine.CreateSession();
        using (session)
        {
            Features features = await session.EncodeTextAsync(TextEncoder.Clip, "rain");
            Assert.That((features.Rows, features.Width), Is.EqualTo((77, 64)));
            AudioClip clip = await session.GenerateAsync(new Conditions { Caption = "rain" }, new GenerateOptions { Duration = TimeSpan.FromSeconds(1), Steps = 1 });
            Assert.That(clip.Samples, Is.EqualTo(clip.SampleRate));
            Assert.That(() => session.Engine.CreateSession(), Throws.TypeOf<ObjectDisposedException>());
        }
        Assert.That(() => session.Engine.GetLengths(TimeSpan.FromSeconds(1)), Throws.TypeOf<ObjectDisposedException>(), "the weights went with the last session");
    }

    [Test]
    public void An_engine_that_is_disposed_of_says_so()
    {
        var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle });
        engine.Dispose();
        engine.Dispose();
        Assert.That(() => engine.CreateSession(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(() => engine.GetLengths(TimeSpan.FromSeconds(2)), Throws.TypeOf<ObjectDisposedException>());
    }

    private string Copy(string name)
    {
        string copy = NativeParts.CopyBundle(name);
        _folders.Add(copy);
        return copy;
    }
}
