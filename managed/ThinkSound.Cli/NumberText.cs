using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace ThinkSound.Cli;

/// <summary>Numbers, written with a point in every locale: alone, or several that one option holds together, 0.5,0.2,0.3,0.3 or 1.5..4.</summary>
internal static class NumberText
{
    /// <summary>The numbers between separators; null unless each is one, and finite.</summary>
    public static double[]? List(string text, string separator)
    {
        double[] numbers = [.. text.Split(separator).Select(part => double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : double.NaN)];
        return numbers.All(double.IsFinite) ? numbers : null;
    }

    /// <summary>Has a command and those below it read their numbers here: the parser itself takes 1,5 for fifteen.</summary>
    public static void ReadIn(Command command)
    {
        foreach (Option option in command.Options)
        {
            switch (option)
            {
                case Option<double> number: number.CustomParser = Decimal<double>; break;
                case Option<double?> number: number.CustomParser = result => Decimal<double>(result); break;
                case Option<float> number: number.CustomParser = Decimal<float>; break;
                case Option<float?> number: number.CustomParser = result => Decimal<float>(result); break;
                case Option<int> number: number.CustomParser = Whole<int>; break;
                case Option<int?> number: number.CustomParser = result => Whole<int>(result); break;
                case Option<ulong> number: number.CustomParser = Whole<ulong>; break;
            }
        }
        foreach (Command below in command.Subcommands) ReadIn(below);
    }

    private static T Decimal<T>(ArgumentResult result) where T : struct, INumberBase<T> => Read<T>(result, NumberStyles.Float, "a number, such as 2 or 1.5");

    private static T Whole<T>(ArgumentResult result) where T : struct, INumberBase<T>, IMinMaxValue<T> =>
        Read<T>(result, NumberStyles.AllowLeadingSign, $"a whole number from 0 to {T.MaxValue}");

    private static T Read<T>(ArgumentResult result, NumberStyles style, string meant) where T : struct, INumberBase<T>
    {
        string text = result.Tokens[^1].Value;
        if (!T.TryParse(text, style, CultureInfo.InvariantCulture, out T number)) result.AddError($"{(result.Parent as OptionResult)?.Option.Name} is {meant}, not \"{text}\"");
        return number;
    }
}
