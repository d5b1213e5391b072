using Microsoft.ML.OnnxRuntime;
using OpenCvSharp;
using ThinkSound.Bundles;
using ThinkSound.Projects;

namespace ThinkSound.Objects;

/// <summary>SAM 2 (Ravi et al., 2024) as its usual exports have it: an encoder of pictures and a decoder of prompts, two ONNX files of
/// one folder. It looks at one picture at a time; between two looks the tracker follows the mask. Any thread; one call at a time.</summary>
/// <remarks><code>
/// encoder   image [1, 3, S, S]                                         → image_embed, high_res_feats_0, high_res_feats_1
/// decoder   those, point_coords [1, N, 2], point_labels [1, N],
///           mask_input [1, 1, S/4, S/4], has_mask_input [1]            → masks [1, M, h, w] (above 0 inside), iou_predictions [1, M]
/// </code>
/// A picture is scaled to S × S whatever its shape, in RGB less the mean of ImageNet over its deviation. Labels: 1 on the object, 0
/// beside it, 2 and 3 two corners of a box.</remarks>
public sealed class Sam2Segmenter : ISegmenter, IDisposable
{
    private static readonly string[] Embeddings = ["image_embed", "high_res_feats_0", "high_res_feats_1"];
    private static readonly string[] Prompts = ["point_coords", "point_labels", "mask_input", "has_mask_input"];
    private static readonly string[] Answers = ["masks", "iou_predictions"];
    private static readonly float[] Mean = [0.485f, 0.456f, 0.406f], Deviation = [0.229f, 0.224f, 0.225f]; // of ImageNet

    private readonly Sam2Graph _encoder, _decoder;
    private readonly int _side;

    private Sam2Segmenter(Sam2Graph encoder, Sam2Graph decoder, int side, string name) => (_encoder, _decoder, _side, Name) = (encoder, decoder, side, name);

    /// <summary>Loads the model of a folder.</summary>
    /// <param name="folder">Holds one file that ends in encoder.onnx and one that ends in decoder.onnx.</param>
    /// <param name="threads">Of ONNX Runtime; 0 is one per core.</param>
    /// <exception cref="ObjectException">It is incomplete, or holds something else.</exception>
    public static Sam2Segmenter Load(string folder, int threads = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        VisionLibrary.EnsureLoaded();
        if (!Directory.Exists(folder)) throw new ObjectException($"{folder} is not a folder; a SAM 2 is one with *encoder.onnx and *decoder.onnx");
        (string? encoderFile, string? decoderFile) = (Find("encoder"), Find("decoder"));
        string[] missing = [.. new[] { encoderFile is null ? "*encoder.onnx" : null, decoderFile is null ? "*decoder.onnx" : null }.OfType<string>()];
        if (missing.Length > 0) throw new ObjectException($"{folder} is incomplete; missing: {string.Join(", ", missing)}");
        var encoder = new Sam2Graph(encoderFile!, threads, ["image"], Embeddings);
        try
        {
            if (encoder.ShapeOf("image") is not [_, 3, var height, var width] || height != width || height is < 16 or > 4096)
                throw new ObjectException($"{encoderFile}: the input image is {string.Join(" × ", encoder.ShapeOf("image"))}, not 1 × 3 × side × side");
            var decoder = new Sam2Graph(decoderFile!, threads, [.. Embeddings, .. Prompts], Answers);
            return new Sam2Segmenter(encoder, decoder, height, $"sam2:{FileFingerprint.Of(encoderFile!)[..8]}{FileFingerprint.Of(decoderFile!)[..8]}");
        }
        catch
        {
            encoder.Dispose();
            throw;
        }

        string? Find(string part)
        {
            string[] there = Directory.GetFiles(folder, $"*{part}.onnx");
            return there.Length <= 1 ? there.FirstOrDefault() : throw new ObjectException($"{folder} has several files {part}.onnx ({string.Join(", ", there.Select(Path.GetFileName).Order())}); keep one model a folder");
        }
    }

    /// <summary>"sam2:" and what tells its files from those of another.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public bool CorrectsTracks => true;

    /// <inheritdoc/>
    public Mask Segment(StillFrame frame, ObjectSelection selection, Surroundings? around, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentNullException.ThrowIfNull(selection);
        selection.Check();
        var (points, labels) = PromptOf(selection);
        int low = _side / 4;
        using OrtValue image = Sam2Graph.Tensor(PixelsOf(frame), 1, 3, _side, _side);
        IReadOnlyList<OrtValue> seen = _encoder.Run([("image", image)], Embeddings, cancellationToken);
        try
        {
            using OrtValue coords = Sam2Graph.Tensor(points, 1, labels.Length, 2), kinds = Sam2Graph.Tensor(labels, 1, labels.Length),
                           before = Sam2Graph.Tensor(new float[low * low], 1, 1, low, low), hasBefore = Sam2Graph.Tensor([0], 1);
            List<(string, OrtValue)> inputs = [.. Embeddings.Zip(seen), ("point_coords", coords), ("point_labels", kinds), ("mask_input", before), ("has_mask_input", hasBefore)];
            using OrtValue size = OrtValue.CreateTensorValueFromMemory(new[] { frame.Height, frame.Width }, [2L]);
            if (_decoder.Has("orig_im_size")) inputs.Add(("orig_im_size", size)); // of exports that scale back by themselves
            IReadOnlyList<OrtValue> answers = _decoder.Run(inputs, Answers, cancellationToken);
            try
            {
                return Best(answers[0], answers[1], frame.Width, frame.Height);
            }
            finally
            {
                foreach (OrtValue value in answers) value.Dispose();
            }
        }
        finally
        {
            foreach (OrtValue value in seen) value.Dispose();
        }
    }

    /// <summary>Gives the model back.</summary>
    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
    }

    private (float[] Points, float[] Labels) PromptOf(ObjectSelection selection)
    {
        var prompts = new List<(double X, double Y, float Label)>();
        if (selection.Box is { } box) prompts.AddRange([(box.X, box.Y, 2f), (box.X + box.Width, box.Y + box.Height, 3f)]);
        prompts.AddRange(selection.Points.Select(click => (click.X, click.Y, click.IsOn ? 1f : 0f)));
        return ([.. prompts.SelectMany(prompt => new[] { (float)(prompt.X * _side), (float)(prompt.Y * _side) })], [.. prompts.Select(prompt => prompt.Label)]);
    }

    /// <summary>[3, side, side].</summary>
    private float[] PixelsOf(StillFrame frame)
    {
        using Mat rgb = Mat.FromPixelData(frame.Height, frame.Width, MatType.CV_8UC3, frame.Bytes), scaled = new();
        Cv2.Resize(rgb, scaled, new Size(_side, _side), 0, 0, InterpolationFlags.Linear);
        scaled.GetArray(out Vec3b[] pixels);
        var values = new float[3 * pixels.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            values[i] = (pixels[i].Item0 / 255f - Mean[0]) / Deviation[0];
            values[pixels.Length + i] = (pixels[i].Item1 / 255f - Mean[1]) / Deviation[1];
            values[2 * pixels.Length + i] = (pixels[i].Item2 / 255f - Mean[2]) / Deviation[2];
        }
        return values;
    }

    /// <summary>The mask that the model thinks best of, at the picture's size.</summary>
    private static Mask Best(OrtValue masks, OrtValue scores, int width, int height)
    {
        long[] shape = masks.GetTensorTypeAndShape().Shape;
        ReadOnlySpan<float> quality = scores.GetTensorDataAsSpan<float>(), values = masks.GetTensorDataAsSpan<float>();
        if (shape is not [1, var count, var rows, var columns] || count != quality.Length || rows <= 0 || columns <= 0)
            throw new ObjectException($"the decoder's masks are {string.Join(" × ", shape)} with {quality.Length} scores, not 1 × masks × height × width with one each");
        int best = 0;
        for (int i = 1; i < quality.Length; i++)
            if (quality[i] > quality[best]) best = i;
        float[] logits = values.Slice(checked((int)(best * rows * columns)), checked((int)(rows * columns))).ToArray();
        using Mat small = Mat.FromPixelData((int)rows, (int)columns, MatType.CV_32FC1, logits), large = new();
        Cv2.Resize(small, large, new Size(width, height), 0, 0, InterpolationFlags.Linear);
        large.GetArray(out float[] scaled);
        return new Mask(width, height, [.. scaled.Select(logit => logit > 0 ? (byte)1 : (byte)0)]);
    }
}
