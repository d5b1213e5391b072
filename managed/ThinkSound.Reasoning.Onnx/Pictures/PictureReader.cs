using SkiaSharp;

namespace ThinkSound.Reasoning.Onnx.Pictures;

/// <summary>Pictures out of JPEG, PNG, WebP and whatever else Skia reads: upright by their EXIF orientation, transparent parts on
/// white, colour profiles not applied.</summary>
internal static class PictureReader
{
    /// <summary>More pixels than that are refused before memory is taken for them.</summary>
    public const long MaxPixels = 100_000_000;

    /// <param name="file">The encoded picture.</param>
    /// <param name="name">What to call it in an error.</param>
    public static RgbImage Read(ReadOnlySpan<byte> file, string name)
    {
        using SKData data = SKData.CreateCopy(file);
        using SKCodec codec = SKCodec.Create(data) ?? throw new MediaException($"{name} is not a picture that can be read");
        int width = codec.Info.Width, height = codec.Info.Height;
        if ((long)width * height > MaxPixels) throw new MediaException($"{name} has {width} × {height} pixels, more than {MaxPixels / 1_000_000} million");
        var info = new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul);
        var rgba = new byte[info.BytesSize];
        unsafe
        {
            fixed (byte* pointer = rgba)
                if (codec.GetPixels(info, (nint)pointer) is var result and not SKCodecResult.Success)
                    throw new MediaException($"{name} cannot be read to its end: {result}");
        }
        return Upright(rgba, width, height, codec.EncodedOrigin);
    }

    private static RgbImage Upright(byte[] rgba, int width, int height, SKEncodedOrigin origin)
    {
        bool swaps = origin >= SKEncodedOrigin.LeftTop; // rows are columns
        bool flipsX = origin is SKEncodedOrigin.TopRight or SKEncodedOrigin.BottomRight or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom;
        bool flipsY = origin is SKEncodedOrigin.BottomRight or SKEncodedOrigin.BottomLeft or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        int outWidth = swaps ? height : width, outHeight = swaps ? width : height;
        var pixels = new byte[3 * width * height];
        for (int y = 0; y < outHeight; y++)
            for (int x = 0; x < outWidth; x++)
            {
                int fx = flipsX ? outWidth - 1 - x : x, fy = flipsY ? outHeight - 1 - y : y;
                ReadOnlySpan<byte> from = rgba.AsSpan(4 * (swaps ? fx * width + fy : fy * width + fx), 4);
                Span<byte> to = pixels.AsSpan(3 * (y * outWidth + x), 3);
                for (int c = 0; c < 3; c++) to[c] = (byte)((from[c] * from[3] + 255 * (255 - from[3]) + 127) / 255);
            }
        return new RgbImage(outWidth, outHeight, pixels);
    }
}
