using System.Text.Json;
using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Rendering.Tests.Analysis;

public class OnsetDetectorTests
{
    private const int Rate = 44100;

    // Of the original, training/scenes/onsets.py; tests/training holds it to the same file.
    private static readonly JsonElement Cases = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Parts.Root, "tests", "managed", "ThinkSound.Rendering.Tests", "Analysis", "onset_cases.json"))).RootElement;

    private static IEnumerable<TestCaseData> Named() => Cases.EnumerateArray().Select(one => new TestCaseData(one).SetArgDisplayNames(one.GetProperty("name").GetString()!));

    [TestCaseSource(nameof(Named))]
    public void Onsets_and_flux_are_those_of_the_original(JsonElement expected)
    {
        AudioClip clip = Make(expected);
        float[] flux = OnsetDetector.Flux(clip);
        Assert.That(flux, Has.Length.EqualTo(expected.GetProperty("num_frames").GetInt32()));
        // The original transforms in f32: 1e-7 of the loudest bin over the floor of 2e-3, in each of two frames; 5 digits are stored.
        foreach (JsonProperty value in expected.GetProperty("flux").EnumerateObject())
            Assert.That(flux[int.Parse(value.Name)], Is.EqualTo(value.Value.GetDouble()).Within(2e-4), $"frame {value.Name}");
        Assert.That(OnsetDetector.Detect(clip).Select(time => time.TotalSeconds), Is.EqualTo(expected.GetProperty("onsets_s").EnumerateArray().Select(t => t.GetDouble())).Within(1e-9));
    }

    [Test]
    public void Another_sample_rate_moves_no_onset()
    {
        Parts.Require();
        AudioClip clip = Make(Cases[0]);
        TimeSpan[] found = [.. OnsetDetector.Detect(clip.Resample(48000))];
        Assert.That(found.Select(t => t.TotalSeconds), Is.EqualTo(OnsetDetector.Detect(clip).Select(t => t.TotalSeconds)).Within(1.0 / OnsetDetector.FramesPerSecond));
    }

    [Test]
    public void Empty_damaged_and_many_channelled_sounds_are_searched()
    {
        Assert.That(OnsetDetector.Detect(new AudioClip(2, Rate, new float[0])), Is.Empty);
        Assert.That(OnsetDetector.Detect(new AudioClip(1, Rate, new float[1])), Is.Empty);
        Assert.That(OnsetDetector.Detect(new AudioClip(2, Rate, Enumerable.Repeat(float.NaN, 8820).ToArray())), Is.Empty);
        // The click is in the last of five channels only.
        var planar = new float[5 * Rate];
        for (int i = 0; i < 200; i++) planar[4 * Rate + Rate / 2 + i] = (i % 7 - 3) * 0.3f;
        Assert.That(OnsetDetector.Detect(new AudioClip(5, Rate, planar)).Single().TotalSeconds, Is.EqualTo(0.5).Within(0.005));
    }

    [Test]
    public void Matches_are_one_to_one_and_the_closest_first()
    {
        OnsetMatch match = OnsetMatch.Of(Milliseconds(1000, 1040, 2000, 5060, 7061), Milliseconds(1030, 3000, 5000, 7000));
        Assert.That(match.Errors, Is.EqualTo(Milliseconds(10, 60)), "61 ms are too many");
        Assert.That((match.Hits, match.MedianError), Is.EqualTo((2, TimeSpan.FromMilliseconds(35))));
        OnsetMatch none = OnsetMatch.Of([], Milliseconds(1000));
        Assert.That((none.Hits, none.MedianError), Is.EqualTo((0, (TimeSpan?)null)));

        static TimeSpan[] Milliseconds(params int[] times) => [.. times.Select(time => TimeSpan.FromMilliseconds(time))];
    }

    /// <summary>A case's sound, by the recipe of tests/training/onset_cases.py.</summary>
    private static AudioClip Make(JsonElement recipe)
    {
        int channels = recipe.GetProperty("channels").GetInt32(), count = (int)Math.Round(Rate * recipe.GetProperty("duration_s").GetDouble());
        double[] noise = Noise(count), sum = new double[channels * count];
        foreach (JsonElement burst in recipe.GetProperty("bursts").EnumerateArray())
        {
            double hz = Of("hz"), decay = Of("decay_s"), attack = Of("attack_s");
            double[] gains = [.. burst.GetProperty("gains").EnumerateArray().Select(gain => gain.GetDouble())];
            int first = (int)Math.Round(Rate * Of("at_s"));
            for (int i = 0; first + i < count; i++)
            {
                double t = (double)i / Rate, shape = Math.Exp(-t / decay) * (attack > 0 ? Math.Min(1, t / attack) : 1);
                double sample = shape * (hz > 0 ? Math.Sin(2 * Math.PI * hz * t) : noise[i]);
                for (int channel = 0; channel < channels; channel++) sum[channel * count + first + i] += gains[channel] * sample;
            }

            double Of(string name) => burst.GetProperty(name).GetDouble();
        }
        return new AudioClip(channels, Rate, sum.Select(sample => (float)sample).ToArray());
    }

    private static double[] Noise(int count)
    {
        var noise = new double[count];
        uint x = 1;
        for (int i = 0; i < count; i++)
        {
            x = unchecked(1664525 * x + 1013904223);
            noise[i] = x / 2147483648.0 - 1;
        }
        return noise;
    }
}
