using ThinkSound.Projects.Editing;

namespace ThinkSound.Projects.Tests.Editing;

public sealed class MixMaskTests
{
    private const int Rate = 44_100, Samples = Rate + 1237;

    [Test]
    public void Keep_is_the_mix_where_as_much_is_left_or_more()
    {
        AudioClip mix = SpliceTests.Noise(2, Samples, Rate);
        foreach (float gain in (float[])[1, 7])
            Assert.That(Worst(MixMask.Keep(mix, mix.WithGain(gain)), mix), Is.LessThan(1e-6));
    }

    [Test]
    public void Keep_takes_the_level_of_what_is_left_and_the_phase_of_the_mix()
    {
        AudioClip mix = SpliceTests.Noise(1, Samples, Rate);
        Assert.That(Worst(MixMask.Keep(mix, mix.WithGain(-0.25f)), mix.WithGain(0.25f)), Is.LessThan(1e-6));
        Assert.That(MixMask.Keep(mix, mix.WithGain(0)).Peak(), Is.LessThan(1e-12f));
        Assert.That(MixMask.Keep(mix.WithGain(0), mix).Peak(), Is.LessThan(1e-12f), "of nothing there is no part");
    }

    [Test]
    public void Keep_parts_tones_that_the_estimate_knows_only_by_frequency()
    {
        AudioClip low = Tone(440, 0), high = Tone(3000, 0.3), otherPhase = Tone(440, 1.9);
        var both = new AudioClip(1, Rate, (float[])[.. low.Planar.ToArray().Zip(high.Planar.ToArray(), (a, b) => a + b)]);
        AudioClip kept = MixMask.Keep(both, otherPhase);
        for (int n = 2048; n < Samples - 2048; n++) Assert.That(kept.Channel(0)[n], Is.EqualTo(low.Channel(0)[n]).Within(2e-3));
    }

    [Test]
    public void Keep_refuses_what_is_no_part()
    {
        AudioClip mix = SpliceTests.Noise(2, 100, Rate);
        Assert.That(() => MixMask.Keep(mix, SpliceTests.Noise(1, 100, Rate)), Throws.ArgumentException);
        Assert.That(() => MixMask.Keep(mix, SpliceTests.Noise(2, 99, Rate)), Throws.ArgumentException);
    }

    private static AudioClip Tone(double hz, double phase) => new(1, Rate, (float[])[.. Enumerable.Range(0, Samples).Select(n => (float)(0.3 * Math.Sin(2 * Math.PI * hz * n / Rate + phase)))]);

    private static double Worst(AudioClip a, AudioClip b) => a.Planar.ToArray().Zip(b.Planar.ToArray()).Max(pair => Math.Abs(pair.First - pair.Second));
}
