using Microsoft.Extensions.AI;
using SkiaSharp;
using ThinkSound.Reasoning.Onnx.Tests.Models;

namespace ThinkSound.Reasoning.Onnx.Tests;

/// <summary>Model folders for the tests, each written once, and things to say to the models.</summary>
[SetUpFixture]
public sealed class TinyModels
{
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<TinyModel, string> s_folders = [];
    private static readonly Dictionary<TinyModel, Task<OnnxMultimodalModel>> s_loaded = [];
    private static string? s_root;

    [OneTimeTearDown]
    public async Task Remove()
    {
        foreach (Task<OnnxMultimodalModel> model in s_loaded.Values) (await model).Dispose();
        if (s_root is not null) Directory.Delete(s_root, recursive: true);
    }

    /// <summary>A folder that tests read only.</summary>
    internal static string FolderOf(TinyModel model)
    {
        lock (s_lock)
        {
            if (s_folders.TryGetValue(model, out string? folder)) return folder;
            s_root ??= Directory.CreateTempSubdirectory("ts-onnx").FullName;
            s_folders[model] = folder = Path.Combine(s_root, $"tiny-{s_folders.Count}");
            model.Write(folder);
            return folder;
        }
    }

    /// <summary>A folder of a test's own, removed with all others.</summary>
    internal static string CopyOf(TinyModel model)
    {
        string from = FolderOf(model), to = Path.Combine(s_root!, Guid.NewGuid().ToString("N"));
        foreach (string file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
        return to;
    }

    /// <summary>A model that tests share; it is not for them to dispose of.</summary>
    internal static Task<OnnxMultimodalModel> Load(TinyModel model)
    {
        string folder = FolderOf(model);
        lock (s_lock)
        {
            if (!s_loaded.TryGetValue(model, out Task<OnnxMultimodalModel>? loaded))
                s_loaded[model] = loaded = OnnxMultimodalModel.LoadAsync(folder, new OnnxModelOptions { Threads = 1 });
            return loaded;
        }
    }

    /// <summary>A picture whose every pixel is a known function of its place and a number.</summary>
    internal static byte[] Pixels(int width, int height, int number)
    {
        var pixels = new byte[3 * width * height];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int c = 0; c < 3; c++) pixels[3 * (y * width + x) + c] = (byte)(37 * x + 91 * y + 53 * c + 11 * x * y + 71 * number);
        return pixels;
    }

    internal static DataContent Picture(int width, int height, int number = 0)
    {
        byte[] pixels = Pixels(width, height, number);
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int i = 0; i < width * height; i++)
            bitmap.SetPixel(i % width, i / width, new SKColor(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]));
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return new DataContent(png.ToArray(), "image/png");
    }

    internal static VideoFramesContent Video(int frames, int width, int height, double secondsApart) => new(
        new VideoFrames(Enumerable.Range(0, frames).SelectMany(i => Pixels(width, height, i)).ToArray(), frames, width, height),
        [.. Enumerable.Range(0, frames).Select(i => TimeSpan.FromSeconds(i * secondsApart))], TimeSpan.FromSeconds(frames * secondsApart));

    internal static ChatMessage User(params AIContent[] contents) => new(ChatRole.User, contents);
}
