using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Rendering.Tests.Analysis;

public class SpectrogramTests
{
    private const int Rate = 44100;

    [TestCase(100)]
    [TestCase(1000)]
    [TestCase(12345.6)]
    public void A_full_scale_sine_peaks_at_0_dB_in_the_row_of_its_frequency(double hz)
    {
        Spectrogram spectrogram = Spectrogram.Of(Sine(hz, 1, 1, 2), columns: 20, rows: 200);
        int loudest = Enumerable.Range(0, 200).MaxBy(row => spectrogram[row, 10]);
        // A row is 3.4 % wide; the transform's bins are 10.8 Hz apart.
        Assert.That(spectrogram.FrequencyOf(loudest), Is.EqualTo(hz).Within(0.035 * hz + 11));
        // Half a bin of a transform twice as long as its Hann window lies 0.35 dB below the peak.
        Assert.That(spectrogram.PeakDb(), Is.EqualTo(0).Within(0.4));
    }

    [Test]
    public void Channels_are_averaged_by_power_and_kept_apart()
    {
        // 1 kHz on the left only, 5 kHz on the right only: each 3 dB down, and neither leaks into the other's row.
        float[] left = Sine(1000, 1, 1, 1).Channel(0).ToArray(), right = Sine(5000, 1, 1, 1).Channel(0).ToArray();
        Spectrogram spectrogram = Spectrogram.Of(new AudioClip(2, Rate, (float[])[.. left, .. right]), 10, 300);
        Assert.Multiple(() =>
        {
            Assert.That(Loudest(spectrogram, 1000), Is.EqualTo(-3).Within(0.4));
            Assert.That(Loudest(spectrogram, 5000), Is.EqualTo(-3).Within(0.4));
            Assert.That(Loudest(spectrogram, 2500), Is.LessThan(-80));
        });
    }

    [Test]
    public void Three_channels_and_one_give_what_their_power_says()
    {
        float[] one = Sine(1000, 1, 1, 1).Channel(0).ToArray();
        var three = new AudioClip(3, Rate, (float[])[.. new float[one.Length], .. new float[one.Length], .. one]);
        Assert.That(Spectrogram.Of(three, 10, 100).PeakDb(), Is.EqualTo(-10 * Math.Log10(3)).Within(0.4));
    }

    [Test]
    public void A_click_between_two_frames_of_a_long_sound_is_seen()
    {
        // 100 s in 10 columns: one transform a column would miss nearly all of it.
        foreach (double at in (double[])[0.013, 37.7, 55.123, 99.9])
        {
            var samples = new float[100 * Rate];
            samples[(int)(at * Rate)] = 1;
            Spectrogram spectrogram = Spectrogram.Of(new AudioClip(1, Rate, samples), 10, 50);
            int column = Enumerable.Range(0, 10).MaxBy(c => spectrogram[25, c]);
            Assert.That(column, Is.EqualTo((int)(at / 10)), $"click at {at} s");
            Assert.That(spectrogram[25, column], Is.GreaterThan(-80));
        }
    }

    [Test]
    public void Silence_and_emptiness_are_silent()
    {
        Assert.That(Spectrogram.Of(new AudioClip(2, Rate, new float[2000]), 7, 5).PeakDb(), Is.EqualTo(Spectrogram.SilenceDb));
        Assert.That(Spectrogram.Of(new AudioClip(2, Rate, new float[0]), 7, 5).PeakDb(), Is.EqualTo(Spectrogram.SilenceDb));
    }

    [Test]
    public void A_lowest_frequency_above_half_the_rate_is_refused() =>
        Assert.That(() => Spectrogram.Of(Sine(10, 1, 1, 1), 5, 5, lowestHz: 30000), Throws.TypeOf<ArgumentOutOfRangeException>());

    private static float Loudest(Spectrogram spectrogram, double hz) =>
        Enumerable.Range(0, spectrogram.Rows).Where(row => Math.Abs(Math.Log(spectrogram.FrequencyOf(row) / hz)) < 0.03)
                  .Max(row => spectrogram[row, spectrogram.Columns / 2]);

    private static AudioClip Sine(double hz, double amplitude, double seconds, int channels)
    {
        int count = (int)(seconds * Rate);
        var planar = new float[channels * count];
        for (int i = 0; i < planar.Length; i++) planar[i] = (float)(amplitude * Math.Sin(2 * Math.PI * hz * (i % count) / Rate));
        return new AudioClip(channels, Rate, planar);
    }
}
