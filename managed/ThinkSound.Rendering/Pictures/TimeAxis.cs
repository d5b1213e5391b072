using SkiaSharp;

namespace ThinkSound.Rendering.Pictures;

/// <summary>The axis that all panels of a picture share.</summary>
/// <param name="Left">Pixel of time 0.</param>
/// <param name="Right">Pixel of the end.</param>
/// <param name="Seconds">Length of the sound.</param>
internal readonly record struct TimeAxis(float Left, float Right, double Seconds)
{
    public float Width => Right - Left;

    public bool Contains(double seconds) => Seconds > 0 && seconds >= 0 && seconds <= Seconds;

    public float At(double seconds) => Left + (float)(Seconds > 0 ? seconds / Seconds : 0) * Width;

    /// <summary>Marks the seconds below <paramref name="y"/>.</summary>
    public void Draw(Pen pen, float y)
    {
        foreach (Tick tick in Ticks.Linear(0, Seconds, (int)Math.Max(2, Width / 120)))
        {
            float x = At(tick.Value);
            pen.Line(x, y, x, y + 5, Pen.Ink);
            pen.Text(tick.Label, x, y + 20, 12, Pen.Ink, SKTextAlign.Center);
        }
        pen.Text("seconds", (Left + Right) / 2, y + 42, 13, Pen.Ink, SKTextAlign.Center);
    }
}
