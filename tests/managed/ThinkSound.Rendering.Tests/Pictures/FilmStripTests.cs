using ThinkSound.Media;
using ThinkSound.Rendering.Pictures;

namespace ThinkSound.Rendering.Tests.Pictures;

public class FilmStripTests
{
    private static readonly PictureOptions Options = new() { Title = "strip" };

    [SetUp]
    public void NeedsLibrary() => Parts.Require();

    [TestCase("scene-knock.mp4", 0, 6.9, 11)]
    [TestCase("wet-hawk.mp4", 2.5, 4, 6)]
    public void Frames_are_small_and_from_the_middle_of_their_part(string video, double start, double duration, int count)
    {
        IReadOnlyList<PictureFrame> frames = Read(video, start, duration);
        Assert.That(frames, Has.Count.EqualTo(count));
        StreamInfo stream = MediaInfo.Open(Parts.Sample(video)).Video!;
        for (int i = 0; i < count; i++)
        {
            Assert.That(Math.Max(frames[i].Width, frames[i].Height), Is.LessThan(250));
            Assert.That((double)frames[i].Width / frames[i].Height, Is.EqualTo((double)stream.Width / stream.Height).Within(0.02));
            // Another way to the same moment: a reader that begins there, to half a millisecond.
            using VideoReader reader = VideoReader.Open(Parts.Sample(video), new VideoReadOptions
            {
                Rates = [new FrameRate(1000, 1)], Start = TimeSpan.FromSeconds(start + (i + 0.5) * duration / count), MaxSide = Math.Max(frames[i].Width, frames[i].Height),
            });
            Assert.That(reader.TryRead(out VideoFrame frame));
            var pixels = new byte[3 * frame.Width * frame.Height];
            frame.CopyTo(pixels);
            Assert.That(frames[i].Rgb.Span.SequenceEqual(pixels), $"frame {i}");
        }
    }

    [TestCase(0, 60)]
    [TestCase(6.9, 60)]
    [TestCase(0, 0.001)]
    public void A_stretch_that_the_video_does_not_fill_has_no_gaps(double start, double duration)
    {
        IReadOnlyList<PictureFrame> frames = Read("scene-knock.mp4", start, duration);
        Assert.That(frames, Has.Count.EqualTo(11).And.All.Not.Null);
    }

    [Test]
    public void An_empty_stretch_has_no_frames() => Assert.That(Read("scene-knock.mp4", 0, 0), Is.Empty);

    private static IReadOnlyList<PictureFrame> Read(string video, double start, double duration) =>
        FilmStrip.Read(Parts.Sample(video), MediaInfo.Open(Parts.Sample(video)).Video!, TimeSpan.FromSeconds(start), TimeSpan.FromSeconds(duration), Options);
}
