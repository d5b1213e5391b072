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
