using System.Globalization;
using System.Text.RegularExpressions;

namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>How a stretch lies to an event that it is told by.</summary>
internal enum EventRelation
{
    At, During, After, Before, Until,
}

/// <summary>When, as a sentence says it; what it comes to depends on the sound.</summary>
internal sealed record TimePhrase
{
    /// <summary>Seconds from the begin.</summary>
    public double? From { get; init; }
    /// <summary>Seconds from the begin.</summary>
    public double? To { get; init; }
    /// <summary>A moment, in seconds.</summary>
    public double? At { get; init; }
    /// <summary>Seconds that it lasts.</summary>
    public double? Length { get; init; }
    /// <summary>Seconds that the begin (positive) or the end (negative) is long.</summary>
    public double? Margin { get; init; }
    /// <summary>From and to as fractions of the sound.</summary>
    public (double From, double To)? Part { get; init; }
    /// <summary>Seconds between the event and the begin.</summary>
    public double Offset { get; init; }
    /// <summary>All of it was said.</summary>
    public bool IsWhole { get; init; }
    /// <summary>How it lies to <see cref="Event"/>.</summary>
    public EventRelation Relation { get; init; }
    /// <summary>The sound whose event it is told by.</summary>
    public SoundPhrase? Event { get; init; }

    /// <summary>Both together: "at 2 s" and "for 3 s".</summary>
    public static TimePhrase Join(TimePhrase? a, TimePhrase b) => a is null ? b
        : a with { From = b.From ?? a.From, To = b.To ?? a.To, At = b.At ?? a.At, Length = b.Length ?? a.Length, Margin = b.Margin ?? a.Margin, Part = b.Part ?? a.Part,
                   IsWhole = a.IsWhole || b.IsWhole, Event = b.Event ?? a.Event, Relation = b.Event is null ? a.Relation : b.Relation, Offset = b.Event is null ? a.Offset : b.Offset };
}

/// <summary>Times that a sentence tells in numbers or by the parts of the sound.</summary>
internal static partial class TimePhrases
{
    // In this order: what is longer first.
    private static readonly (Regex Pattern, Func<Match, TimePhrase> Of)[] Table =
    [
        Row(@"(?:from )?(?:the )?(?:start|beginning) to (?:the )?(?:end|finish)", _ => new() { IsWhole = true }),
        Row(@"throughout(?: the (?:whole |entire )?WHOLE)?|everywhere|all the time|the (?:whole|entire) time|(?:for|over|in|during) the (?:whole|entire) WHOLE|all the way through", _ => new() { IsWhole = true }),
        Row(@"from the (?:start|beginning)(?: of the WHOLE)? (?:to|until|till|up to) T", m => new() { From = 0, To = Of(m, "t") }),
        Row(@"(?:from|between) T (?:to|until|till|and) the end(?: of the WHOLE)?", m => new() { From = Of(m, "t") }),
        Row(@"(?:between|from|in|over|during) T ?(?:and|to|until|till|through|-) ?U(?: mark)?", m => new() { From = Of(m, "t"), To = Of(m, "u") }),
        Row(@"\d+(?:\.\d+)?(?: s)? ?(?:to|until|-) ?U(?<= s)", m => new() { From = double.Parse(m.Value.Split(' ', '-')[0], CultureInfo.InvariantCulture), To = Of(m, "u") }),
        Row(@"(?:in |for |during |over |at |within )?the (?:first|opening) T(?: of the WHOLE)?(?<= s|sound|WHOLE)", m => new() { Margin = Of(m, "t") }),
        Row(@"(?:in |for |during |over |at |within )?the (?:last|final) T(?: of the WHOLE)?(?<= s|sound|WHOLE)", m => new() { Margin = -Of(m, "t") }),
        Row(@"(?:in |for |during |over )?the (?<which>first|second|last|middle|third) (?<part>half|third|quarter)(?: of the WHOLE)?", PartOf),
        Row(@"(?:at|near|around|in|from|towards?) the (?:very )?(?:start|beginning|begin)(?: of the WHOLE)?(?: on(?:wards?)?)?", _ => new() { Part = (0, 0.25) }),
        Row(@"(?:at|near|around|in|towards?) the (?:very )?end(?: of the WHOLE)?", _ => new() { Part = (0.75, 1) }),
        Row(@"(?:at|near|around|in|halfway through) the (?:middle|centre|center)(?: of the WHOLE)?", _ => new() { Part = (0.375, 0.625) }),
        Row(@"(?:starting |beginning )?(?:from|after|since|past|starting at|beginning at|starting) T(?: mark)?(?: on(?:wards?)?| and on)?", m => new() { From = Of(m, "t") }),
        Row(@"(?:until|till|up to|before|ending at) T(?: mark)?", m => new() { To = Of(m, "t") }),
        Row(@"(?:at|around|near|about|@) (?:about |around |the )?T(?: mark)?", m => new() { At = Of(m, "t") }),
        Row(@"for (?:about |another )?T(?<= s)(?: long)?", m => new() { Length = Of(m, "t") }),
    ];

    /// <summary>Takes times out of a clause.</summary>
    /// <param name="clause">Normalised; loses what is recognised.</param>
    /// <returns>Null if there are none.</returns>
    public static TimePhrase? Take(ref string clause)
    {
        TimePhrase? found = null;
        foreach (var (pattern, of) in Table)
        {
            Match match = pattern.Match(clause);
            if (!match.Success) continue;
            found = TimePhrase.Join(found, of(match));
            clause = Spaces().Replace(clause.Remove(match.Index, match.Length), " ").Trim(' ', ',');
        }
        return found;
    }

    private static TimePhrase PartOf(Match match)
    {
        int parts = match.Groups["part"].Value switch { "half" => 2, "third" => 3, _ => 4 };
        int index = match.Groups["which"].Value switch { "first" => 0, "second" => 1, "third" => 2, "middle" => parts / 2, _ => parts - 1 };
        return new() { Part = ((double)index / parts, Math.Min(1, (index + 1.0) / parts)) };
    }

    private static double Of(Match match, string group) => double.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    private static (Regex, Func<Match, TimePhrase>) Row(string pattern, Func<Match, TimePhrase> of) =>
        (new Regex($@"(?<![\w.])(?:{Expand(pattern)})(?![\w])(?! (?:earlier|later|sooner|longer|after|before|louder)\b)", RegexOptions.CultureInvariant), of);

    private static string Expand(string pattern) => pattern
        .Replace("(?<= s|sound|WHOLE)", "(?<= s|clip|sound|video|file|recording|audio|track|take|time|mix|scene)")
        .Replace("WHOLE", "(?:clip|sound|video|file|recording|audio|track|take|time|mix|scene)")
        .Replace("T", @"(?<t>\d+(?:\.\d+)?)(?: s\b)?").Replace("U", @"(?<u>\d+(?:\.\d+)?)(?: s\b)?");

    [GeneratedRegex(@"\s+")] private static partial Regex Spaces();
}
