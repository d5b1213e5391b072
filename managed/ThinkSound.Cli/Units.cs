using System.Globalization;

namespace ThinkSound.Cli;

/// <summary>Figures as people read them.</summary>
internal static class Units
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    public static string Bytes(double bytes) => bytes switch
    {
        >= 1e9 => string.Create(Plain, $"{bytes / 1e9:0.00} GB"),
        >= 1e6 => string.Create(Plain, $"{bytes / 1e6:0.0} MB"),
        >= 1e3 => string.Create(Plain, $"{bytes / 1e3:0.0} kB"),
        _ => string.Create(Plain, $"{bytes:0} B"),
    };

    /// <summary>"6GB", "800 MiB", "1.5g" or plain bytes; null for what is no size.</summary>
    public static ulong? ParseBytes(string text)
    {
        string trimmed = text.Trim();
        int digits = trimmed.AsSpan().IndexOfAnyExcept("0123456789.");
        double? unit = (digits < 0 ? "" : trimmed[digits..].Trim().ToUpperInvariant()) switch
        {
            "" or "B" => 1,
            "K" or "KB" => 1e3, "M" or "MB" => 1e6, "G" or "GB" => 1e9, "T" or "TB" => 1e12,
            "KIB" => 1L << 10, "MIB" => 1L << 20, "GIB" => 1L << 30, "TIB" => 1L << 40,
            _ => null,
        };
        bool isNumber = double.TryParse(digits < 0 ? trimmed : trimmed[..digits], NumberStyles.AllowDecimalPoint, Plain, out double number);
        return isNumber && number * unit is { } bytes and < 9e18 ? (ulong)Math.Round(bytes) : null;
    }

    public static string Count(double count) => count switch
    {
        >= 1e9 => string.Create(Plain, $"{count / 1e9:0.000} G"),
        >= 1e6 => string.Create(Plain, $"{count / 1e6:0.0} M"),
        >= 1e4 => string.Create(Plain, $"{count / 1e3:0.0} k"),
        _ => string.Create(Plain, $"{count:0}"),
    };

    /// <summary>A duration of work: "41 ms", "3.2 s", "2 min 05 s".</summary>
    public static string Time(TimeSpan time) => time.TotalSeconds switch
    {
        < 0.9995 => string.Create(Plain, $"{time.TotalMilliseconds:0} ms"),
        < 99.95 => string.Create(Plain, $"{time.TotalSeconds:0.0} s"),
        _ => string.Create(Plain, $"{(int)(time.TotalSeconds + 0.5) / 60} min {(int)(time.TotalSeconds + 0.5) % 60:00} s"),
    };

    /// <summary>Time left, without a precision that nobody has.</summary>
    public static string TimeLeft(TimeSpan time) => time.TotalSeconds < 99.5
        ? string.Create(Plain, $"{Math.Max(0, Math.Round(time.TotalSeconds)):0} s")
        : Time(time);

    /// <summary>"−16.2", of which zero has no sign.</summary>
    public static string Decibels(double level) => (Math.Round(level, 1) + 0.0).ToString("0.0;−0.0", Plain);

    public static string Seconds(double seconds) => string.Create(Plain, $"{seconds:0.00} s");
}
