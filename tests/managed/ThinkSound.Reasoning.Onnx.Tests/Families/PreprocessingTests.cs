using ThinkSound.Reasoning.Onnx.Families;
using ThinkSound.Reasoning.Onnx.Pictures;
using ThinkSound.Reasoning.Onnx.Tests.Models;
using ThinkSound.Reasoning.Onnx.Text;

namespace ThinkSound.Reasoning.Onnx.Tests.Families;

/// <summary>What becomes of a picture, against values worked out by hand from the reference's rules.</summary>
public class PreprocessingTests
{
    // The longer side becomes the edge; the other one is cut to a whole number and made even.
    [TestCase(1280, 720, 2048, 2048, 1152)]  // 2048 · 720 / 1280
    [TestCase(720, 1280, 2048, 1152, 2048)]
    [TestCase(100, 301, 64, 22, 64)]         // 64 · 100 / 301 = 21.26 → 21 → 22
    [TestCase(1000, 10, 64, 64, 1)]          // 0.64 → 0, which is even, but 1 is the least
    [TestCase(30, 20, 8192, 4096, 2731)]     // 8192 × 5461 → 5462, and down to 4096: 4096 · 5462 / 8192
    public void SmolVLM_scales_to_the_longest_edge(int width, int height, int edge, int toWidth, int toHeight) =>
        Assert.That(SmolVlm.LongestEdge(width, height, edge), Is.EqualTo((toWidth, toHeight)));

    [TestCase(2048, 1152, 512, 2048, 1536)]  // 1152 is 2.25 tiles
    [TestCase(300, 500, 512, 512, 512)]      // 512 · 300 / 500 = 307
    [TestCase(64, 22, 32, 64, 32)]
    [TestCase(65, 22, 32, 96, 32)]           // 96 · 22 / 65 = 32.49 → 32
    public void SmolVLM_stretches_to_whole_tiles(int width, int height, int tile, int toWidth, int toHeight) =>
        Assert.That(SmolVlm.WholeTiles(width, height, tile), Is.EqualTo((toWidth, toHeight)));

    // Multiples of 28, within 56² = 3136 and 28² · 1280 = 1 003 520 pixels.
    [TestCase(1280, 720, 1288, 728)]   // 45.7 → 46, 25.7 → 26
    [TestCase(42, 70, 56, 56)]         // 1.5 → 2, 2.5 → 2: halves go to the even one
    [TestCase(4000, 3000, 1148, 840)]  // √(12 000 000 / 1 003 520) = 3.458: 1156.7 / 28 = 41.3 → 41, 867.5 / 28 = 30.98 → 30
    [TestCase(20, 10, 84, 56)]         // √(3136 / 200) = 3.96: 79.2 / 28 = 2.8 → 3, 39.6 / 28 = 1.4 → 2
    [TestCase(14, 2000, 28, 672)]      // 0.5 → 0 columns is too little: √(3136 / 28 000) = 0.335: 4.7 → 1, 669.3 / 28 = 23.9 → 24
    public void Qwen_rounds_to_whole_tokens_within_its_limits(int width, int height, int toWidth, int toHeight) =>
        Assert.That(QwenVl.WholeTokens(width, height, 28, 3136, 1003520), Is.EqualTo((toWidth, toHeight)));

    [Test]
    public void Qwen_refuses_a_line() =>
        Assert.That(() => QwenVl.WholeTokens(2010, 10, 28, 3136, 1003520), Throws.InstanceOf<MediaException>().With.Message.Contain("2010 × 10"));

    [Test]
    public void Bytes_become_numbers_by_factor_mean_and_deviation()
    {
        var scale = new PixelScale(1 / 255.0, [0.5f, 0.25f, 0], [0.5f, 0.25f, 2]);
        Assert.That(new[] { scale[0, 0], scale[0, 255], scale[1, 51], scale[2, 255] }, Is.EqualTo(new[] { -1f, 1f, -0.2f, 0.5f }).Within(1e-7));
        var planes = new float[12];
        scale.WritePlanes(new RgbImage(2, 2, [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255]), planes);
        Assert.That(planes, Is.EqualTo(new[] { -1f, 1, -1, -1, -1, -1, 3, -1, 0, 0, 0, 0.5f }).Within(1e-7));
    }

    [Test]
    public void SmolVLM_shows_tiles_row_by_row_and_then_the_whole()
    {
        // 64 × 32 is two tiles as it is: the left one dark, the right one bright, and the whole with both.
        var pixels = new byte[3 * 64 * 32];
        for (int i = 0; i < 64 * 32; i++) pixels.AsSpan(3 * i, 3).Fill((byte)(i % 64 < 32 ? 51 : 204));
        (List<RgbImage> tiles, int rows, int columns) = Smol().Cut(new RgbImage(64, 32, pixels));
        Assert.That((tiles.Count, rows, columns), Is.EqualTo((3, 1, 2)));
        Assert.That(tiles.Select(tile => (tile.Width, tile.Height)), Is.All.EqualTo((32, 32)));
        Assert.That(tiles[0].Pixels, Is.All.EqualTo(51));
        Assert.That(tiles[1].Pixels, Is.All.EqualTo(204));
        Assert.That((tiles[2].Pixels[0], tiles[2].Pixels[^1]), Is.EqualTo(((byte)51, (byte)204)));

        var written = new float[3 * 32 * 32];
        new TileInput(tiles[0], new PixelScale(1 / 255.0, [0.5f, 0.5f, 0.5f], [0.5f, 0.5f, 0.5f]), 4).Write(written);
        Assert.That(written, Is.All.EqualTo(-0.6f).Within(1e-6), "(51 / 255 − 0.5) / 0.5");
    }

    [TestCase(40, 40, 5, 2, 2)]   // 64 × 64: four tiles and the whole
    [TestCase(100, 10, 3, 1, 2)]  // 64 × 6 → 64 × 32
    public void SmolVLM_cuts_what_is_larger_than_a_tile(int width, int height, int tiles, int rows, int columns)
    {
        (List<RgbImage> cut, int toRows, int toColumns) = Smol().Cut(new RgbImage(width, height, TinyModels.Pixels(width, height, 0)));
        Assert.That((cut.Count, toRows, toColumns), Is.EqualTo((tiles, rows, columns)));
    }

    [Test]
    public void SmolVLM_shows_one_square_where_the_folder_or_the_option_says_so()
    {
        var picture = new RgbImage(64, 32, TinyModels.Pixels(64, 32, 0));
        (List<RgbImage> tiles, int rows, int columns) = Smol(new OnnxModelOptions { SplitImages = false }).Cut(picture);
        Assert.That((tiles.Count, rows, columns), Is.EqualTo((1, 0, 0)));
        Assert.That(tiles[0].Pixels, Is.EqualTo(Resampler.Resize(picture, 32, 32, ResampleFilter.Lanczos).Pixels));

        string folder = TinyModels.CopyOf(new TinyModel("smolvlm"));
        string file = Path.Combine(folder, "preprocessor_config.json");
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"do_image_splitting\":true", "\"do_image_splitting\":false"));
        Assert.That(Smol(null, folder).Cut(picture).Tiles, Has.Count.EqualTo(1));
    }

    [Test]
    public void Patches_that_become_one_token_follow_each_other()
    {
        // 4 × 4 pixels, a patch to each: red says which, green is 100, blue 200. A patch reaches over two frames; a picture is both of them.
        var pixels = new byte[48];
        for (int i = 0; i < 16; i++) (pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]) = ((byte)i, 100, 200);
        var input = new PatchInput([new RgbImage(4, 4, pixels)], new PixelScale(1, [0, 0, 0], [1, 1, 1]), patch: 1, merge: 2, span: 2, secondsPerStep: 0, isVideo: false);
        Assert.That((input.Times, input.Rows, input.Columns, input.Tokens), Is.EqualTo((1, 4, 4, 4)));
        Assert.That(input.Shape, Is.EqualTo(new long[] { 16, 6 }));
        var written = new float[96];
        input.Write(written);
        float[] order = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15];
        Assert.That(written, Is.EqualTo(order.SelectMany(i => (float[])[i, i, 100, 100, 200, 200])));
    }

    [Test]
    public void A_patch_holds_channel_then_frame_then_row_and_the_last_frame_is_repeated()
    {
        // Three frames of 2 × 2 pixels, one patch each: the second step is frame 2 twice.
        RgbImage Frame(byte first) => new(2, 2, [.. Enumerable.Range(0, 12).Select(i => (byte)(first + i))]);
        var input = new PatchInput([Frame(0), Frame(50), Frame(100)], new PixelScale(1, [0, 0, 0], [1, 1, 1]), patch: 2, merge: 1, span: 2, secondsPerStep: 1, isVideo: true);
        Assert.That((input.Times, input.Rows, input.Columns, input.Tokens), Is.EqualTo((2, 1, 1, 2)));
        var written = new float[48];
        input.Write(written);
        float[] red = [0, 3, 6, 9], frames = [0, 50, 100, 100];
        float[] expected = [.. from step in Enumerable.Range(0, 2) from channel in Enumerable.Range(0, 3) from frame in frames[(2 * step)..(2 * step + 2)] from v in red select frame + channel + v];
        Assert.That(written, Is.EqualTo(expected));
    }

    [TestCase(0, "zero")]
    [TestCase(13, "thirteen")]
    [TestCase(20, "twenty")]
    [TestCase(64, "sixty-four")]
    [TestCase(100, "one hundred")]
    [TestCase(121, "one hundred and twenty-one")]
    public void Numbers_are_written_in_words(int number, string words) => Assert.That(NumberWords.Of(number), Is.EqualTo(words));

    private static SmolVlm Smol(OnnxModelOptions? options = null, string? path = null)
    {
        options ??= new OnnxModelOptions();
        var folder = new ModelFolder(path ?? TinyModels.FolderOf(new TinyModel("smolvlm")), options);
        return new SmolVlm(folder, ByteLevelTokenizer.Read(folder.TokenizerPath), options);
    }
}
