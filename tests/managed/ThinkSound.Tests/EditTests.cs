namespace ThinkSound.Tests;

public sealed class EditTests : EngineFixture
{
    private static readonly GenerateOptions Brief = new() { Duration = TimeSpan.FromSeconds(1), Steps = 4 };
    private static readonly Conditions Rain = new() { Caption = "rain on a tin roof" }, Glass = new() { Caption = "a glass breaks" };

    private ThinkSoundSession _session = null!;
    private Latent _sound = null!;

    [OneTimeSetUp]
    public async Task Load()
    {
        _session = Engine.CreateSession();
        _sound = await _session.SampleAsync(Rain, Brief);
    }

    [OneTimeTearDown]
    public void Unload() => _session?.Dispose();

    private static float[] Step(Latent latent, int n) => [.. Enumerable.Range(0, latent.Channels).Select(channel => latent.Data.Span[channel * latent.Length + n])];

    [Test]
    public async Task What_is_kept_of_a_known_latent_stays_bit_for_bit()
    {
        float[] mask = LatentMask.Free(_sound.Length, 8, 15);
        Latent made = await _session.SampleAsync(Glass, Brief with { KnownLatent = _sound, KnownMask = mask, Jumps = 1, JumpLength = 2 });
        for (int n = 0; n < mask.Length; n++) Assert.That(Step(made, n).SequenceEqual(Step(_sound, n)), Is.EqualTo(mask[n] == 1), $"step {n}");
        Latent again = await _session.SampleAsync(Glass, Brief with { KnownLatent = _sound, KnownMask = mask, Jumps = 1, JumpLength = 2 });
        Assert.That(again.Data.Span.SequenceEqual(made.Data.Span));
    }

    [Test]
    public async Task An_edit_changes_what_the_words_disagree_on_and_nothing_that_is_kept()
    {
        var options = new EditOptions { Source = _sound, Duration = Brief.Duration, Steps = 4 };
        var steps = new List<GenerateProgress>();
        Latent edited = await _session.EditAsync(Rain, Glass, options, new SessionTests.Steps { On = steps.Add });
        Assert.That(edited.Data.Span.SequenceEqual(_sound.Data.Span), Is.False);
        Assert.That(steps[^1], Has.Property("Stage").EqualTo(GenerateStage.Sample).And.Property("Steps").EqualTo(3)); // two thirds of 4, rounded up

        Latent same = await _session.EditAsync(Rain, Rain, options with { SourceGuidanceScale = 3, GuidanceScale = 3 });
        Assert.That(same.Data.Span.SequenceEqual(_sound.Data.Span));

        float[] mask = LatentMask.Free(_sound.Length, 10, 22);
        Latent half = await _session.EditAsync(Rain, Glass, options with { KnownMask = mask, TargetSteps = 1, Averages = 2 });
        for (int n = 0; n < mask.Length; n++) Assert.That(Step(half, n).SequenceEqual(Step(_sound, n)), Is.EqualTo(mask[n] == 1), $"step {n}");
    }

    [Test]
    public void Masks_and_latents_of_another_length_are_refused()
    {
        var known = Brief with { KnownLatent = _sound, KnownMask = new float[7] };
        Assert.That(() => _session.SampleAsync(Glass, known), Throws.ArgumentException.With.Message.Contains("KnownMask has 7 steps"));
        Assert.That(() => _session.SampleAsync(Glass, known with { KnownMask = default }), Throws.ArgumentException.With.Message.Contains("go together"));
        Assert.That(() => _session.EditAsync(Rain, Glass, new EditOptions { Source = _sound, Duration = TimeSpan.FromSeconds(2) }),
                    Throws.ArgumentException.With.Message.Contains("Source is 64 × 22"));
        Assert.That(() => _session.EditAsync(Rain, Glass, new EditOptions { Source = _sound, Duration = Brief.Duration, Steps = 4, EditSteps = 5 }),
                    Throws.ArgumentException.With.Message.Contains("num_edit_steps 5"));
    }

    [Test]
    public void A_cancelled_edit_throws_and_the_session_goes_on()
    {
        using var cancel = new CancellationTokenSource();
        var options = new EditOptions { Source = _sound, Duration = Brief.Duration };
        Assert.That(() => _session.EditAsync(Rain, Glass, options, new SessionTests.Steps { On = _ => cancel.Cancel() }, cancel.Token),
                    Throws.InstanceOf<OperationCanceledException>());
        Assert.That(() => _session.SampleAsync(Rain, Brief), Throws.Nothing);
    }

    [Test]
    public void Ranges_are_those_of_the_codec()
    {
        var (begin, end) = Engine.DecodedRange(10, 12, 22);
        Assert.That(begin, Is.LessThanOrEqualTo(10 * Engine.Info.Hop));
        Assert.That(end, Is.GreaterThanOrEqualTo(12 * Engine.Info.Hop));
        Assert.That(Engine.EncodedRange(0, 1, 44100).Begin, Is.Zero);
        Assert.That(() => Engine.DecodedRange(12, 12, 22), Throws.ArgumentException);
        Assert.That(() => Engine.EncodedRange(5, 4, 10), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void A_slice_moves_a_latent_and_leaves_room()
    {
        var latent = new Latent(2, 3, new float[] { 1, 2, 3, 4, 5, 6 });
        Assert.That(latent.Slice(1, 2).Data.ToArray(), Is.EqualTo(new float[] { 2, 3, 5, 6 }));
        Assert.That(latent.Slice(-1, 3).Data.ToArray(), Is.EqualTo(new float[] { 0, 1, 2, 0, 4, 5 }));
        Assert.That(latent.Slice(2, 3).Data.ToArray(), Is.EqualTo(new float[] { 3, 0, 0, 6, 0, 0 }));
        Assert.That(latent.Slice(-9, 2).Data.ToArray(), Is.EqualTo(new float[4]));
        Assert.That(latent.Slice(9, 2).Data.ToArray(), Is.EqualTo(new float[4]));
        Assert.That(() => latent.Slice(0, 0), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void Masks_free_a_range_with_ramps_inside_it()
    {
        Assert.That(LatentMask.Free(5, 1, 3), Is.EqualTo(new float[] { 1, 0, 0, 1, 1 }));
        Assert.That(LatentMask.Free(6, 1, 6, ramp: 1), Is.EqualTo(new[] { 1, 0.5f, 0, 0, 0, 0 }), "no ramp where nothing follows");
        Assert.That(LatentMask.Free(5, 0, 4, ramp: 3), Is.EqualTo(new[] { 0, 0.25f, 0.5f, 0.75f, 1 }).Within(1e-6));
        Assert.That(LatentMask.Free(5, 2, 2), Is.EqualTo(new float[] { 1, 1, 1, 1, 1 }));
        Assert.That(() => LatentMask.Free(5, 3, 6), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void What_is_left_open_is_as_the_bundle_recommends()
    {
        GenerateOptions complete = Engine.Complete(new GenerateOptions { Jumps = 3 });
        Assert.That((complete.Steps, complete.GuidanceScale, complete.GuidanceRescale, complete.Jumps, complete.JumpLength), Is.EqualTo((24, 5f, 0f, 3, 4)));
        using var shipped = ThinkSoundEngine.Load(new EngineOptions { BundlePath = Path.Combine(NativeParts.Root, "models/foley-small"), Components = BundleComponents.VaeDecoder });
        Assert.That(shipped.Defaults.GuidanceScale, Is.EqualTo(3));
        Assert.That(shipped.Bundle.Defaults, Is.EqualTo(new GenerateOptions { GuidanceScale = 3 }));
        Assert.That(shipped.Complete(new GenerateOptions { GuidanceScale = 7 }).GuidanceScale, Is.EqualTo(7));
    }
}
