using SkiaSharp;
using ThinkSound.Media;

namespace ThinkSound.Rendering.Pictures;

/// <summary>Frames side by side, each over the middle of the time that it stands for, none of them stretched.</summary>
internal static class FilmStripPanel
{
    private const float Gap = 4, TickHeight = 5;

    /// <summary>How many frames of a shape fill an area, and how large they are in it.</summary>
    /// <param name="area">As high as they may be.</param>
    /// <param name="aspect">Width to height of a frame.</param>
    public static (int Count, int MaxSide) Fit(SKRect area, double aspect)
    {
        double full = (area.Height - TickHeight) * aspect; // width of a frame as high as the strip
        int count = Math.Max(1, (int)(area.Width / (full + Gap)));
        SKSize size = Size(area, count, aspect);
        return (count, Math.Max(1, (int)Math.Ceiling(Math.Max(size.Width, size.Height))));
    }

    /// <summary>Draws the frames into an area as high as they may be; returns the lower edge of what they take.</summary>
    public static float Draw(Pen pen, IReadOnlyList<PictureFrame> frames, SKRect area)
    {
        SKSize[] sizes = [.. frames.Select(frame => Size(area, frames.Count, (double)frame.Width / frame.Height))];
        float bottom = area.Top + sizes.Max(size => size.Height);
        for (int i = 0; i < frames.Count; i++)
        {
            float x = area.Left + (i + 0.5f) / frames.Count * area.Width;
            using SKBitmap pixels = ToBitmap(frames[i]);
            using SKImage image = SKImage.FromBitmap(pixels);
            SKRect place = SKRect.Create(MathF.Round(x - sizes[i].Width / 2), bottom - sizes[i].Height, sizes[i].Width, sizes[i].Height);
            pen.Canvas.DrawImage(image, place, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
            pen.Line(x, bottom, x, bottom + TickHeight, Pen.Faint);
        }
        return bottom + TickHeight;
    }

    private static SKSize Size(SKRect area, int count, double aspect)
    {
        double width = Math.Max(1, Math.Min(area.Width / count - Gap, (area.Height - TickHeight) * aspect));
        return new SKSize((float)Math.Round(width), (float)Math.Max(1, Math.Round(width / aspect)));
    }

    private static SKBitmap ToBitmap(PictureFrame frame)
    {
        var bitmap = new SKBitmap(new SKImageInfo(frame.Width, frame.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Rgba.Fill(bitmap.GetPixelSpan(), frame.Rgb.Span);
        return bitmap;
    }
}
