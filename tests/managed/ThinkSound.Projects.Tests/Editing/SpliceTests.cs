using ThinkSound.Projects.Editing;

namespace ThinkSound.Projects.Tests.Editing;

public sealed class SpliceTests
{
    private const int Rate = 8000, Fade = 160; // 20 ms

    [TestCase(1, 1)]
    [TestCase(2, 4095)]
    [TestCase(2, 9973)]
    public void Scale_multiplies_inside_and_copies_outside(int channels, int samples)
    {
        AudioClip sound = Noise(channels, samples);
        int from = samples / 3, to = Math.Max(from + 1, samples - samples / 4);
        AudioClip scaled = Splice.Scale(sound, 3, from, to);
        int fade = Math.Min(Fade, (to - from) / 4);
        for (int channel = 0; channel < channels; channel++)
            for (int n = 0; n < samples; n++)
            {
                float was = sound.Channel(channel)[n], now = scaled.Channel(channel)[n];
                if (n < from || n >= to) Assert.That(BitConverter.SingleToInt32Bits(now), Is.EqualTo(BitConverter.SingleToInt32Bits(was)), $"sample {n} is outside");
                else if (n >= from + fade && n < to - fade || from == 0 && n < to - fade || to == samples && n >= from + fade) Assert.That(now, Is.EqualTo((float)(was * 3.0)), $"sample {n} is inside");
                else Assert.That(Math.Abs(now), Is.InRange(Math.Abs(was), 3.0001f * Math.Abs(was)), $"sample {n} is faded");
            }
    }

    [Test]
    public void Scale_of_all_has_no_fades()
    {
        AudioClip sound = Noise(2, 777);
        Assert.That(Splice.Scale(sound, 0.5, 0, 777).Planar.ToArray(), Is.EqualTo(sound.Planar.ToArray().Select(sample => (float)(sample * 0.5))));
    }

    [Test]
    public void Into_puts_the_new_inside_and_fades_over()
    {
        AudioClip sound = Noise(2, 5001), edited = Constant(2, 2000, 0.7f);
        AudioClip spliced = Splice.Into(sound, edited, 1001, 3001);
        for (int n = 0; n < 5001; n++)
        {
            float was = sound.Channel(1)[n], now = spliced.Channel(1)[n];
            if (n is < 1001 or >= 3001) Assert.That(BitConverter.SingleToInt32Bits(now), Is.EqualTo(BitConverter.SingleToInt32Bits(was)));
            else if (n is >= 1001 + Fade and < 3001 - Fade) Assert.That(now, Is.EqualTo(0.7f));
            else Assert.That(now, Is.InRange(Math.Min(was, 0.7f), Math.Max(was, 0.7f)));
        }
        // A quarter of the way up the cosine's half wave: w = (1 − cos π/4)/2.
        int quarter = (Fade + 1) / 4 - 1;
        double weight = 0.5 - 0.5 * Math.Cos(Math.PI * (quarter + 1) / (Fade + 1)), old = sound.Channel(0)[1001 + quarter];
        Assert.That(spliced.Channel(0)[1001 + quarter], Is.EqualTo((float)(old + weight * (0.7f - old))));
    }

    [TestCase(700)]
    [TestCase(-700)]
    [TestCase(3)]
    public void Move_shifts_exactly_and_leaves_the_rest(int shift)
    {
        AudioClip sound = Noise(2, 6007);
        int from = 2000, to = 3000;
        AudioClip moved = Splice.Move(sound, shift, from, to);
        int first = Math.Min(from, from + shift), last = Math.Max(to, to + shift);
        for (int n = 0; n < 6007; n++)
        {
            float was = sound.Channel(0)[n], now = moved.Channel(0)[n];
            if (n < first || n >= last) Assert.That(BitConverter.SingleToInt32Bits(now), Is.EqualTo(BitConverter.SingleToInt32Bits(was)), $"sample {n}");
        }
        if (Math.Abs(shift) < 1000 - 2 * Fade && Math.Abs(shift) > Fade)
        {
            int n = shift > 0 ? to + shift - Fade - 1 : from + shift + Fade; // new place only, past the fades
            Assert.That(moved.Channel(0)[n], Is.EqualTo(sound.Channel(0)[n] + sound.Channel(0)[n - shift]), "added to what is there");
            int left = shift > 0 ? from + Fade : to - Fade - 1;              // old place only
            Assert.That(moved.Channel(0)[left], Is.Zero, "silence is left");
        }
    }

    [Test]
    public void Move_of_all_delays_by_whole_samples()
    {
        AudioClip sound = Noise(1, 1000), later = Splice.Move(sound, 250, 0, 1000);
        Assert.That(later.Planar[..250].ToArray(), Is.All.Zero);
        Assert.That(later.Planar[250..].ToArray(), Is.EqualTo(sound.Planar[..750].ToArray()));
    }

    [Test]
    public void Headroom_lets_nothing_clip()
    {
        float[] sound = [0.5f, -0.5f, 0.9f, 1.5f], layer = [1f, -0.25f, 0.05f, 1f];
        Assert.That(Splice.Headroom(sound, layer), Is.EqualTo(0.5).Within(1e-12)); // 0.5 + 0.5 · 1 = 1; what was over already does not count
        Assert.That(Splice.Headroom(sound, [0, 0, 0, 0]), Is.EqualTo(1));
    }

    internal static AudioClip Noise(int channels, int samples, int rate = Rate)
    {
        var random = new Random(channels * 7919 + samples);
        return new AudioClip(channels, rate, Enumerable.Range(0, channels * samples).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray());
    }

    private static AudioClip Constant(int channels, int samples, float value)
    {
        var all = new float[channels * samples];
        Array.Fill(all, value);
        return new AudioClip(channels, Rate, all);
    }
}
