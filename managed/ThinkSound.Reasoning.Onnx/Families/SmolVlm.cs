using System.Globalization;
using ThinkSound.Reasoning.Onnx.Pictures;
using ThinkSound.Reasoning.Onnx.Text;

namespace ThinkSound.Reasoning.Onnx.Families;

/// <summary>SmolVLM, SmolVLM2 and Idefics3: a picture is scaled to a longest edge, stretched to whole tiles, and shown tile by tile and
/// once as a whole; a frame of a video once, with its time. Each tile is a fixed number of tokens.</summary>
internal sealed class SmolVlm : ModelFamily
{
    /// <summary>No side is longer than that, whatever the folder says (MAX_IMAGE_SIZE of the reference).</summary>
    private const int LargestSide = 4096;

    private const string Start = "<|im_start|>", ImageToken = "<image>", Around = "<fake_token_around_image>", Whole = "<global-img>", End = "<end_of_utterance>";

    private readonly int _imageToken, _tile, _longestEdge, _longestFrameEdge, _tokensPerTile;
    private readonly bool _resizes, _splits;
    private readonly ResampleFilter _filter;
    private readonly PixelScale _scale;

    public SmolVlm(ModelFolder folder, ByteLevelTokenizer tokenizer, OnnxModelOptions options) : base(folder, tokenizer, Start, ImageToken, End)
    {
        ConfigFile images = folder.Images, vision = folder.Config.RequiredObject("vision_config");
        TokenOf(folder, Around);
        _imageToken = TokenOf(folder, ImageToken, "image_token_id");
        EndOfTurn = TokenOf(folder, End);
        _tile = images.RequiredObject("max_image_size").Size("longest_edge");
        _longestEdge = images.RequiredObject("size").Size("longest_edge");
        _longestFrameEdge = images.Object("video_sampling")?.Object("video_size")?.Size("longest_edge") ?? folder.Videos?.Object("size")?.Size("longest_edge") ?? _tile;
        _resizes = images.Flag("do_resize", true);
        _splits = options.SplitImages ?? images.Flag("do_image_splitting", true);
        _filter = ReadFilter(images, ResampleFilter.Lanczos);
        _scale = ReadScale(images, [0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]);
        // Patches of a tile, a square of scale_factor to each token.
        int perSide = vision.Size("image_size", _tile) / vision.Size("patch_size") / folder.Config.Size("scale_factor", 2);
        _tokensPerTile = folder.Processor?.Int("image_seq_len", perSide * perSide) ?? perSide * perSide;
        if (_tokensPerTile == 0) throw vision.Fault("image_size", "leaves no token to a picture");
    }

    public override int EndOfTurn { get; }

    protected override bool IsVision(int token) => token == _imageToken;

    protected override Positions Place(int length, IReadOnlyList<PlacedVision> vision) =>
        new([.. Enumerable.Range(0, length).Select(i => (long)i)], 1, length);

    protected override void Write(IReadOnlyList<Turn> turns, PromptText text, List<VisionInput> vision)
    {
        text.Template(Start);
        foreach (Turn turn in turns)
        {
            text.Template(char.ToUpperInvariant(turn.Role[0]) + turn.Role[1..] + (turn.Parts is [PicturePart, ..] ? ":" : ": "));
            foreach (Part part in turn.Parts)
                switch (part)
                {
                    case TextPart said: text.Literal(said.Text); break;
                    case PicturePart picture: WritePicture(picture.Picture, text, vision); break;
                    case VideoPart video: WriteVideo(video, text, vision); break;
                }
            text.Template(End + "\n");
        }
        text.Template("Assistant:");
    }

    private void WritePicture(RgbImage picture, PromptText text, List<VisionInput> vision)
    {
        (List<RgbImage> tiles, int rows, int columns) = Cut(picture);
        string tokens = Repeat(ImageToken, _tokensPerTile);
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                text.Template(string.Create(CultureInfo.InvariantCulture, $"{Around}<row_{row + 1}_col_{column + 1}>{tokens}"));
            text.Template("\n");
        }
        if (rows > 0) text.Template("\n");
        text.Template(Around + Whole + tokens + Around);
        vision.AddRange(tiles.Select(tile => new TileInput(tile, _scale, _tokensPerTile)));
    }

    private void WriteVideo(VideoPart video, PromptText text, List<VisionInput> vision)
    {
        string duration = TimeSpan.FromSeconds(Math.Floor(video.Duration)).ToString(@"h\:mm\:ss", CultureInfo.InvariantCulture);
        text.Template($"You are provided the following series of {NumberWords.Of(video.Frames.Count)} frames from a {duration} [H:MM:SS] video.\n");
        for (int i = 0; i < video.Frames.Count; i++)
        {
            int seconds = (int)video.Times[i];
            text.Template(string.Create(CultureInfo.InvariantCulture, $"\nFrame from {seconds / 60:d2}:{seconds % 60:d2}:"));
            text.Template(Around + Whole + Repeat(ImageToken, _tokensPerTile) + Around);
            RgbImage frame = _resizes ? ToLongestEdge(video.Frames[i], _longestFrameEdge) : video.Frames[i];
            vision.Add(new TileInput(Resampler.Resize(frame, _tile, _tile, _filter), _scale, _tokensPerTile));
        }
        text.Template("\n\n");
    }

    /// <summary>The tiles of a picture row by row and the whole picture last; no rows where the whole is all there is.</summary>
    public (List<RgbImage> Tiles, int Rows, int Columns) Cut(RgbImage picture)
    {
        if (_resizes) picture = ToLongestEdge(picture, _longestEdge);
        if (!_splits) return ([Resampler.Resize(picture, _tile, _tile, _filter)], 0, 0);

        (int width, int height) = WholeTiles(picture.Width, picture.Height, _tile);
        picture = Resampler.Resize(picture, width, height, _filter);
        if (width <= _tile && height <= _tile) return ([picture], 0, 0);
        int rows = height / _tile, columns = width / _tile;
        var tiles = new List<RgbImage>();
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) tiles.Add(picture.Crop(column * _tile, row * _tile, _tile, _tile));
        tiles.Add(Resampler.Resize(picture, _tile, _tile, _filter));
        return (tiles, rows, columns);
    }

    private RgbImage ToLongestEdge(RgbImage picture, int edge)
    {
        (int width, int height) = LongestEdge(picture.Width, picture.Height, edge);
        return Resampler.Resize(picture, width, height, _filter);
    }

    /// <summary>The longer side becomes <paramref name="edge"/>, the other one keeps the shape and is even.</summary>
    public static (int Width, int Height) LongestEdge(int width, int height, int edge)
    {
        double aspect = (double)width / height;
        if (width >= height) (width, height) = (edge, Even((int)(edge / aspect)));
        else (width, height) = (Even((int)(edge * aspect)), edge);
        (width, height) = (Math.Max(width, 1), Math.Max(height, 1));
        if (Math.Max(width, height) <= LargestSide) return (width, height);
        aspect = (double)width / height;
        return width >= height ? (LargestSide, Math.Max(1, (int)(LargestSide / aspect))) : (Math.Max(1, (int)(LargestSide * aspect)), LargestSide);

        static int Even(int length) => length + length % 2;
    }

    /// <summary>The longer side rounded up to whole tiles; the other one follows the shape and is rounded up too.</summary>
    public static (int Width, int Height) WholeTiles(int width, int height, int tile)
    {
        double aspect = (double)width / height;
        if (width >= height)
        {
            width = Up(width);
            return (width, Up((int)(width / aspect)));
        }
        height = Up(height);
        return (Up((int)(height * aspect)), height);

        int Up(int length) => Math.Max(1, (length + tile - 1) / tile) * tile;
    }
}
