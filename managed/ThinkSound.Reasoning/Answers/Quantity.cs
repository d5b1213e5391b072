using System.Globalization;
using System.Text.RegularExpressions;

namespace ThinkSound.Reasoning.Answers;

/// <summary>Numbers as people and models write them.</summary>
internal static partial class Quantity
{
    /// <summary>"2.5", "2.5 s", "500 ms", "1:05.2", "-6 dB", "80%", "~3 seconds"; a range gives its begin. Times in seconds, shares from
    /// 0 to 1; null for what is no number.</summary>
    public static double? Parse(string text)
    {
        if (Clock().Match(text) is { Success: true } clock)
            return 60 * Number(clock.Groups["minutes"]) + 3600 * Number(clock.Groups["hours"]) + Number(clock.Groups["seconds"]);
        if (Plain().Match(text) is not { Success: true } match) return null;
        double number = Number(match.Groups["number"]);
        return match.Groups["unit"].Value.ToLowerInvariant() switch
        {
            "ms" or "msec" or "milliseconds" or "millisecond" => number / 1000,
            "min" or "mins" or "minutes" or "minute" => number * 60,
            "%" or "percent" => number / 100,
            _ => number,
        };
    }

    /// <summary>How loud a word is, 0 to 1; null for other words.</summary>
    public static double? Loudness(string word) => word.Trim().ToLowerInvariant() switch
    {
        "silent" or "none" => 0,
        "faint" or "barely audible" or "very soft" or "very quiet" or "very low" => 0.1,
        "soft" or "quiet" or "low" or "gentle" or "subtle" or "light" => 0.25,
        "medium" or "moderate" or "mid" or "normal" or "average" => 0.5,
        "loud" or "high" or "strong" or "prominent" => 0.8,
        "very loud" or "very high" or "dominant" or "maximum" => 1,
        _ => null,
    };

    private static double Number(Group group) =>
        group.Success ? double.Parse(group.Value.Replace('−', '-').Replace(',', '.'), NumberStyles.Float, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex(@"^\W*?(?:(?<hours>\d{1,2}):)?(?<minutes>\d{1,2}):(?<seconds>\d{1,2}(?:[.,]\d+)?)", RegexOptions.CultureInvariant)]
    private static partial Regex Clock();

    [GeneratedRegex(@"^[^\d+\-−.]*?(?<number>[+\-−]?(?:\d+(?:[.,]\d+)?|\.\d+))(?:\s*(?:[-–—]|to)\s*\d+(?:[.,]\d+)?)?\s*(?<unit>%|[A-Za-z]*)", RegexOptions.CultureInvariant)]
    private static partial Regex Plain();
}
