using System.Globalization;
using System.Text.RegularExpressions;

namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>How much, as a clause says it; what is null was not said.</summary>
internal sealed partial record Amount
{
    // A change that is noticed at once, one that is just noticed, and one that nobody misses.
    private const double PlainDb = 6, SmallDb = 3, LargeDb = 12;
    private const double DoubleLoudnessDb = 10; // Stevens: twice as loud, to listeners; "double the volume" is the amplitude, 6 dB

    /// <summary>Decibels, with the sign that was written; null if none were.</summary>
    public double? Db { get; init; }
    /// <summary>A decibel count without sign: louder and softer give it one.</summary>
    public double? SizeDb { get; init; }
    /// <summary>Percent.</summary>
    public double? Percent { get; init; }
    /// <summary>"To 50 %", not by.</summary>
    public bool IsTo { get; init; }
    /// <summary>−1 "a bit", 0, 1 "much".</summary>
    public int Degree { get; init; }
    /// <summary>Seconds by which.</summary>
    public double? Seconds { get; init; }
    /// <summary>Seconds up to which, or to where.</summary>
    public double? ToSeconds { get; init; }
    /// <summary>0 to 1, as a number.</summary>
    public double? Strength { get; init; }

    /// <summary>Takes amounts out of a clause; "twice as loud" leaves "louder" in it.</summary>
    public static Amount Take(ref string clause)
    {
        var amount = new Amount();
        string text = clause;
        Cut(StrengthOf(), m => amount with { Strength = Number(m) });
        Cut(Decibels(), m => m.Groups["n"].Value[0] is '-' or '+' ? amount with { Db = Number(m) } : amount with { SizeDb = Number(m) });
        Cut(AsLoud(), m => amount with { SizeDb = FactorDb(m) }, m => m.Groups["factor"].Value.StartsWith("half", StringComparison.Ordinal) == (m.Groups["how"].Value == "loud") ? "softer" : "louder");
        Cut(Times(), m => amount with { SizeDb = DoubleLoudnessDb * Math.Log2(Number(m)) }, m => m.Groups["how"].Value);
        Cut(Percents(), m => amount with { Percent = Number(m), IsTo = m.Value.StartsWith("to ", StringComparison.Ordinal) });
        Cut(ByHalf(), _ => amount with { Percent = 50 });
        Cut(SecondsBefore(), m => amount with { Seconds = Number(m) }, m => m.Groups["how"].Value);
        Cut(BySeconds(), m => amount with { Seconds = Number(m) });
        Cut(To(), m => amount with { ToSeconds = Number(m) });
        Cut(Little(), _ => amount with { Degree = -1 });
        Cut(Lot(), _ => amount with { Degree = 1 });
        clause = Spaces().Replace(text, " ").Trim(' ', ',');
        return amount;

        void Cut(Regex pattern, Func<Match, Amount> of, Func<Match, string>? left = null)
        {
            Match match = pattern.Match(text);
            if (!match.Success) return;
            amount = of(match);
            text = $"{text[..match.Index]} {left?.Invoke(match)} {text[(match.Index + match.Length)..]}";
        }
    }

    /// <summary>The change of level that is meant, in dB.</summary>
    /// <param name="direction">1 for louder, −1 for softer.</param>
    public double LevelDb(int direction)
    {
        if (Db is { } signed) return direction < 0 ? -Math.Abs(signed) : signed; // "lower by −3 dB" is lower
        if (SizeDb is { } size) return direction * size;
        if (Percent is not { } percent) return direction * Degree switch { < 0 => SmallDb, > 0 => LargeDb, _ => PlainDb };
        double factor = IsTo ? percent / 100 : 1 + direction * percent / 100;
        return factor <= 0 ? double.NegativeInfinity : 20 * Math.Log10(factor);
    }

    /// <summary>Seconds of a shift.</summary>
    public double ShiftSeconds => Seconds ?? Degree switch { < 0 => 0.1, > 0 => 1, _ => 0.25 };

    /// <summary>Strength of a variation or change of style, 0 to 1.</summary>
    public double? StrengthOr(double? plain) => Strength ?? Percent / 100 ?? Degree switch { < 0 => 0.3, > 0 => 0.85, _ => plain };

    private static double FactorDb(Match match) => match.Groups["factor"].Value switch
    {
        "twice" or "double" or "half" => DoubleLoudnessDb,
        var times => DoubleLoudnessDb * Math.Log2(double.Parse(times.Split(' ')[0], CultureInfo.InvariantCulture)),
    };

    private static double Number(Match match) => double.Parse(match.Groups["n"].Value, NumberStyles.Float, CultureInfo.InvariantCulture);

    private const string How = "louder|softer|quieter|earlier|later|sooner|forwards?|backwards?|back|ahead|longer|shorter|up|down";

    [GeneratedRegex(@"\b(?:with |at )?(?:a )?strength (?:of )?(?<n>\d(?:\.\d{1,4})?)(?![\d.]| percent)")] private static partial Regex StrengthOf();
    [GeneratedRegex(@"(?:\bby (?:about )?)?(?<![\w.])(?<n>[-+]?\d{1,3}(?:\.\d{1,4})?) db\b")] private static partial Regex Decibels();
    [GeneratedRegex(@"\b(?<factor>twice|half|double|\d{1,2}(?:\.\d+)? times) as (?<how>loud|quiet|soft)(?: as (?:it is|now|before))?\b")] private static partial Regex AsLoud();
    [GeneratedRegex(@"\b(?<n>\d{1,2}(?:\.\d+)?) times (?<how>louder|softer|quieter)\b")] private static partial Regex Times();
    [GeneratedRegex(@"(?:\b(?:by|to|about|strength(?: of)?) )?(?<![\w.])(?<n>\d{1,4}(?:\.\d{1,4})?) percent\b")] private static partial Regex Percents();
    [GeneratedRegex(@"\bby (?:a )?half\b")] private static partial Regex ByHalf();
    [GeneratedRegex(@"(?:\bby )?(?<![\w.])(?<n>\d{1,5}(?:\.\d{1,4})?) s (?<how>" + How + @")\b")] private static partial Regex SecondsBefore();
    [GeneratedRegex(@"\b(?:by|for) (?:about |another )?(?<n>\d{1,5}(?:\.\d{1,4})?)(?: more)? s\b")] private static partial Regex BySeconds();
    [GeneratedRegex(@"\bto (?:about )?(?<n>\d{1,5}(?:\.\d{1,4})?) s\b(?: mark)?")] private static partial Regex To();
    [GeneratedRegex(@"\b(?:just |only )?(?:a (?:tiny |little )?bit|a (?:little|touch|tad|hair|smidgen)(?= (?:\w+er|more|less|different|up|down)\b|$)|slightly|somewhat|subtly)(?: more(?= \w+er\b))?")] private static partial Regex Little();
    [GeneratedRegex(@"\b(?:(?:much|far|way|very much|so much)(?= (?:\w+er|more|less)\b)|a (?:whole )?lot|significantly|considerably|strongly|drastically|heavily|substantially|a great deal|very different(?=$))")] private static partial Regex Lot();
    [GeneratedRegex(@"\s+")] private static partial Regex Spaces();
}
