using System.Globalization;

namespace ThinkSound.Cli;

/// <summary>Numbers that one option holds together: 0.5,0.2,0.3,0.3 or 1.5..4.</summary>
internal static class NumberText
{
    /// <summary>The numbers between separators; null unless each is one, and finite.</summary>
    public static double[]? List(string text, string separator)
    {
        double[] numbers = [.. text.Split(separator).Select(part => double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN)];
        return numbers.All(double.IsFinite) ? numbers : null;
    }
}
