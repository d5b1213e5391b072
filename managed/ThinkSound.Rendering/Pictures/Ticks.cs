using System.Globalization;

namespace ThinkSound.Rendering.Pictures;

/// <summary>Where an axis is marked, and with what.</summary>
internal readonly record struct Tick(double Value, string Label);

internal static class Ticks
{
    /// <summary>About <paramref name="count"/> marks at 1, 2 or 5 times a power of ten, from <paramref name="low"/> to
    /// <paramref name="high"/>.</summary>
    public static IReadOnlyList<Tick> Linear(double low, double high, int count)
    {
        if (!(high > low)) return [new Tick(low, Format(low, 0))];
        double rough = (high - low) / Math.Max(1, count);
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        int decimals = Math.Max(0, -(int)Math.Floor(Math.Log10(step) + 1e-9));
        var ticks = new List<Tick>();
        // Counted, not added up, so that 0.1 + 0.1 + 0.1 is still 0.3.
        for (long i = (long)Math.Ceiling(low / step - 1e-9); i * step <= high + 1e-9 * step; i++)
            ticks.Add(new Tick(i * step, Format(i * step, decimals)));
        return ticks;
    }

    /// <summary>Octave-like marks that musicians and engineers know: 50, 100, 200, 500, 1 k …</summary>
    public static IReadOnlyList<Tick> Frequencies(double lowHz, double highHz)
    {
        var ticks = new List<Tick>();
        for (double decade = 1; decade <= highHz; decade *= 10)
            foreach (int factor in (ReadOnlySpan<int>)[1, 2, 5])
                if (factor * decade is var hz && hz >= lowHz && hz <= highHz)
                    ticks.Add(new Tick(hz, hz >= 1000 ? Format(hz / 1000, 0) + " k" : Format(hz, 0)));
        return ticks;
    }

    private static string Format(double value, int decimals)
    {
        string text = value.ToString("F" + decimals, CultureInfo.InvariantCulture);
        return text.StartsWith('-') ? "−" + text[1..] : text;
    }
}
