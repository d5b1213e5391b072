using SkiaSharp;
using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Rendering.Pictures;

/// <summary>The spectrogram as a picture, one pixel a cell, with its frequency axis and the scale of its colours.</summary>
internal static class SpectrogramPanel
{
    public static void Draw(Pen pen, Spectrogram spectrogram, SKRect area, double lowDb, double highDb)
    {
        using (SKBitmap cells = Paint(spectrogram, lowDb, highDb))
        using (SKImage image = SKImage.FromBitmap(cells))
            pen.Canvas.DrawImage(image, area, new SKSamplingOptions(SKFilterMode.Nearest));
        pen.Frame(area, Pen.Faint);

        double octaves = Math.Log2(spectrogram.HighestHz / spectrogram.LowestHz);
        foreach (Tick tick in Ticks.Frequencies(spectrogram.LowestHz, spectrogram.HighestHz))
        {
            float y = area.Bottom - (float)(Math.Log2(tick.Value / spectrogram.LowestHz) / octaves) * area.Height;
            pen.Line(area.Left - 5, y, area.Left, y, Pen.Ink);
            pen.Text(tick.Label, area.Left - 8, y + 4, 12, Pen.Ink, SKTextAlign.Right);
        }
        pen.UpwardText("Hz", area.Left - 62, area.MidY, 13, Pen.Ink);
        DrawScale(pen, new SKRect(area.Right + 14, area.Top, area.Right + 28, area.Bottom), lowDb, highDb);
    }

    private static SKBitmap Paint(Spectrogram spectrogram, double lowDb, double highDb)
    {
        var bitmap = new SKBitmap(new SKImageInfo(spectrogram.Columns, spectrogram.Rows, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> pixels = bitmap.GetPixelSpan();
        for (int row = 0; row < spectrogram.Rows; row++)
        {
            Span<byte> line = pixels.Slice((spectrogram.Rows - 1 - row) * bitmap.RowBytes, 4 * spectrogram.Columns);
            for (int column = 0; column < spectrogram.Columns; column++)
            {
                SKColor color = ColorScale.At((spectrogram[row, column] - lowDb) / (highDb - lowDb));
                (line[4 * column], line[4 * column + 1], line[4 * column + 2], line[4 * column + 3]) = (color.Red, color.Green, color.Blue, 255);
            }
        }
        return bitmap;
    }

    private static void DrawScale(Pen pen, SKRect bar, double lowDb, double highDb)
    {
        // On whole pixels, or smoothed edges would let the background through.
        bar = SKRect.Create(MathF.Floor(bar.Left), MathF.Floor(bar.Top), MathF.Floor(bar.Width), MathF.Floor(bar.Height));
        for (float y = bar.Top; y < bar.Bottom; y++)
            pen.Fill(new SKRect(bar.Left, y, bar.Right, Math.Min(y + 1, bar.Bottom)), ColorScale.At((bar.Bottom - y) / bar.Height));
        pen.Frame(bar, Pen.Faint);
        foreach (Tick tick in Ticks.Linear(lowDb, highDb, 4))
        {
            float y = bar.Bottom - (float)((tick.Value - lowDb) / (highDb - lowDb)) * bar.Height;
            pen.Line(bar.Right, y, bar.Right + 4, y, Pen.Ink);
            pen.Text(tick.Label, bar.Right + 8, y + 4, 12, Pen.Ink, SKTextAlign.Left);
        }
        pen.UpwardText("dB", bar.Right + 56, bar.MidY, 13, Pen.Ink);
    }
}
