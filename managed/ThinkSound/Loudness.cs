using System.Globalization;

namespace ThinkSound;

/// <summary>How loud a file is made. A stream always carries the decoder's own samples.</summary>
/// <param name="Rule">What is measured.</param>
/// <param name="Lufs">The aim, under <see cref="LoudnessRule.Lufs"/>.</param>
public readonly record struct Loudness(LoudnessRule Rule, double Lufs)
{
    /// <summary>As decoded.</summary>
    public static Loudness None { get; } = new(LoudnessRule.None, 0);

    /// <summary>The largest sample becomes 1, as the reference does for each clip; but what is meant to be silent stays so.
    /// Exactly the reference's rule for a peak of −40 dBFS or more. Below, the gain falls in proportion, from 40 dB at −40 dBFS
    /// to none at −55 dBFS, and there is none for what is quieter still.</summary>
    public static Loudness Peak { get; } = new(LoudnessRule.Peak, 0);

    /// <summary>Integrated loudness after ITU-R BS.1770-4, as far as no sample exceeds 1.</summary>
    /// <param name="lufs">−70 to 0; −23 for European broadcast, −14 for most streaming services.</param>
    public static Loudness To(double lufs)
    {
        if (!(lufs is >= -70 and <= 0))
            throw new ArgumentOutOfRangeException(nameof(lufs), lufs, "loudness is −70 to 0 LUFS");
        return new(LoudnessRule.Lufs, lufs);
    }

    /// <summary>Reads "none", "peak" or "lufs=-23".</summary>
    public static bool TryParse(string? text, out Loudness loudness)
    {
        loudness = Peak;
        if (string.Equals(text, "none", StringComparison.OrdinalIgnoreCase)) loudness = None;
        else if (string.Equals(text, "peak", StringComparison.OrdinalIgnoreCase)) loudness = Peak;
        else if (text is not null && text.StartsWith("lufs=", StringComparison.OrdinalIgnoreCase) &&
                 double.TryParse(text.AsSpan(5), NumberStyles.Float, CultureInfo.InvariantCulture, out double lufs) &&
                 lufs is >= -70 and <= 0) loudness = To(lufs);
        else return false;
        return true;
    }

    /// <summary>The factor that brings a sound here; 1 for silence.</summary>
    /// <param name="peak">Its largest sample.</param>
    /// <param name="measure">Its integrated loudness; asked only under <see cref="LoudnessRule.Lufs"/>.</param>
    internal float GainOf(float peak, Func<double> measure)
    {
        if (Rule == LoudnessRule.None) return 1;
        if (!(peak > 0)) return 1; // silence: the reference would divide by zero
        if (Rule == LoudnessRule.Peak) return PeakGain(peak);
        double measured = measure();
        if (double.IsNegativeInfinity(measured)) return 1;
        // Clipping is worse than being too quiet.
        return (float)Math.Min(Math.Pow(10, (Lufs - measured) / 20), 1.0 / peak);
    }

    /// <summary>1/peak, as the reference has it, for whatever is meant to be heard. A model answers a silent scene with a little
    /// noise, and raising that to full scale would turn silence into the loudest of all clips.</summary>
    private static float PeakGain(float peak)
    {
        const double FullGainDb = -40, NoGainDb = -55; // −55 dBFS: what training/scenes/quality.py allows a silent scene
        double peakDb = 20 * Math.Log10(peak);
        if (peakDb >= FullGainDb) return 1 / peak;
        double part = Math.Max(0, (peakDb - NoGainDb) / (FullGainDb - NoGainDb));
        return (float)Math.Pow(10, part * -FullGainDb / 20);
    }

    /// <summary>"none", "peak" or "lufs=-23".</summary>
    public override string ToString() => Rule switch
    {
        LoudnessRule.None => "none",
        LoudnessRule.Peak => "peak",
        _ => "lufs=" + Lufs.ToString(CultureInfo.InvariantCulture),
    };
}

/// <summary>What decides the gain of a file.</summary>
public enum LoudnessRule
{
    /// <summary>Nothing: gain 1.</summary>
    None = 0,
    /// <summary>The largest sample, see <see cref="Loudness.Peak"/>.</summary>
    Peak = 1,
    /// <summary>Integrated loudness.</summary>
    Lufs = 2,
}
