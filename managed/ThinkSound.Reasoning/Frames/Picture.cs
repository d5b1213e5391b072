using SkiaSharp;
using ThinkSound.Media;

namespace ThinkSound.Reasoning.Frames;

/// <summary>Frames into JPEG, and how much two of them differ.</summary>
internal static class Picture
{
    private const int Thumb = 16; // pixels across and down of what is compared

    /// <summary>A part of a frame, scaled down to a longer side.</summary>
    /// <param name="frame">RGB, 8 bits.</param>
    /// <param name="region">What of it.</param>
    /// <param name="outline">Draws a frame around this region instead of cutting it out.</param>
    /// <param name="maxSide">Pixels.</param>
    /// <param name="quality">1 to 100.</param>
    public static byte[] ToJpeg(BufferedFrame frame, VideoRegion region, VideoRegion? outline, int maxSide, int quality)
    {
        using SKBitmap whole = ToBitmap(frame);
        SKRectI part = PixelsOf(region, frame.Width, frame.Height);
        double scale = Math.Min(1, (double)maxSide / Math.Max(part.Width, part.Height));
        using var scaled = new SKBitmap(new SKImageInfo(Math.Max(1, (int)Math.Round(part.Width * scale)), Math.Max(1, (int)Math.Round(part.Height * scale)),
                                                        SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(scaled))
        using (SKImage image = SKImage.FromBitmap(whole))
        {
            var target = new SKRect(0, 0, scaled.Width, scaled.Height);
            canvas.DrawImage(image, part, target, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
            if (outline is { } box)
            {
                using var paint = new SKPaint { Color = SKColors.Red, Style = SKPaintStyle.Stroke, StrokeWidth = Math.Max(2, scaled.Width / 200f) };
                canvas.DrawRect(new SKRect((float)(box.X * scaled.Width), (float)(box.Y * scaled.Height),
                                           (float)((box.X + box.Width) * scaled.Width), (float)((box.Y + box.Height) * scaled.Height)), paint);
            }
        }
        using SKData jpeg = scaled.Encode(SKEncodedImageFormat.Jpeg, quality);
        return jpeg.ToArray();
    }

    /// <summary>Mean luma of 16 × 16 tiles of a region, 0 to 255.</summary>
    public static float[] Luma(BufferedFrame frame, VideoRegion region)
    {
        SKRectI part = PixelsOf(region, frame.Width, frame.Height);
        ReadOnlySpan<byte> pixels = frame.Pixels.Span;
        var sums = new float[Thumb * Thumb];
        var counts = new int[Thumb * Thumb];
        for (int y = part.Top; y < part.Bottom; y++)
        {
            int row = (y - part.Top) * Thumb / part.Height * Thumb;
            for (int x = part.Left; x < part.Right; x++)
            {
                int tile = row + (x - part.Left) * Thumb / part.Width, at = 3 * (y * frame.Width + x);
                sums[tile] += 0.2126f * pixels[at] + 0.7152f * pixels[at + 1] + 0.0722f * pixels[at + 2]; // BT.709
                counts[tile]++;
            }
        }
        for (int i = 0; i < sums.Length; i++) sums[i] /= Math.Max(1, counts[i]);
        return sums;
    }

    /// <summary>Mean difference of two such pictures, and the largest of a tile.</summary>
    public static (double Mean, double Largest) Difference(float[] a, float[] b)
    {
        double sum = 0, largest = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double difference = Math.Abs(a[i] - b[i]);
            sum += difference;
            largest = Math.Max(largest, difference);
        }
        return (sum / a.Length, largest);
    }

    private static SKRectI PixelsOf(VideoRegion region, int width, int height)
    {
        int left = Math.Min((int)(region.X * width), width - 1), top = Math.Min((int)(region.Y * height), height - 1);
        int right = Math.Clamp((int)Math.Ceiling((region.X + region.Width) * width), left + 1, width);
        int bottom = Math.Clamp((int)Math.Ceiling((region.Y + region.Height) * height), top + 1, height);
        return new SKRectI(left, top, right, bottom);
    }

    private static SKBitmap ToBitmap(BufferedFrame frame)
    {
        var bitmap = new SKBitmap(new SKImageInfo(frame.Width, frame.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Rgba.Fill(bitmap.GetPixelSpan(), frame.Pixels.Span);
        return bitmap;
    }
}
