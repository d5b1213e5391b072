using SkiaSharp;
using ThinkSound.Media;
using ThinkSound.Projects;
using ThinkSound.Reasoning;
using static ThinkSound.Objects.Tests.DrawnVideo;

namespace ThinkSound.Objects.Tests;

/// <summary>Masks and tracks against places that are known because they were drawn.</summary>
internal sealed class TrackingTests
{
    private const double Radius = 18;
    private static readonly SKColor Wall = new(90, 120, 110), Red = new(205, 60, 40);

    private readonly ObjectTracker _tracker = new(new ClassicalSegmenter());

    [OneTimeSetUp]
    public void Libraries() => Require();

    /// <summary>Bounces on a floor while it travels: fast at the floor, up to 9 pixels a picture.</summary>
    private static (double X, double Y) Bounce(int frame)
    {
        double t = frame % 18 / 18.0;
        return (40 + 2.2 * frame, 150 - 4 * 80 * t * (1 - t));
    }

    private static string Bouncing(int frames) => Write(frames, (canvas, i) =>
    {
        Background(canvas, Wall);
        var (x, y) = Bounce(i);
        Ball(canvas, x, y, Radius, Red);
    });

    [Test]
    public async Task A_click_finds_the_ball_and_it_is_followed_to_both_ends()
    {
        const int frames = 72, clicked = 30;
        string video = Bouncing(frames);
        var (x, y) = Bounce(clicked);
        ObjectSelection selection = Click(x - 5, y - 5, clicked);
        Mask mask = await _tracker.SelectAsync(video, selection);
        Assert.That(mask.Overlap(Disc(x, y, Radius)), Is.GreaterThan(0.85));

        ObjectTrack track = await _tracker.TrackAsync(video, selection);
        Assert.That((track.FirstFrame, track.Frames.Count, track.SeenShare, track.Events.Count), Is.EqualTo((0, frames, 1.0, 0)));
        double worst = 0, overlap = 0;
        for (int i = 0; i < frames; i++)
        {
            var (cx, cy) = Bounce(i);
            worst = Math.Max(worst, Math.Sqrt(Math.Pow(track.Frames[i].X * Width - cx, 2) + Math.Pow(track.Frames[i].Y * Height - cy, 2)));
            overlap += track.MaskOf(i)!.Overlap(Disc(cx, cy, Radius)) / frames;
        }
        Assert.That((worst, overlap), Is.EqualTo((worst, overlap)).And.Matches<(double Worst, double Overlap)>(r => r.Worst < 5 && r.Overlap > 0.8), $"{worst:0.0} pixels, overlap {overlap:0.00}");
    }

    [Test]
    public async Task A_thing_of_several_colours_is_found_whole_by_its_motion_though_the_camera_trembles()
    {
        const int frames = 72, clicked = 36;
        (double X, double Y) Tremble(int i) => (3 * Math.Sin(0.5 * i), 2 * Math.Cos(0.35 * i));
        (double X, double Y) At(int i) => (40 + 2.4 * i + Tremble(i).X, 100 + Tremble(i).Y);
        string video = Write(frames, (canvas, i) =>
        {
            canvas.Save();
            canvas.Translate((float)Tremble(i).X, (float)Tremble(i).Y);
            Background(canvas, Wall);
            canvas.Restore();
            var (x, y) = At(i);
            Ball(canvas, x, y, Radius, Red);
            using var stripe = new SKPaint { Color = SKColors.White };
            canvas.DrawRect((float)x - 16, (float)y - 5, 32, 10, stripe);
        });
        var (cx, cy) = At(clicked);
        ObjectTrack track = await _tracker.TrackAsync(video, Click(cx, cy, clicked));
        Assert.That((track.FirstFrame, track.Frames.Count, track.SeenShare), Is.EqualTo((0, frames, 1.0)), string.Join(' ', track.Events));
        for (int i = 0; i < frames; i++)
        {
            var (x, y) = At(i);
            Assert.That(track.MaskOf(i)!.Overlap(Disc(x, y, Radius)), Is.GreaterThan(0.75), $"picture {i}");
        }
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task The_track_tells_what_the_camera_did_beyond_a_picture_of_way(bool byBox)
    {
        const int frames = 96, clicked = 60;
        (double X, double Y) Camera(int i) => (-3 * i + 2 * Math.Sin(0.4 * i), 2 * Math.Cos(0.3 * i)); // 285 of 256 pixels in all
        double X(int i) => 128 + 50 * Math.Sin(0.1 * i);
        string video = Write(frames, (canvas, i) =>
        {
            WideBackground(canvas, Wall, Camera(i).X, Camera(i).Y);
            Ball(canvas, X(i), 96, Radius, Red);
        });
        var selection = new ObjectSelection { Time = TimeSpan.FromSeconds(clicked / (double)Rate) };
        double left = (X(clicked) - Radius) / Width, top = (96 - Radius) / (double)Height;
        ObjectTrack track = await _tracker.TrackAsync(video, byBox ? selection with { Box = new VideoRegion(left, top, 2.0 * Radius / Width, 2.0 * Radius / Height) }
            : Click(X(clicked), 96, clicked));
        Assert.That((track.FirstFrame, track.Frames.Count), Is.EqualTo((0, frames)), string.Join(' ', track.Events));
        double worst = 0;
        for (int i = 0; i < frames; i++)
        {
            double x = (track.Frames[i].CameraX - (Camera(i).X - Camera(clicked).X) / Width) * Width, y = (track.Frames[i].CameraY - (Camera(i).Y - Camera(clicked).Y) / Height) * Height;
            worst = Math.Max(worst, Math.Sqrt(x * x + y * y));
        }
        Assert.That(worst, Is.LessThan(1.5), "pixels");
        Assert.That(track.Frames[clicked].CameraX, Is.Zero);
    }

    [Test]
    public async Task A_click_on_the_wall_says_that_nothing_stands_out_there()
    {
        string video = Write(24, (canvas, i) =>
        {
            canvas.Clear(Wall);
            Ball(canvas, 60 + 2 * i, 60, Radius, Red);
        });
        ObjectException e = (await Assert.ThrowsAsync<ObjectException>(() => _tracker.TrackAsync(video, Click(200, 150, 12))))!;
        Assert.That(e.Message, Does.Contain("nothing stands out").And.Contain("0.5 s"));
    }

    [Test]
    public async Task Behind_a_post_it_is_lost_and_found_again_and_the_times_are_told()
    {
        const int frames = 90;
        double X(int i) => 30 + 2.2 * i; // wholly behind the post while its middle is within 110 … 146, less its radius on both sides
        string video = Write(frames, (canvas, i) =>
        {
            Background(canvas, Wall);
            Ball(canvas, X(i), 96, 14, Red);
            using var post = new SKPaint { Color = new SKColor(40, 50, 90) };
            canvas.DrawRect(100, 0, 60, Height, post);
        });
        ObjectTrack track = await _tracker.TrackAsync(video, Click(X(5), 96, 5));
        Assert.That(track.Events.Select(e => e.Kind), Is.EqualTo([TrackEventKind.Lost, TrackEventKind.Found]), string.Join(' ', track.Events));
        // Gone at (100 + 14 − 30) / 2.2 = frame 38, back from (160 − 14 − 30) / 2.2 = 53 on; half seen it may be either.
        Assert.That(track.Events[0].Time.TotalSeconds, Is.EqualTo(38 / 24.0).Within(9 / 24.0));
        Assert.That(track.Events[1].Time.TotalSeconds, Is.EqualTo(53 / 24.0).Within(12 / 24.0));
        Assert.That(track.Frames[^1].X * Width, Is.EqualTo(X(frames - 1)).Within(4));
        ObjectTrajectory kept = track.ToTrajectory(null);
        Assert.That((kept.Lost.Count, kept.Lost[0].Start, kept.Lost[0].End), Is.EqualTo((1, track.Events[0].Time, track.Events[1].Time)));
    }

    [Test]
    public async Task A_cut_ends_the_track_in_either_direction()
    {
        string video = Write(96, (canvas, i) =>
        {
            bool isMiddle = i is >= 24 and < 72;
            Background(canvas, isMiddle ? Wall : new SKColor(200, 190, 120), isMiddle ? 1 : 2);
            Ball(canvas, 60 + 1.5 * i, 100, Radius, Red); // there in every shot: it is the shot that ends
        });
        ObjectTrack track = await _tracker.TrackAsync(video, Click(60 + 1.5 * 40, 100, 40));
        Assert.That((track.FirstFrame, track.Frames.Count), Is.EqualTo((24, 48)));
        Assert.That(track.Events.Select(e => (e.Kind, e.Time.TotalSeconds)), Is.EqualTo([(TrackEventKind.CutBefore, 1.0), (TrackEventKind.CutAfter, 3.0)]));
    }

    [Test]
    public async Task A_range_a_box_and_a_polygon_are_taken_as_given()
    {
        string video = Bouncing(48);
        var (x, y) = Bounce(20);
        ObjectSelection click = Click(x, y, 20) with { Range = new TimeRange(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1.25)) };
        ObjectTrack track = await _tracker.TrackAsync(video, click);
        Assert.That((track.Start.TotalSeconds, track.End.TotalSeconds), Is.EqualTo((0.5, 1.25)));

        var box = new ObjectSelection { Time = click.Time, Box = new VideoRegion((x - 26) / Width, (y - 25) / Height, 52.0 / Width, 50.0 / Height) };
        Assert.That((await _tracker.SelectAsync(video, box)).Overlap(Disc(x, y, Radius)), Is.GreaterThan(0.85));

        PicturePoint[] corners = [new((x - 10) / Width, (y - 10) / Height), new((x + 10) / Width, (y - 10) / Height), new((x + 10) / Width, (y + 10) / Height), new((x - 10) / Width, (y + 10) / Height)];
        ObjectTrack outlined = await _tracker.TrackAsync(video, new ObjectSelection { Time = click.Time, Polygon = corners });
        Assert.That(outlined.Segmenter, Is.EqualTo("outline"));
        Assert.That(outlined.MaskOf(20)!.Area, Is.EqualTo(400).Within(41)); // 20 × 20, its edge between pixels
    }

    [Test]
    public async Task The_fist_of_a_generated_scene_is_followed()
    {
        string video = Sample("scene-knock.mp4");
        MediaInfo media = MediaInfo.Open(video);
        ObjectTrack track = await _tracker.TrackAsync(video, SceneKnock.Selection);
        Assert.That(track.Duration.TotalSeconds, Is.GreaterThan(0.9 * media.Video!.Duration.TotalSeconds), string.Join(' ', track.Events));
        Assert.That(track.SeenShare, Is.GreaterThan(0.9));
        SceneKnock.Check(track);
    }

    [Test]
    public async Task What_is_there_for_a_moment_alone_is_lost_at_once()
    {
        string video = Write(48, (canvas, i) =>
        {
            Background(canvas, Wall);
            if (i == 20) Ball(canvas, 100, 90, Radius, Red);
        });
        ObjectException e = (await Assert.ThrowsAsync<ObjectException>(() => _tracker.TrackAsync(video, Click(100, 90, 20))))!;
        Assert.That(e.Message, Does.Contain("lost at once").And.Contain("0.83 s"));
    }

    [Test]
    public async Task Pointing_nowhere_is_refused_and_says_where()
    {
        string video = Bouncing(24);
        ObjectSelection ok = Click(60, 100, 5);
        await Refused("outside of the picture", ok with { Points = [new ClickPoint(1.2, 0.5)] });
        await Refused("outside of the picture", ok with { Points = [new ClickPoint(double.NaN, 0.5)] });
        await Refused("nothing is pointed at", new ObjectSelection());
        await Refused("nothing is pointed at", ok with { Points = [new ClickPoint(0.5, 0.5, IsOn: false)] });
        await Refused("has no area", new ObjectSelection { Box = default(VideoRegion) });
        await Refused("three or more", new ObjectSelection { Polygon = [new(0, 0), new(1, 1)] });
        await Refused("on one line", new ObjectSelection { Polygon = [new(0, 0), new(0.5, 0.5), new(1, 1)] });
        await Refused("give it alone", ok with { Polygon = [new(0, 0), new(0, 1), new(1, 1)] });
        await Refused("no picture at 7 s; it has 1 s", ok with { Time = TimeSpan.FromSeconds(7) });
        await Refused("no range", ok with { Range = new TimeRange(TimeSpan.Zero, TimeSpan.FromSeconds(3)) });
        await Refused("no range", ok with { Range = new TimeRange(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(0.5)) });
        await Refused("outside of the range", ok with { Range = new TimeRange(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(1)) });
        await Assert.ThrowsAsync<ResourceNotFoundException>(() => _tracker.TrackAsync(Temporary(".mp4"), ok));

        async Task Refused(string why, ObjectSelection selection) =>
            Assert.That((await Assert.ThrowsAsync<ArgumentException>(() => _tracker.TrackAsync(video, selection)))!.Message, Does.Contain(why));
    }

    [Test]
    public async Task A_track_is_cancelled_within_a_picture()
    {
        using var cancel = new CancellationTokenSource();
        string video = Bouncing(48);
        int told = 0;
        var progress = new Told(_ =>
        {
            if (++told == 3) cancel.Cancel();
        });
        var (x, y) = Bounce(10);
        await Assert.CatchAsync<OperationCanceledException>(() => _tracker.TrackAsync(video, Click(x, y, 10), progress, cancel.Token));
        Assert.That(told, Is.EqualTo(3));
    }

    private sealed class Told(Action<TrackProgress> tell) : IProgress<TrackProgress>
    {
        public void Report(TrackProgress value) => tell(value);
    }
}
