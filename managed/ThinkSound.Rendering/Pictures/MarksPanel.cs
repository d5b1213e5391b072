using SkiaSharp;

namespace ThinkSound.Rendering.Pictures;

/// <summary>Rows of moments: what should coincide stands one below the other.</summary>
internal static class MarksPanel
{
    public const float RowHeight = 18;

    // Told apart by the colour-blind too, and seen on white, on violet and on the spectrogram.
    private static readonly SKColor[] Colors = [new(0, 158, 135), new(230, 120, 0), new(60, 110, 220), new(200, 60, 130)];

    /// <summary>Draws the rows from <paramref name="top"/> on, and the lines from there to <paramref name="bottom"/>.</summary>
    public static void Draw(Pen pen, IReadOnlyList<PictureMarks> rows, TimeAxis axis, float top, float bottom)
    {
        float below = top + rows.Count * RowHeight;
        for (int row = 0; row < rows.Count; row++)
        {
            SKColor color = Colors[(rows.Count - 1 - row) % Colors.Length]; // the row next to the sound keeps its own
            float y = top + row * RowHeight;
            pen.Line(axis.Left, y + RowHeight - 3, axis.Right, y + RowHeight - 3, Pen.Grid);
            pen.Text(rows[row].Name, axis.Right + 8, y + 13, 12, color, SKTextAlign.Left);
            foreach (TimeSpan time in rows[row].Times)
            {
                if (!axis.Contains(time.TotalSeconds)) continue;
                float x = axis.At(time.TotalSeconds);
                pen.Line(x, below, x, bottom, color.WithAlpha(120));
                pen.Fill(new SKRect(x - 1.5f, y + 2, x + 1.5f, y + RowHeight - 3), color);
            }
        }
    }
}
