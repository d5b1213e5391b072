using SkiaSharp;
using ThinkSound.Projects;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Onnx.Tests.Models;
using static ThinkSound.Objects.Tests.DrawnVideo;

namespace ThinkSound.Objects.Tests;

/// <summary>SAM 2 with graphs of its names and shapes that are small enough to know what they answer: three discs about the last prompt,
/// of which the second is rated best, as large as the picture's mean red is bright.</summary>
internal sealed class Sam2Tests
{
    private const int Side = 64, Out = 32;

    [OneTimeSetUp]
    public void Libraries() => Require();

    private static string Folder(bool hasEncoder = true, bool hasDecoder = true, string masks = "masks")
    {
        string folder = Directory.CreateDirectory(Temporary("")).FullName;
        if (hasEncoder) WriteEncoder(Path.Combine(folder, "tiny.encoder.onnx"));
        if (hasDecoder) WriteDecoder(Path.Combine(folder, "tiny.decoder.onnx"), masks);
        return folder;
    }

    private static void WriteEncoder(string path)
    {
        var file = new OnnxFile();
        file.Input("image", Element.F32, 1, 3, Side, Side);
        foreach (var (name, factor) in (IEnumerable<(string, int)>)[("image_embed", 16), ("high_res_feats_0", 4), ("high_res_feats_1", 8)])
        {
            file.Output(name, Element.F32, 1, 3, Side / factor, Side / factor);
            file.Node("AveragePool", ["image"], name, ("kernel_shape", new long[] { factor, factor }), ("strides", new long[] { factor, factor }));
        }
        file.Save(path);
    }

    private static void WriteDecoder(string path, string masks)
    {
        var file = new OnnxFile();
        foreach (var (name, factor) in (IEnumerable<(string, int)>)[("image_embed", 16), ("high_res_feats_0", 4), ("high_res_feats_1", 8)])
            file.Input(name, Element.F32, 1, 3, Side / factor, Side / factor);
        file.Input("point_coords", Element.F32, 1, "points", 2);
        file.Input("point_labels", Element.F32, 1, "points");
        file.Input("mask_input", Element.F32, 1, 1, Side / 4, Side / 4);
        file.Input("has_mask_input", Element.F32, 1);
        file.Output(masks, Element.F32, 1, 3, Out, Out);
        file.Output("iou_predictions", Element.F32, 1, 3);
        // The last point, in pixels of the model's picture; those of the mask lie twice as far apart.
        string last = file.Node("Gather", ["point_coords", file.Constant(-1L)], ("axis", 1));
        string px = file.Node("Gather", [last, file.Constant(0L)], ("axis", 1)), py = file.Node("Gather", [last, file.Constant(1L)], ("axis", 1));
        float[] places = [.. Enumerable.Range(0, Out).Select(i => (i + 0.5f) * Side / Out)];
        string dx = file.Node("Sub", [file.Constant(places, 1, 1, 1, Out), px]), dy = file.Node("Sub", [file.Constant(places, 1, 1, Out, 1), py]);
        string distance = file.Node("Add", [file.Node("Mul", [dx, dx]), file.Node("Mul", [dy, dy])]);
        string red = file.Node("Slice", ["image_embed", file.List(0), file.List(1), file.List(1)]);
        string bright = file.Node("Sigmoid", [file.Node("ReduceMean", [red], ("axes", new long[] { 2, 3 }), ("keepdims", 1))]);
        string radii = file.Node("Mul", [file.Constant([25f, 400f, 900f], 1, 3, 1, 1), bright]);
        file.Node("Sub", [radii, distance], masks);
        // The scores use labels and the mask input, so that a graph which is not given them would fail.
        string labels = file.Node("ReduceMax", ["point_labels"], ("keepdims", 1)), none = file.Node("Mul", [file.Node("ReduceMax", ["mask_input"], ("keepdims", 0)), "has_mask_input"]);
        string zero = file.Node("Mul", [file.Node("Add", [labels, none]), file.Constant(0f)]);
        file.Node("Add", [file.Constant([0.2f, 0.9f, 0.5f], 1, 3), zero], "iou_predictions");
        file.Save(path);
    }

    private static StillFrame Grey(byte level) => new(128, 96, [.. Enumerable.Repeat(level, 3 * 128 * 96)]);

    [Test]
    public void A_click_goes_to_its_place_and_the_best_mask_comes_back_at_the_pictures_size()
    {
        using var segmenter = Sam2Segmenter.Load(Folder(), threads: 1);
        Mask mask = segmenter.Segment(Grey(200), new ObjectSelection { Points = [new ClickPoint(0.75, 0.5)] }, null);
        double mean = (200 / 255.0 - 0.485) / 0.229, radius = Math.Sqrt(400 / (1 + Math.Exp(-mean))); // in pixels of 64 × 64
        Assert.That((mask.Width, mask.Height), Is.EqualTo((128, 96)));
        Assert.That((mask.Centre.Y, mask.Box.X), Is.EqualTo((0.5, 0.75 - radius / Side)).Within(0.03));
        Assert.That(mask.Box.Height * Side, Is.EqualTo(2 * radius).Within(2.1));
        Mask darker = segmenter.Segment(Grey(20), new ObjectSelection { Points = [new ClickPoint(0.5, 0.5)] }, null);
        Assert.That(darker.Area, Is.LessThan(mask.Area));
    }

    [Test]
    public void A_box_is_two_corners_before_the_clicks()
    {
        using var segmenter = Sam2Segmenter.Load(Folder(), threads: 1);
        Mask corner = segmenter.Segment(Grey(200), new ObjectSelection { Box = new VideoRegion(0.1, 0.1, 0.4, 0.4) }, null);
        Assert.That((corner.Centre.X, corner.Centre.Y), Is.EqualTo((0.5, 0.5)).Within(0.03)); // the last prompt is its lower right corner
        Mask click = segmenter.Segment(Grey(200), new ObjectSelection { Box = new VideoRegion(0.1, 0.1, 0.4, 0.4), Points = [new ClickPoint(0.4, 0.5)] }, null);
        Assert.That(click.Centre.X, Is.EqualTo(0.4).Within(0.03));
    }

    [Test]
    public async Task A_tracker_follows_what_it_found()
    {
        string video = Write(36, (canvas, i) =>
        {
            Background(canvas, new SKColor(90, 120, 110));
            Ball(canvas, 80 + 2 * i, 90, 40, new SKColor(205, 60, 40));
        });
        using var segmenter = Sam2Segmenter.Load(Folder(), threads: 1);
        ObjectTrack track = await new ObjectTracker(segmenter).TrackAsync(video, Click(80, 90, 0));
        Assert.That((track.Segmenter, track.SeenShare), Is.EqualTo((segmenter.Name, 1.0)));
        Assert.That(segmenter.Name, Does.Match("^sam2:[0-9a-f]{16}$"));
        Assert.That(track.Frames[^1].X * Width, Is.EqualTo(150).Within(12));
    }

    [Test]
    public void A_folder_that_is_no_model_says_what_is_missing()
    {
        Refused("is not a folder", Temporary(""));
        Refused("incomplete; missing: *encoder.onnx, *decoder.onnx", Folder(false, false));
        Refused("incomplete; missing: *decoder.onnx", Folder(hasDecoder: false));
        Refused("it lacks masks; it has", Folder(masks: "low_res_masks"));
        string damaged = Folder();
        File.WriteAllText(Path.Combine(damaged, "tiny.encoder.onnx"), "no graph");
        Refused("tiny.encoder.onnx cannot be loaded", damaged);
        string two = Folder();
        File.Copy(Path.Combine(two, "tiny.encoder.onnx"), Path.Combine(two, "other.encoder.onnx"));
        Refused("keep one model a folder", two);

        static void Refused(string why, string folder) => Assert.That(() => Sam2Segmenter.Load(folder), Throws.TypeOf<ObjectException>().With.Message.Contains(why));
    }
}
