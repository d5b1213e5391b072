using SkiaSharp;

namespace ThinkSound.Rendering.Pictures;

/// <summary>Lines, fills and words on a canvas.</summary>
internal sealed class Pen(SKCanvas canvas) : IDisposable
{
    public static readonly SKColor Ink = new(40, 40, 48), Faint = new(110, 110, 122), Grid = new(226, 226, 232);

    private readonly SKPaint _paint = new() { IsAntialias = true };
    private readonly SKFont? _font = PictureFont.Typeface is { } typeface ? new SKFont(typeface) : null;

    public SKCanvas Canvas { get; } = canvas;

    public void Line(float x0, float y0, float x1, float y1, SKColor color, float width = 1)
    {
        (_paint.Color, _paint.StrokeWidth, _paint.Style) = (color, width, SKPaintStyle.Stroke);
        // Thin straight lines on pixel centres are sharp.
        if (x0 == x1) x0 = x1 = MathF.Floor(x0) + 0.5f;
        if (y0 == y1) y0 = y1 = MathF.Floor(y0) + 0.5f;
        Canvas.DrawLine(x0, y0, x1, y1, _paint);
    }

    public void Fill(SKRect rectangle, SKColor color)
    {
        (_paint.Color, _paint.Style) = (color, SKPaintStyle.Fill);
        Canvas.DrawRect(rectangle, _paint);
    }

    public void Frame(SKRect rectangle, SKColor color)
    {
        (_paint.Color, _paint.StrokeWidth, _paint.Style) = (color, 1, SKPaintStyle.Stroke);
        Canvas.DrawRect(new SKRect(MathF.Floor(rectangle.Left) + 0.5f, MathF.Floor(rectangle.Top) + 0.5f,
                                   MathF.Floor(rectangle.Right) + 0.5f, MathF.Floor(rectangle.Bottom) + 0.5f), _paint);
    }

    /// <summary>One line of words, its baseline at <paramref name="y"/>; what is wider than <paramref name="maxWidth"/> ends
    /// in "…". Nothing if the system has no font.</summary>
    public void Text(string text, float x, float y, float size, SKColor color, SKTextAlign align, float maxWidth = float.PositiveInfinity)
    {
        if (_font is null) return;
        _font.Size = size;
        text = Shorten(string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)), maxWidth);
        (_paint.Color, _paint.Style) = (color, SKPaintStyle.Fill);
        Canvas.DrawText(text, x, y, align, _font, _paint);
    }

    /// <summary>Words that run upwards, centred at a point.</summary>
    public void UpwardText(string text, float x, float y, float size, SKColor color)
    {
        Canvas.Save();
        Canvas.RotateDegrees(-90, x, y);
        Text(text, x, y, size, color, SKTextAlign.Center);
        Canvas.Restore();
    }

    public void Dispose()
    {
        _font?.Dispose();
        _paint.Dispose();
    }

    private string Shorten(string text, float maxWidth)
    {
        if (_font!.MeasureText(text) <= maxWidth) return text;
        int low = 0, high = text.Length; // the longest beginning that fits with its dots
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (_font.MeasureText(text[..middle] + "…") <= maxWidth) low = middle;
            else high = middle - 1;
        }
        if (low > 0 && char.IsHighSurrogate(text[low - 1])) low--;
        return text[..low].TrimEnd() + "…";
    }
}
