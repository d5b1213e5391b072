using System.Globalization;
using System.Text.RegularExpressions;

namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>Times that a sentence tells by what is heard: "after the knock", "during the second bark", "half a second before the bell".</summary>
internal static partial class EventTimes
{
    /// <summary>Takes it out of a clause.</summary>
    /// <returns>Null if there is none.</returns>
    public static TimePhrase? Take(ref string clause)
    {
        Match match = Leading().Match(clause);
        bool leads = match.Success;
        if (!leads) match = Trailing().Match(clause);
        if (!match.Success || SoundPhrase.Of(match.Groups["np"].Value) is not { IsAll: false, IsPronoun: false } sound || sound.Sounds.Count == 0 && sound.Ordinal is null) return null;
        string relation = match.Groups["rel"].Value;
        if (relation is "at" or "on" && sound.Ordinal is null && sound.Sounds.Count == 0) return null;
        clause = (leads ? match.Groups["rest"].Value : clause[..match.Index]).Trim(' ', ',');
        return new TimePhrase
        {
            Event = sound,
            Relation = relation switch { "after" => EventRelation.After, "before" => EventRelation.Before, "during" or "while" => EventRelation.During, "until" => EventRelation.Until, _ => EventRelation.At },
            Offset = match.Groups["t"].Success ? double.Parse(match.Groups["t"].Value, CultureInfo.InvariantCulture) : 0,
        };
    }

    private const string Relation = @"(?:(?<t>\d+(?:\.\d+)?) s )?(?:right |just |shortly |directly |immediately |exactly )?(?<rel>after|before|during|while|whenever|when|until|as soon as)";

    [GeneratedRegex(@"^" + Relation + @" (?<np>[^,]+?) , (?<rest>.+)$")] private static partial Regex Leading();
    [GeneratedRegex(@"\s+(?:" + Relation + @" (?<np>[^,]+)|(?<rel>at|on) (?<np>the (?:first|second|third|fourth|fifth|last|final|\d{1,2}(?:st|nd|rd|th)) [^,]+))$", RegexOptions.RightToLeft)] private static partial Regex Trailing();
}
