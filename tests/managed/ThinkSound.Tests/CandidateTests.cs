namespace ThinkSound.Tests;

public sealed class CandidateTests : EngineFixture
{
    private static readonly GenerateOptions Brief = new() { Duration = TimeSpan.FromSeconds(1), Steps = 2, Seed = 11 };
    private static readonly Conditions Rain = new() { Caption = "rain on a tin roof" };


    [Test]
    public async Task The_candidate_that_fits_best_goes_on_and_the_first_is_that_of_the_seed()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        Latent first = await session.SampleAsync(Rain, Brief);
        Assert.That(session.LastFits, Is.Null, "there was no choice");
        float fit = await session.ListenAsync(first, Rain.Caption!);
        Assert.That(fit, Is.InRange(0, 1));

        Latent best = await session.SampleAsync(Rain, Brief with { Candidates = 4 });
        CandidateFits fits = session.LastFits!;
        Assert.That((fits.Fits.Count, fits.Fits[0]), Is.EqualTo((4, fit)));
        Assert.That(fits.Chosen, Is.EqualTo(fits.Fits.ToList().IndexOf(fits.Fits.Max())));
        Assert.That(fits.Fits.Distinct().Count(), Is.EqualTo(4), "noise of its own each");
        Assert.That(await session.ListenAsync(best, Rain.Caption!), Is.EqualTo(fits.Fits[fits.Chosen]));

        Latent one = await session.SampleAsync(Rain, Brief with { Candidates = 1 });
        Assert.That(one.Data.Span.SequenceEqual(first.Data.Span), "one candidate is what it was");
        Assert.That(session.LastFits, Is.Null);
    }

    [Test]
    public async Task A_sound_and_a_job_choose_as_a_sampling_does()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        GenerateOptions three = Brief with { Candidates = 3 };
        AudioClip clip = await session.GenerateAsync(Rain, three);
        CandidateFits fits = session.LastFits!;
        AudioClip again = await session.GenerateAsync(Rain, three);
        Assert.That(again.Planar.Span.SequenceEqual(clip.Planar.Span));
        await session.GenerateAsync(Rain, Brief);
        Assert.That(session.LastFits, Is.Null);
        await using (GenerationJob job = session.StartJob(Rain, three)) await job.WaitAsync();
        Assert.That((session.LastFits!.Fits, session.LastFits.Chosen), Is.EqualTo((fits.Fits, fits.Chosen)));
    }

    [Test]
    public void What_cannot_be_chosen_among_is_refused()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        GenerateOptions four = Brief with { Candidates = 4 };
        int length = Engine.GetLengths(Brief.Duration).LatentLength;
        Assert.That(async () => await session.SampleAsync(new Conditions { ChainOfThought = "Drops fall." }, four), Throws.ArgumentException.With.Message.Contains("caption"));
        Assert.That(async () => await session.SampleAsync(Rain, four with { Noise = new Latent(64, length, new float[64 * length]) }), Throws.ArgumentException.With.Message.Contains("noise"));
        foreach (int count in (int[])[0, GenerateOptions.MostCandidates + 1])
            Assert.That(async () => await session.SampleAsync(Rain, Brief with { Candidates = count }), Throws.ArgumentException);
        Assert.That(async () => await session.SampleAsync(Rain, Brief with { Candidates = -1 }), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(async () => await session.ListenAsync(new Latent(63, 4, new float[63 * 4]), "rain"), Throws.ArgumentException.With.Message.Contains("63 channels, this model's have 64"));

        using var deaf = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle, Components = BundleComponents.All & ~BundleComponents.Listener });
        using ThinkSoundSession without = deaf.CreateSession();
        Assert.That(async () => await without.SampleAsync(Rain, four), Throws.TypeOf<UnsupportedException>().With.Message.Contains("listener"));
        Assert.That(async () => await without.ListenAsync(new Latent(64, 4, new float[64 * 4]), "rain"), Throws.TypeOf<UnsupportedException>().With.Message.Contains("listener"));
        Assert.That(async () => await without.SampleAsync(Rain, Brief), Throws.Nothing, "one takes none");
    }
}
