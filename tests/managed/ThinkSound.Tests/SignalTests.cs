namespace ThinkSound.Tests;

public sealed class SignalTests
{
    [SetUp]
    public void NeedsLibrary() => NativeParts.Require();

    [Test]
    public void A_sine_at_full_scale_has_the_loudness_that_BS1770_gives_it()
    {
        // A 997 Hz sine at 0 dBFS in one channel reads −3.01 LUFS, in two 0.
        Assert.That(Sine(1, 1).MeasureLoudness(), Is.EqualTo(-3.01).Within(0.05));
        Assert.That(Sine(2, 1).MeasureLoudness(), Is.EqualTo(0).Within(0.05));
        Assert.That(new AudioClip(2, 44100, new float[88200]).MeasureLoudness(), Is.EqualTo(double.NegativeInfinity));
    }

    [Test]
    public void Gain_reaches_the_loudness_asked_for_but_never_clips()
    {
        AudioClip quiet = Sine(2, 0.01f);
        AudioClip louder = quiet.WithGain(quiet.GainFor(Loudness.To(-23)));
        Assert.That(louder.MeasureLoudness(), Is.EqualTo(-23).Within(0.05));

        float[] spiky = Sine(2, 0.01f).Planar.ToArray();
        spiky[1000] = 0.5f;
        var clip = new AudioClip(2, 44100, spiky);
        Assert.That(clip.GainFor(Loudness.To(-3)), Is.EqualTo(2).Within(1e-6), "the spike would clip");
        Assert.That(new AudioClip(2, 44100, new float[88200]).GainFor(Loudness.To(-23)), Is.EqualTo(1), "silence stays silence");
    }

    [Test]
    public void Resampling_gives_the_length_of_the_rates_and_keeps_the_sine()
    {
        AudioClip sine = Sine(2, 0.5f);
        AudioClip resampled = sine.Resample(48000);
        Assert.That((resampled.SampleRate, resampled.Channels, resampled.Samples), Is.EqualTo((48000, 2, 48000)));
        float[] expected = [.. Enumerable.Range(0, 48000).Select(i => 0.5f * MathF.Sin((float)(2 * Math.PI * 997 * i / 48000)))];
        double error = 0;
        for (int i = 1000; i < 47000; i++) error = Math.Max(error, Math.Abs(resampled.Channel(1)[i] - expected[i]));
        Assert.That(error, Is.LessThan(2e-3));
        Assert.That(sine.Resample(44100).Planar.Span.SequenceEqual(sine.Planar.Span), "the same rate changes nothing");
    }

    // One second of 997 Hz.
    private static AudioClip Sine(int channels, float amplitude)
    {
        float[] one = [.. Enumerable.Range(0, 44100).Select(i => amplitude * MathF.Sin((float)(2 * Math.PI * 997 * i / 44100)))];
        return new AudioClip(channels, 44100, Enumerable.Repeat(one, channels).SelectMany(x => x).ToArray());
    }
}
