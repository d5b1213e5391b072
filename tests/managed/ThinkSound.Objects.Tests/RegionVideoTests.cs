using SkiaSharp;
using ThinkSound.Media;
using ThinkSound.Projects;
using static ThinkSound.Objects.Tests.DrawnVideo;

namespace ThinkSound.Objects.Tests;

internal sealed class RegionVideoTests
{
    private const int Frames = 36;
    private static readonly SKColor Wall = new(90, 120, 110), Red = new(205, 60, 40);

    [OneTimeSetUp]
    public void Libraries() => Require();

    private static double X(int i) => 60 + 3 * i;

    private static readonly Lazy<string> Video = new(() => Write(Frames, (canvas, i) =>
    {
        Background(canvas, Wall);
        Ball(canvas, X(i), 96, 20, Red);
    }));

    /// <summary>The truth as a track; in pictures 10 and 11 it is not seen.</summary>
    private static ObjectTrack Track(int first = 0, int end = Frames)
    {
        TrackedFrame Frame(int i)
        {
            Mask mask = Disc(X(i), 96, 20);
            bool isSeen = i is not (10 or 11);
            return new TrackedFrame { IsSeen = isSeen, X = mask.Centre.X, Y = mask.Centre.Y, Share = mask.Share, Score = 1, Runs = isSeen ? RunLengths.Encode(mask) : default };
        }
        return new ObjectTrack { FirstFrame = first, Width = Width, Height = Height, Segmenter = "drawn", Frames = [.. Enumerable.Range(first, end - first).Select(Frame)] };
    }

    private static IReadOnlyList<StillFrame> Render(ObjectTrack track, RegionOptions options)
    {
        string path = Temporary(".avi");
        RegionVideo.Write(Video.Value, track, path, options);
        return Read(path);
    }

    private static (int R, int G, int B) At(StillFrame frame, double x, double y)
    {
        int at = 3 * ((int)(y * (frame.Height - 1)) * frame.Width + (int)(x * (frame.Width - 1)));
        return (frame.Pixels[at], frame.Pixels[at + 1], frame.Pixels[at + 2]);
    }

    [Test]
    public void Masked_shows_the_object_in_the_middle_and_black_around()
    {
        IReadOnlyList<StillFrame> shown = Render(Track(), new RegionOptions { View = RegionView.Masked, Dilation = 0.1 });
        Assert.That(shown, Has.Count.EqualTo(Frames));
        Assert.That(shown[0].Width, Is.EqualTo(shown[0].Height));
        for (int i = 4; i < Frames; i += 8)
        {
            Assert.That(At(shown[i], 0.5, 0.5).R, Is.GreaterThan(120), $"picture {i}");
            foreach (var (x, y) in (IEnumerable<(double, double)>)[(0, 0), (1, 0), (0, 1), (1, 1)]) Assert.That(At(shown[i], x, y), Is.EqualTo((0, 0, 0)), $"picture {i}");
            double lit = Enumerable.Range(0, shown[i].Width * shown[i].Height).Count(p => shown[i].Pixels[3 * p] > 40);
            // A disc of 20 pixels grown by a tenth of the root of its area, 3.5 pixels.
            double scale = shown[i].Width / (double)shown[i].Height; // pixels are square
            Assert.That(lit * scale, Is.EqualTo(Math.PI * 23.5 * 23.5).Within(12).Percent, $"picture {i}");
        }
        Assert.That(shown[10].Pixels.IndexOfAnyExcept((byte)0), Is.LessThan(0), "not seen, so nothing is shown");
    }

    [Test]
    public void A_plain_crop_is_one_rectangle_for_all_pictures()
    {
        IReadOnlyList<StillFrame> shown = Render(Track(), new RegionOptions { View = RegionView.Crop });
        double left = X(0) - 20, right = X(Frames - 1) + 20;
        Assert.That(shown[0].Width, Is.EqualTo(1.1 * (right - left)).Within(3));
        Assert.That(shown[0].Height, Is.EqualTo(1.1 * 40).Within(3));
        Assert.That(At(shown[0], 0.13, 0.5).R, Is.GreaterThan(120));
        Assert.That(At(shown[^1], 0.13, 0.5).R, Is.LessThan(120).And.GreaterThan(50)); // the wall, as it is
        Assert.That(At(shown[^1], 0.87, 0.5).R, Is.GreaterThan(120));
    }

    [Test]
    public void Without_blackens_the_object_and_nothing_else()
    {
        IReadOnlyList<StillFrame> shown = Render(Track(), new RegionOptions { View = RegionView.Without }), all = Read(Video.Value);
        Assert.That((shown[5].Width, shown[5].Height), Is.EqualTo((Width, Height)));
        Assert.That(At(shown[5], X(5) / Width, 0.5), Is.EqualTo((0, 0, 0)));
        for (int i = 0; i < 3 * 60; i++) Assert.That(shown[5].Pixels[i], Is.EqualTo(all[5].Pixels[i]).Within(1)); // the top row is the wall's
    }

    [Test]
    public void Alone_shows_the_object_where_it_is_and_nothing_else_that_happens()
    {
        // A second ball falls on the left while the first one, the object, goes to the right.
        string video = Write(Frames, (canvas, i) =>
        {
            Background(canvas, Wall);
            Ball(canvas, X(i), 96, 20, Red);
            Ball(canvas, 24, 10 + 5 * i, 12, new SKColor(30, 30, 200));
        }), path = Temporary(".avi");
        RegionVideo.Write(video, Track(), path, new RegionOptions { View = RegionView.Alone });
        IReadOnlyList<StillFrame> shown = Read(path);
        Assert.That((shown[0].Width, shown[0].Height), Is.EqualTo((Width, Height)));
        for (int i = 0; i < Frames; i++)
        {
            Assert.That(At(shown[i], X(i) / (Width - 1), 96.0 / (Height - 1)).R, i is 10 or 11 ? Is.LessThan(120) : Is.GreaterThan(150), $"picture {i}: the object, unless it is not seen");
            Assert.That(At(shown[i], 24.0 / (Width - 1), (10.0 + 5 * i) / (Height - 1)).B, Is.LessThan(150), $"picture {i}: the other ball");
            double elsewhere = X((i + Frames / 2) % Frames); // where it was or will be
            if (Math.Abs(elsewhere - X(i)) > 30) Assert.That(At(shown[i], elsewhere / (Width - 1), 96.0 / (Height - 1)).R, Is.LessThan(120), $"picture {i}: no ghost of the object");
        }
    }

    [Test]
    public void Alone_goes_along_with_a_camera_that_travels_and_trembles()
    {
        (double X, double Y) Camera(int i) => (-6 * i, 3 * Math.Sin(0.7 * i)); // 210 of 256 pixels in all
        double Place(int i) => 128 + 60 * Math.Sin(0.2 * i);
        string Draw(bool withOthers) => Write(Frames, (canvas, i) =>
        {
            WideBackground(canvas, Wall, Camera(i).X, Camera(i).Y);
            if (withOthers) Ball(canvas, 250 + Camera(i).X, 20 + 4 * i, 10, new SKColor(30, 30, 200));
            Ball(canvas, Place(i), 96, 20, Red);
        });
        TrackedFrame Frame(int i)
        {
            Mask mask = Disc(Place(i), 96, 21);
            return new TrackedFrame { IsSeen = true, X = mask.Centre.X, Y = mask.Centre.Y, Share = mask.Share, Score = 1, Runs = RunLengths.Encode(mask), CameraX = Camera(i).X / Width, CameraY = Camera(i).Y / Height };
        }
        var track = new ObjectTrack { Width = Width, Height = Height, Segmenter = "drawn", Frames = [.. Enumerable.Range(0, Frames).Select(Frame)] };
        double[] follows = Errors(track), stands = Errors(track with { Frames = [.. track.Frames.Select(frame => frame with { CameraX = 0, CameraY = 0 })] });
        Assert.That(follows.Max(), Is.LessThan(3), "levels by which pictures differ from the object alone before the wall, on average");
        Assert.That(stands.Average(), Is.GreaterThan(2 * follows.Average()), "as if the camera had stood");

        double[] Errors(ObjectTrack shown)
        {
            string path = Temporary(".avi");
            RegionVideo.Write(Draw(withOthers: true), shown, path, new RegionOptions { View = RegionView.Alone });
            return [.. Read(path).Zip(Read(Draw(withOthers: false)), (mine, truth) => Enumerable.Range(0, truth.Pixels.Length).Average(k => Math.Abs(mine.Pixels[k] - truth.Pixels[k])))];
        }
    }

    [Test]
    public void Still_shows_the_scene_without_the_object_and_at_rest()
    {
        IReadOnlyList<StillFrame> shown = Render(Track(), new RegionOptions { View = RegionView.Still });
        Assert.That(shown, Has.Count.EqualTo(Frames));
        for (int i = 0; i < Frames; i++)
        {
            Assert.That(shown[i].Pixels.SequenceEqual(shown[0].Pixels), Is.True, $"picture {i} moves");
            Assert.That(At(shown[0], X(i) / (Width - 1), 96.0 / (Height - 1)).R, Is.LessThan(120), $"the object of picture {i}");
        }
    }

    [Test]
    public void A_part_of_the_video_begins_where_its_track_does_and_lasts_a_second_at_least()
    {
        IReadOnlyList<StillFrame> shown = Render(Track(20, 30), new RegionOptions { View = RegionView.Without });
        Assert.That(shown, Has.Count.EqualTo(24));
        Assert.That(At(shown[0], X(20) / Width, 0.5), Is.EqualTo((0, 0, 0)));
        Assert.That(At(shown[23], X(29) / Width, 0.5), Is.EqualTo((0, 0, 0)), "the last picture stays");
    }

    [Test]
    public void The_crop_follows_what_travels_and_lets_what_bounces_move()
    {
        ObjectTrack travelling = Track(0, 10);
        CropPath path = CropPath.Of(travelling, RegionView.Masked, (double)Width / Height, 12, 1.1);
        Assert.That(path.At(9).Left - path.At(0).Left, Is.EqualTo(27.0 / Width).Within(0.01));

        TrackedFrame[] bouncing = [.. Enumerable.Range(0, 96).Select(i =>
        {
            double y = 60 + 40 * Math.Abs(Math.Sin(Math.PI * i / 12));
            Mask mask = Disc(128, y, 15);
            return new TrackedFrame { IsSeen = true, X = mask.Centre.X, Y = mask.Centre.Y, Share = mask.Share, Score = 1, Runs = RunLengths.Encode(mask) };
        })];
        path = CropPath.Of(new ObjectTrack { Width = Width, Height = Height, Frames = bouncing }, RegionView.Masked, (double)Width / Height, 12, 1.1);
        double[] seen = [.. Enumerable.Range(24, 48).Select(i => (bouncing[i].Y - path.At(i).Top) / path.Size.Height)];
        Assert.That(seen.Max() - seen.Min(), Is.GreaterThan(0.3), "it moves within the crop");
        Assert.That(Enumerable.Range(0, 96).All(i => Inside(path.At(i), new Mask(Width, Height, RunLengths.Decode(bouncing[i].Runs.Span, Width, Height).Values).Box)));

        static bool Inside((double Left, double Top, double Width, double Height) crop, Reasoning.VideoRegion box) =>
            box.X >= crop.Left - 1e-9 && box.Y >= crop.Top - 1e-9 && box.X + box.Width <= crop.Left + crop.Width + 1e-9 && box.Y + box.Height <= crop.Top + crop.Height + 1e-9;
    }

    [Test]
    public void A_track_of_a_longer_video_and_a_folder_that_is_not_there_are_refused_and_nothing_is_left()
    {
        string path = Temporary(".avi");
        using var cancel = new CancellationTokenSource();
        Assert.That(() => RegionVideo.Write(Video.Value, Track(), Path.Combine(path, "in", "it.avi")), Throws.TypeOf<ProjectException>().With.Message.Contains("cannot be written"));
        Assert.That(() => RegionVideo.Write(Video.Value, Track(), path, null, _ => cancel.Cancel(), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(path)!, Path.GetFileName(path) + "*"), Is.Empty);
        Assert.That(() => RegionVideo.Write(Temporary(".mp4"), Track(), path), Throws.TypeOf<ResourceNotFoundException>());
    }
}
