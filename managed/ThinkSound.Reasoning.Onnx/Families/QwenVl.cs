using ThinkSound.Reasoning.Onnx.Pictures;
using ThinkSound.Reasoning.Onnx.Text;

namespace ThinkSound.Reasoning.Onnx.Families;

/// <summary>Qwen2-VL and Qwen2.5-VL: pictures keep their size, to whole tokens and within limits; patches reach over two frames; tokens
/// have a position in time, row and column.</summary>
internal sealed class QwenVl : ModelFamily
{
    private const string Start = "<|im_start|>", End = "<|im_end|>", VisionStart = "<|vision_start|>", VisionEnd = "<|vision_end|>";
    private const string ImageToken = "<|image_pad|>", VideoToken = "<|video_pad|>";

    /// <summary>More than that from side to side and the reference refuses.</summary>
    private const int SteepestShape = 200;

    private readonly int _imageToken, _videoToken, _patch, _merge, _span;
    private readonly double _positionsPerSecond; // 0 where time counts in steps
    private readonly (long Min, long Max) _picturePixels, _framePixels;
    private readonly bool _resizes;
    private readonly ResampleFilter _filter;
    private readonly PixelScale _scale;

    public QwenVl(ModelFolder folder, ByteLevelTokenizer tokenizer) : base(folder, tokenizer, Start, End, VisionStart, ImageToken, VisionEnd)
    {
        ConfigFile images = folder.Images, vision = folder.Config.RequiredObject("vision_config");
        EndOfTurn = TokenOf(folder, End);
        _imageToken = TokenOf(folder, ImageToken, "image_token_id");
        _videoToken = TokenOf(folder, VideoToken, "video_token_id");
        _patch = images.Size("patch_size", 14);
        _merge = images.Size("merge_size", 2);
        _span = images.Size("temporal_patch_size", 2);
        if (vision.Size("spatial_merge_size", 2) != _merge) throw vision.Fault("spatial_merge_size", $"is not the {_merge} of {images.Path}");
        _positionsPerSecond = folder.Type == "qwen2_5_vl" ? vision.Number("tokens_per_second", 2) : 0;
        _picturePixels = ReadPixels(images, (56 * 56, 28 * 28 * 1280));
        _framePixels = folder.Videos is { } videos ? ReadPixels(videos, (128 * 28 * 28, 28 * 28 * 768)) : _picturePixels;
        _resizes = images.Flag("do_resize", true);
        _filter = ReadFilter(images, ResampleFilter.Bicubic);
        // Of the CLIP that the reference's vision encoder began as.
        _scale = ReadScale(images, [0.48145466f, 0.4578275f, 0.40821073f], [0.26862954f, 0.26130258f, 0.27577711f]);
    }

    private static (long, long) ReadPixels(ConfigFile images, (int Min, int Max) otherwise)
    {
        ConfigFile? size = images.Object("size");
        int min = images.Int("min_pixels", size?.Int("shortest_edge", otherwise.Min) ?? otherwise.Min);
        int max = images.Int("max_pixels", size?.Int("longest_edge", otherwise.Max) ?? otherwise.Max);
        return max >= Math.Max(min, 1) ? (min, max) : throw images.Fault("max_pixels", $"is {max}, less than min_pixels, {min}");
    }

    public override int EndOfTurn { get; }

    protected override bool IsVision(int token) => token == _imageToken || token == _videoToken;

    protected override Positions Place(int length, IReadOnlyList<PlacedVision> vision) => MultimodalPositions.Of(length, vision.Select(placed =>
    {
        var input = (PatchInput)placed.Input;
        double perStep = input.IsVideo && _positionsPerSecond > 0 ? input.SecondsPerStep * _positionsPerSecond : 1;
        return new TokenGrid(placed.Start, input.Times, input.Rows / _merge, input.Columns / _merge, perStep);
    }));

    protected override void Write(IReadOnlyList<Turn> turns, PromptText text, List<VisionInput> vision)
    {
        if (turns[0].Role != "system") text.Template($"{Start}system\nYou are a helpful assistant.{End}\n");
        foreach (Turn turn in turns)
        {
            text.Template($"{Start}{turn.Role}\n");
            foreach (Part part in turn.Parts)
                switch (part)
                {
                    case TextPart said: text.Literal(said.Text); break;
                    case PicturePart picture: Show([picture.Picture], _picturePixels, 0, isVideo: false); break;
                    case VideoPart video: Show(video.Frames, _framePixels, SecondsPerStep(video), isVideo: true); break;
                }
            text.Template(End + "\n");
        }
        text.Template($"{Start}assistant\n");

        void Show(IReadOnlyList<RgbImage> frames, (long Min, long Max) pixels, double secondsPerStep, bool isVideo)
        {
            int factor = _patch * _merge, width = frames[0].Width, height = frames[0].Height;
            if (_resizes) (width, height) = WholeTokens(width, height, factor, pixels.Min, pixels.Max);
            else if (width % factor != 0 || height % factor != 0) throw new MediaException($"a picture of {width} × {height} does not divide into tokens of {factor} × {factor}, and the model's do_resize is off");
            var input = new PatchInput([.. frames.Select(frame => Resampler.Resize(frame, width, height, _filter))], _scale, _patch, _merge, _span, secondsPerStep, isVideo);
            text.Template(VisionStart + Repeat(isVideo ? VideoToken : ImageToken, input.Tokens) + VisionEnd);
            vision.Add(input);
        }
    }

    /// <summary>Frames of a step, by the mean distance of frames; a single frame counts for the reference's 2 frames a second.</summary>
    private double SecondsPerStep(VideoPart video) =>
        _span * (video.Frames.Count > 1 ? (video.Times[^1] - video.Times[0]) / (video.Frames.Count - 1) : 0.5);

    /// <summary>Both sides become multiples of <paramref name="factor"/>, with the shape kept as well as may be and the number of pixels
    /// brought within the limits. Halves round to even, as the reference's do.</summary>
    public static (int Width, int Height) WholeTokens(int width, int height, int factor, long minPixels, long maxPixels)
    {
        if (Math.Max(width, height) > SteepestShape * (long)Math.Min(width, height))
            throw new MediaException($"a picture of {width} × {height} is more than {SteepestShape} times longer one way than the other");
        double toWidth = Math.Round((double)width / factor) * factor, toHeight = Math.Round((double)height / factor) * factor;
        if (toWidth * toHeight > maxPixels)
        {
            double shrink = Math.Sqrt((double)width * height / maxPixels);
            toWidth = Math.Max(factor, Math.Floor(width / shrink / factor) * factor);
            toHeight = Math.Max(factor, Math.Floor(height / shrink / factor) * factor);
        }
        else if (toWidth * toHeight < minPixels)
        {
            double grow = Math.Sqrt(minPixels / ((double)width * height));
            toWidth = Math.Ceiling(width * grow / factor) * factor;
            toHeight = Math.Ceiling(height * grow / factor) * factor;
        }
        return ((int)toWidth, (int)toHeight);
    }
}
