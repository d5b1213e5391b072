using System.Runtime.CompilerServices;
using SkiaSharp;
using ThinkSound.Media;
using ThinkSound.Projects;

namespace ThinkSound.Objects.Tests;

/// <summary>Videos that are drawn here, so that every place and time in them is known, and what is needed to read them.</summary>
internal static class DrawnVideo
{
    public const int Width = 256, Height = 192, Rate = 24;

    private static readonly string Scratch = MakeScratch();

    public static string Root { get; } = FindRoot();

    public static string Sample(string name) => Path.Combine(Root, "samples", name);

    /// <summary>A path in a folder of this run.</summary>
    public static string Temporary(string ending) => Path.Combine(Scratch, Guid.NewGuid().ToString("N") + ending);

    /// <summary>Skips the test, visibly, where a native library is not to be had.</summary>
    public static void Require()
    {
        if (MediaLibrary.Probe() is { IsUsable: false } media) Assert.Ignore(media.Problem!);
        if (VisionLibrary.Probe() is { } problem) Assert.Ignore(problem);
    }

    /// <summary>Draws.</summary>
    /// <param name="frames">How many pictures.</param>
    /// <param name="draw">Draws picture n over a background of its own.</param>
    public static string Write(int frames, Action<SKCanvas, int> draw)
    {
        string path = Temporary(".avi");
        using var file = new AviFile(path, Width, Height, Rate);
        using var bitmap = new SKBitmap(new SKImageInfo(Width, Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        for (int i = 0; i < frames; i++)
        {
            draw(canvas, i);
            canvas.Flush();
            using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
            file.Add(png.Span);
        }
        file.Finish();
        return path;
    }

    /// <summary>A wall with a texture that is always the same.</summary>
    public static void Background(SKCanvas canvas, SKColor colour, int seed = 1)
    {
        canvas.Clear(colour);
        var random = new Random(seed);
        using var paint = new SKPaint { IsAntialias = true };
        for (int i = 0; i < 120; i++)
        {
            int shade = random.Next(-18, 19);
            paint.Color = new SKColor(Shift(colour.Red, shade), Shift(colour.Green, shade), Shift(colour.Blue, shade));
            canvas.DrawRect(random.Next(Width), random.Next(Height), random.Next(8, 60), random.Next(4, 30), paint);
        }

        static byte Shift(byte value, int by) => (byte)Math.Clamp(value + by, 0, 255);
    }

    /// <summary>A wall of several pictures' width, seen by a camera that has moved.</summary>
    /// <param name="canvas">Drawn over.</param>
    /// <param name="colour">Of the wall.</param>
    /// <param name="x">How far it lies to the right, in pixels.</param>
    /// <param name="y">How far down, less than the picture's height.</param>
    public static void WideBackground(SKCanvas canvas, SKColor colour, double x, double y)
    {
        for (int column = -2; column <= 2; column++)
            for (int row = -1; row <= 1; row++)
            {
                canvas.Save();
                canvas.Translate((float)(x + column * Width), (float)(y + row * Height));
                canvas.ClipRect(new SKRect(-1, -1, Width + 1, Height + 1));
                Background(canvas, colour, 10 + 3 * column + row);
                canvas.Restore();
            }
    }

    /// <summary>A ball of two colours.</summary>
    public static void Ball(SKCanvas canvas, double x, double y, double radius, SKColor colour)
    {
        using var paint = new SKPaint { IsAntialias = true, Color = colour };
        canvas.DrawCircle((float)x, (float)y, (float)radius, paint);
        paint.Color = new SKColor((byte)(colour.Red * 3 / 4), (byte)(colour.Green * 3 / 4), (byte)(colour.Blue * 3 / 4));
        canvas.DrawCircle((float)(x + radius / 4), (float)(y + radius / 4), (float)(radius / 2), paint);
    }

    /// <summary>The pixels whose middles lie in a disc.</summary>
    public static Mask Disc(double x, double y, double radius)
    {
        var values = new byte[Width * Height];
        for (int i = 0; i < values.Length; i++)
            values[i] = Math.Pow(i % Width + 0.5 - x, 2) + Math.Pow(i / Width + 0.5 - y, 2) <= radius * radius ? (byte)1 : (byte)0;
        return new Mask(Width, Height, values);
    }

    public static ObjectSelection Click(double x, double y, int frame) =>
        new() { Time = TimeSpan.FromSeconds(frame / (double)Rate), Points = [new ClickPoint(x / Width, y / Height)] };

    /// <summary>All pictures of a video.</summary>
    public static IReadOnlyList<StillFrame> Read(string path)
    {
        var reader = new FrameReader(path, 1024, CancellationToken.None);
        return [.. reader.Read(0, reader.Count, CancellationToken.None)];
    }

    private static string MakeScratch()
    {
        string folder = Directory.CreateTempSubdirectory("ts-objects-tests").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
