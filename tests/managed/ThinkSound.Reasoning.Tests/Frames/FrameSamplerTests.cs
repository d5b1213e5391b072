using SkiaSharp;
using ThinkSound.Media;
using ThinkSound.Reasoning.Frames;

namespace ThinkSound.Reasoning.Tests.Frames;

public sealed class FrameSamplerTests
{
    [SetUp]
    public void RequireLibraries() => Parts.Require();

    private static async Task<IReadOnlyList<SampledFrame>> Sample(string path, FrameOptions? options = null, VideoRegion? region = null)
    {
        MediaInfo media = await VideoFile.ProbeAsync(path);
        return await new FrameSampler(options ?? new FrameOptions()).SampleAsync(media, TimeSpan.Zero, media.Video!.Duration, region, null, CancellationToken.None);
    }

    [TestCase("stream-of-water.mp4", 480, 360)]
    [TestCase("wet-hawk.mp4", 512, 288)]
    public async Task Frames_are_spread_evenly_and_scaled_down(string name, int width, int height)
    {
        IReadOnlyList<SampledFrame> frames = await Sample(Parts.Sample(name));
        Assert.That(frames, Has.Count.EqualTo(12));
        double[] distances = [.. frames.Zip(frames.Skip(1), (a, b) => (b.Time - a.Time).TotalSeconds)];
        Assert.That(distances.Max() - distances.Min(), Is.LessThan(1e-3));
        foreach (SampledFrame frame in frames)
        {
            using SKBitmap picture = SKBitmap.Decode(frame.Jpeg.Span);
            Assert.That((picture.Width, picture.Height), Is.EqualTo((width, height)));
        }
    }

    [Test]
    public async Task Two_frames_give_two_pictures()
    {
        string video = Parts.MakeVideo("two.mp4", "testsrc=size=320x240:rate=10", "-frames:v", "2", "-pix_fmt", "yuv420p");
        IReadOnlyList<SampledFrame> frames = await Sample(video);
        Assert.That(frames.Select(frame => frame.Time.TotalSeconds), Is.EqualTo(new[] { 0, 0.1 }).Within(1e-6));
    }

    [Test]
    public async Task A_picture_that_stands_still_is_shown_once()
    {
        string video = Parts.MakeVideo("still.mp4", "color=c=green:size=320x240:rate=25:duration=4", "-pix_fmt", "yuv420p");
        SampledFrame frame = (await Sample(video)).Single();
        Assert.That(frame.Until.TotalSeconds, Is.GreaterThan(3.5));
    }

    [Test]
    public async Task A_region_is_cut_out_and_shown_once_in_its_place()
    {
        // Red to the left, blue to the right.
        string video = Parts.MakeVideo("halves.mp4", "color=c=red:size=320x240:rate=10:duration=1,drawbox=x=160:y=0:w=160:h=240:color=blue:t=fill", "-pix_fmt", "yuv420p");
        IReadOnlyList<SampledFrame> frames = await Sample(video, region: new VideoRegion(0.5, 0, 0.5, 1));
        Assert.That(frames.Select(frame => frame.IsWhole), Is.EqualTo(new[] { true, false }));
        using SKBitmap whole = SKBitmap.Decode(frames[0].Jpeg.Span), part = SKBitmap.Decode(frames[1].Jpeg.Span);
        Assert.That((whole.Width, part.Width, part.Height), Is.EqualTo((320, 160, 240)));
        Assert.That(part.GetPixel(80, 120).Blue, Is.GreaterThan(200));
        Assert.That(part.GetPixel(3, 120).Red, Is.LessThan(60));
        Assert.That(whole.GetPixel(161, 120).Red, Is.GreaterThan(whole.GetPixel(240, 120).Red + 40), "its outline");
        Assert.That(whole.GetPixel(40, 120).Red, Is.GreaterThan(200));
    }

    [Test]
    public async Task Changes_of_the_scene_are_found()
    {
        // Black, then at 1.3 s white, then at 3.1 s a grid that moves a little.
        string video = Parts.MakeVideo("cuts.mp4", "testsrc2=size=160x120:rate=25:duration=4,drawbox=t=fill:color=black:enable='lt(t,1.3)',drawbox=t=fill:color=white:enable='between(t,1.3,3.1)'", "-pix_fmt", "yuv420p");
        IReadOnlyList<SampledFrame> frames = await Sample(video, new FrameOptions { MaxFrames = 4, Choice = FrameChoice.Changes });
        Assert.That(frames, Has.Count.InRange(3, 4));
        double[] times = [.. frames.Select(frame => frame.Time.TotalSeconds)];
        Assert.That(times, Has.Some.EqualTo(1.375).Within(0.13).And.Some.EqualTo(3.125).Within(0.13), string.Join(" ", times));
    }

    [Test]
    public async Task Pictures_keep_to_their_bytes()
    {
        IReadOnlyList<SampledFrame> frames = await Sample(Parts.Sample("flower.mp4"), new FrameOptions { MaxBytes = 60_000 });
        Assert.That(frames.Sum(frame => frame.Jpeg.Length), Is.LessThanOrEqualTo(60_000));
        Assert.That(frames, Is.Not.Empty);
    }

    [Test]
    public void Cancelled_it_stops()
    {
        using var cancel = new CancellationTokenSource();
        cancel.Cancel();
        Assert.That(async () =>
        {
            MediaInfo media = await VideoFile.ProbeAsync(Parts.Sample("flower.mp4"));
            await new FrameSampler(new FrameOptions()).SampleAsync(media, TimeSpan.Zero, media.Video!.Duration, null, null, cancel.Token);
        }, Throws.InstanceOf<OperationCanceledException>());
    }
}
