using SkiaSharp;
using ThinkSound.Rendering.Pictures;

namespace ThinkSound.Rendering.Tests.Pictures;

public class SoundPictureTests
{
    [Test]
    public void A_picture_has_the_size_asked_for_and_shows_the_tone_where_it_sounds()
    {
        // Silence, then a tone: left half of the spectrogram black, right half with a bright line.
        const int rate = 44100;
        var planar = new float[2 * 2 * rate];
        for (int i = rate; i < 2 * rate; i++) planar[i] = planar[2 * rate + i] = 0.5f * MathF.Sin(2 * MathF.PI * 1000 * i / rate);
        byte[] png = SoundPicture.ToPng(new AudioClip(2, rate, planar),
                                        new PictureOptions { Width = 900, Height = 600, Title = "tone · 1 kHz" });
        using SKBitmap picture = SKBitmap.Decode(png);
        Assert.That((picture.Width, picture.Height), Is.EqualTo((900, 600)));
        Assert.That(Brightest(picture, 150, 350), Is.LessThan(40), "silence is dark");
        Assert.That(Brightest(picture, 560, 760), Is.GreaterThan(500), "the tone is bright");

        static int Brightest(SKBitmap picture, int from, int to)
        {
            int most = 0;
            for (int y = 300; y < 500; y++)
                for (int x = from; x < to; x++)
                    most = Math.Max(most, picture.GetPixel(x, y) is var c ? c.Red + c.Green + c.Blue : 0);
            return most;
        }
    }

    [Test]
    public void Frames_stand_over_their_time_unstretched_and_marks_run_through_the_sound()
    {
        var colors = (SKColor[])[SKColors.Red, SKColors.Lime, SKColors.Blue, SKColors.Yellow];
        byte[] png = SoundPicture.ToPng(new AudioClip(1, 8000, new float[16000]), new PictureOptions
        {
            Width = 900, Height = 600, Frames = [.. colors.Select(color => Plain(40, 20, color))],
            Marks = [new("events", [TimeSpan.FromSeconds(0.5)]), new("onsets", [TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(3)])],
        });
        using SKBitmap picture = SKBitmap.Decode(png);
        // The axis runs from 84 to 796, so a quarter is 178 wide; the strip takes 78 pixels below 28, so a frame is 155 wide.
        for (int i = 0; i < 4; i++)
        {
            int centre = 84 + 89 + 178 * i;
            foreach (int x in (int[])[centre - 75, centre, centre + 75]) Assert.That(picture.GetPixel(x, 67), Is.EqualTo(colors[i]), $"frame {i} at {x}");
            foreach (int x in (int[])[centre - 83, centre + 83]) Assert.That(picture.GetPixel(x, 67), Is.EqualTo(SKColors.White), $"beside frame {i} at {x}");
        }
        // Two rows of marks below the strip, a quarter and three quarters along.
        SKColor events = picture.GetPixel(262, 120), onsets = picture.GetPixel(618, 138);
        Assert.Multiple(() =>
        {
            Assert.That(events, Is.Not.EqualTo(SKColors.White));
            Assert.That(onsets, Is.Not.EqualTo(SKColors.White).And.Not.EqualTo(events));
            Assert.That(picture.GetPixel(262, 138), Is.EqualTo(onsets), "found where it happens");
            Assert.That(picture.GetPixel(618, 120), Is.EqualTo(SKColors.White), "nothing happens there");
            Assert.That(picture.GetPixel(618, 450).Green, Is.GreaterThan(60), "silence is dark, a line through it is seen");
            Assert.That(picture.GetPixel(440, 450).Green, Is.LessThan(40));
        });
    }

    [Test]
    public void Frames_of_any_shape_and_number_fit_into_the_smallest_picture()
    {
        foreach (var (count, width, height) in (IEnumerable<(int, int, int)>)[(1, 500, 2), (1, 2, 500), (40, 30, 20), (3, 1, 1)])
        {
            var options = new PictureOptions
            {
                Width = 320, Height = 240, Title = "small", Frames = [.. Enumerable.Repeat(Plain(width, height, SKColors.Red), count)],
                Marks = [.. Enumerable.Range(0, 5).Select(row => new PictureMarks($"row {row}", [TimeSpan.Zero]))],
            };
            Assert.That(SoundPicture.ToPng(new AudioClip(2, 44100, new float[8820]), options), Has.Length.GreaterThan(500), $"{count} of {width} x {height}");
        }
    }

    private static PictureFrame Plain(int width, int height, SKColor color) =>
        new(width, height, Enumerable.Repeat((byte[])[color.Red, color.Green, color.Blue], width * height).SelectMany(pixel => pixel).ToArray());

    [Test]
    public void Empty_silent_damaged_and_many_channelled_sounds_are_drawn()
    {
        foreach (AudioClip clip in (AudioClip[])
                 [
                     new(2, 44100, new float[0]), new(2, 44100, new float[2]), new(1, 8000, new float[8000]),
                     new(2, 44100, Enumerable.Repeat(float.NaN, 8820).ToArray()), new(8, 48000, new float[48000]), new(1, 16, new float[160]),
                 ])
            Assert.That(SoundPicture.ToPng(clip, new PictureOptions { Width = 320, Height = 240 }), Has.Length.GreaterThan(500));
    }

    [Test]
    public void A_picture_that_cannot_be_written_leaves_nothing_and_says_which_file()
    {
        string folder = Directory.CreateTempSubdirectory("ts-picture").FullName;
        try
        {
            string blocked = Path.Combine(folder, "taken");
            Directory.CreateDirectory(blocked); // a folder under the name of the picture
            Assert.That(() => SoundPicture.Save(new AudioClip(1, 44100, new float[4410]), blocked),
                        Throws.TypeOf<OutputException>().With.Message.Contains("taken"));
            Assert.That(Directory.GetFileSystemEntries(folder), Is.EqualTo(new[] { blocked }));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestCase(0, 1, 5, "0.0 0.2 0.4 0.6 0.8 1.0")]
    [TestCase(0, 60, 6, "0 10 20 30 40 50 60")]
    [TestCase(0, 0.3, 3, "0.0 0.1 0.2 0.3")]
    [TestCase(-80, 0, 4, "−80 −60 −40 −20 0")]
    [TestCase(0, 0, 4, "0")]
    public void Axes_are_marked_at_round_values(double low, double high, int count, string labels) =>
        Assert.That(string.Join(' ', Ticks.Linear(low, high, count).Select(t => t.Label)), Is.EqualTo(labels));

    [Test]
    public void Frequencies_are_marked_in_ones_twos_and_fives() =>
        Assert.That(string.Join(", ", Ticks.Frequencies(30, 22050).Select(t => t.Label)),
                    Is.EqualTo("50, 100, 200, 500, 1 k, 2 k, 5 k, 10 k, 20 k"));

    [TestCase(0f, 1f)]
    [TestCase(0.0004f, 0.001f)]
    [TestCase(0.2f, 0.2f)]
    [TestCase(0.21f, 0.5f)]
    [TestCase(1f, 1f)]
    [TestCase(1.2f, 1.5f)]
    [TestCase(float.NaN, 1f)]
    public void A_lane_reaches_to_the_next_round_amplitude(float peak, float limit) =>
        Assert.That(WaveformPanel.Limit(peak), Is.EqualTo(limit));

    [Test]
    public void Colours_grow_lighter_with_loudness()
    {
        double before = -1;
        for (int i = 0; i <= 100; i++)
        {
            SKColor color = ColorScale.At(i / 100.0);
            double lightness = 0.2126 * color.Red + 0.7152 * color.Green + 0.0722 * color.Blue;
            Assert.That(lightness, Is.GreaterThanOrEqualTo(before - 0.5), $"at {i} %"); // half a step of rounding
            before = lightness;
        }
    }
}
