using ThinkSound.Projects;

namespace ThinkSound.Objects.Tests;

internal sealed class MaskTests
{
    private static Mask Random(int seed, int width = 37, int height = 23, double share = 0.1)
    {
        var random = new Random(seed);
        return new Mask(width, height, [.. Enumerable.Range(0, width * height).Select(_ => random.NextDouble() < share ? (byte)7 : (byte)0)]);
    }

    [Test]
    public void Area_box_and_centre_are_those_of_a_rectangle()
    {
        Mask mask = Mask.OfPolygon([new(0.25, 0.5), new(0.75, 0.5), new(0.75, 1), new(0.25, 1)], 16, 8);
        Assert.That((mask.Area, mask.Left, mask.Top, mask.Right, mask.Bottom), Is.EqualTo((32, 4, 4, 12, 8)));
        Assert.That(mask.Centre, Is.EqualTo(new PicturePoint(0.5, 0.75)));
        Assert.That((mask.Box.X, mask.Box.Width, mask.Share), Is.EqualTo((0.25, 0.5, 0.25)));
    }

    [Test]
    public void A_triangle_has_half_the_area_of_its_rectangle()
    {
        Mask mask = Mask.OfPolygon([new(0, 0), new(1, 0), new(0, 1)], 200, 100);
        Assert.That(mask.Share, Is.EqualTo(0.5).Within(0.01));
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(7)]
    public void Grown_masks_hold_every_pixel_within_the_radius_and_no_other(int radius)
    {
        Mask mask = Random(radius, share: 0.02), grown = mask.Dilate(radius);
        for (int y = 0; y < mask.Height; y++)
            for (int x = 0; x < mask.Width; x++)
            {
                bool isNear = false;
                for (int v = 0; v < mask.Height && !isNear; v++)
                    for (int u = 0; u < mask.Width && !isNear; u++)
                        isNear = mask.Values[v * mask.Width + u] != 0 && (u - x) * (u - x) + (v - y) * (v - y) <= radius * radius;
                Assert.That(grown.Values[y * mask.Width + x] != 0, Is.EqualTo(isNear), $"{x}, {y}");
            }
    }

    [Test]
    public void Overlap_is_intersection_over_union()
    {
        Mask left = Mask.OfPolygon([new(0, 0), new(0.5, 0), new(0.5, 1), new(0, 1)], 8, 4), middle = Mask.OfPolygon([new(0.25, 0), new(0.75, 0), new(0.75, 1), new(0.25, 1)], 8, 4);
        Assert.That(left.Overlap(middle), Is.EqualTo(1 / 3.0).Within(1e-12));
        Assert.That(() => left.Overlap(Random(1)), Throws.ArgumentException);
    }

    [Test]
    public void Runs_come_back_as_the_mask_and_damaged_ones_are_refused()
    {
        foreach (Mask mask in (Mask[])[Random(1), Random(2, share: 0.9), new(5, 3, new byte[15]), new(5, 3, [.. Enumerable.Repeat((byte)1, 15)]), Random(3, 640, 2, 0.002)])
            Assert.That(RunLengths.Decode(RunLengths.Encode(mask), mask.Width, mask.Height).Values.SequenceEqual(mask.Values));
        Assert.That(() => RunLengths.Decode([0x80], 4, 4), Throws.TypeOf<FormatException>());
        Assert.That(() => RunLengths.Decode([17], 4, 4), Throws.TypeOf<FormatException>());
        Assert.That(() => RunLengths.Decode([0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], 4, 4), Throws.TypeOf<FormatException>());
    }

    [Test]
    public void A_track_file_comes_back_and_a_damaged_one_is_named()
    {
        Mask mask = Random(4);
        var seen = new TrackedFrame { IsSeen = true, X = 0.25, Y = 0.5, Share = mask.Share, Score = 0.9, CameraX = -1.5, CameraY = 0.25, Runs = RunLengths.Encode(mask) };
        ObjectTrack track = ObjectTrack.Of(12, [seen with { IsSeen = false, Runs = default }, seen, seen with { IsSeen = false, Runs = default }, seen], mask.Width, mask.Height, "classical", true, false);
        Assert.That(track.Events.Select(e => e.Kind), Is.EqualTo([TrackEventKind.CutBefore, TrackEventKind.Appears, TrackEventKind.Lost, TrackEventKind.Found]));
        byte[] bytes = ObjectTrackFile.Write(track);
        ObjectTrack again = ObjectTrackFile.Read(bytes, "track");
        Assert.That(ObjectTrackFile.Write(again), Is.EqualTo(bytes));
        Assert.That(again.MaskOf(0)!.Values.SequenceEqual(mask.Values));
        Assert.That(again.MaskOf(1), Is.Null);
        Assert.That(again.Start.TotalSeconds, Is.EqualTo(13 / 24.0).Within(1e-6));
        Assert.That((again.Frames[0].CameraX, again.Frames[0].CameraY), Is.EqualTo((-1.5, 0.25)));
        string json = System.Text.Encoding.UTF8.GetString(bytes);
        foreach (string text in (string[])["", "{}", "[1]", json.Replace("\"width\":37", "\"width\":3"), json.Replace("\"camera_x\":-1.5", "\"camera_x\":-1e300")])
            Assert.That(() => ObjectTrackFile.Read(System.Text.Encoding.UTF8.GetBytes(text), "kept.bin"), Throws.TypeOf<ProjectException>().With.Message.Contains("kept.bin: is no track"));
    }
}
