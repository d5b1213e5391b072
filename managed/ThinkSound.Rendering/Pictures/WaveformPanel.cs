using System.Globalization;
using SkiaSharp;

namespace ThinkSound.Rendering.Pictures;

/// <summary>One lane per channel: the span from lowest to highest sample of each pixel column, and over it the RMS.</summary>
internal static class WaveformPanel
{
    private static readonly SKColor Span = new(150, 130, 205), Rms = new(76, 40, 140);

    public static void Draw(Pen pen, AudioClip clip, SKRect area)
    {
        float limit = Limit(clip.Peak());
        float gap = 8, height = (area.Height - gap * (clip.Channels - 1)) / clip.Channels;
        for (int channel = 0; channel < clip.Channels; channel++)
        {
            float top = area.Top + channel * (height + gap);
            var lane = new SKRect(area.Left, top, area.Right, top + height);
            DrawLane(pen, clip.Channel(channel), lane, limit);
            string name = clip.Channels == 2 ? (channel == 0 ? "left" : "right") : clip.Channels == 1 ? "mono" : $"{channel + 1}";
            pen.Text(name, area.Right + 8, lane.MidY + 4, 12, Pen.Faint, SKTextAlign.Left);
        }
    }

    /// <summary>The amplitude at the edge of a lane: the next of 1, 0.5, 0.2, 0.1 … above the peak, so that quiet sounds are
    /// seen and the label stays round.</summary>
    internal static float Limit(float peak)
    {
        if (!(peak > 0) || !float.IsFinite(peak)) return 1;
        if (peak > 1) return MathF.Ceiling(2 * peak) / 2;
        float limit = 1;
        foreach (float smaller in (ReadOnlySpan<float>)[0.5f, 0.2f, 0.1f, 0.05f, 0.02f, 0.01f, 0.005f, 0.002f, 0.001f])
        {
            if (smaller < peak) break;
            limit = smaller;
        }
        return limit;
    }

    private static void DrawLane(Pen pen, ReadOnlySpan<float> samples, SKRect lane, float limit)
    {
        pen.Fill(lane, new SKColor(249, 249, 252));
        pen.Line(lane.Left, lane.MidY, lane.Right, lane.MidY, Pen.Grid);
        int columns = (int)lane.Width;
        for (int column = 0; column < columns && samples.Length > 0; column++)
        {
            int from = (int)((long)column * samples.Length / columns), to = (int)((long)(column + 1) * samples.Length / columns);
            from = Math.Min(from, samples.Length - 1);
            ReadOnlySpan<float> part = samples[from..Math.Max(from + 1, to)];
            float low = 0, high = 0;
            double power = 0;
            foreach (float sample in part)
            {
                if (!float.IsFinite(sample)) continue;
                (low, high) = (Math.Min(low, sample), Math.Max(high, sample));
                power += (double)sample * sample;
            }
            float rms = (float)Math.Sqrt(power / part.Length);
            float x = lane.Left + column;
            pen.Line(x, Y(low), x, Y(high), Span);
            pen.Line(x, Y(-rms), x, Y(rms), Rms);
        }
        pen.Frame(lane, Pen.Faint);
        if (lane.Height >= 36)
            foreach (float value in (ReadOnlySpan<float>)[-limit, 0, limit])
                pen.Text(Format(value), lane.Left - 8, Math.Clamp(Y(value) + 4, lane.Top + 10, lane.Bottom), 12, Pen.Ink, SKTextAlign.Right);

        float Y(float value) => lane.MidY - Math.Clamp(value / limit, -1, 1) * lane.Height / 2;
    }

    private static string Format(float value) => value.ToString("0.###", CultureInfo.InvariantCulture).Replace('-', '−');
}
