using System.Globalization;
using System.Text.RegularExpressions;

namespace ThinkSound.Reasoning.Recogniser;

/// <summary>An instruction to change a sound, by its verb, the sounds it names and its times.</summary>
/// <param name="Operation">Null where no verb is known.</param>
/// <param name="Target">What it is about.</param>
/// <param name="Words">The rest of the words, as they are.</param>
/// <param name="Range">When; null if it does not say.</param>
/// <param name="HasMore">Further verbs ask for further changes.</param>
internal sealed partial record EditInstruction(EditOperation? Operation, UserWords Target, string Words, TimeRange? Range, bool HasMore)
{
    private static readonly (EditOperation Operation, Regex Verbs)[] Table =
    [
        (EditOperation.Remove, Verbs("remove|delete|take out|take away|take (?<inside>.{1,40}?) (?:out|away)|get rid of|cut out|mute|erase|eliminate|leave out|no more")),
        (EditOperation.Add, Verbs("add|insert|put in|put|include|overlay|mix in|layer")),
        (EditOperation.Extend, Verbs("extend|prolong|lengthen|continue|keep going|make (?<inside>.{1,40}?) longer|go on")),
        (EditOperation.Inpaint, Verbs("inpaint|regenerate|redo|replace|repair|fix|fill in|fill|remake|make (?<inside>.{1,40}?) again")),
    ];

    /// <summary>Reads an instruction.</summary>
    /// <param name="text">The user's words; may be empty.</param>
    /// <param name="operation">What the user chose, if they did.</param>
    /// <param name="duration">Of the sound, for "at the end".</param>
    public static EditInstruction Of(string text, EditOperation? operation, TimeSpan duration)
    {
        string lower = text.ToLowerInvariant();
        (EditOperation Operation, Match Match)[] found =
            [.. Table.Select(entry => (entry.Operation, Match: entry.Verbs.Match(lower))).Where(entry => entry.Match.Success).OrderBy(entry => entry.Match.Index)];
        string rest = text;
        if (found is [var first, ..])
        {
            Group inside = first.Match.Groups["inside"]; // "make the rain longer"
            int end = found.Length > 1 ? found[1].Match.Index : text.Length, from = Math.Min(end, first.Match.Index + first.Match.Length);
            rest = $"{text.Substring(inside.Index, inside.Length)} {text[from..end]}";
        }
        string words = Articles().Replace(Conjunction().Replace(Times().Replace(rest, " "), ""), "").Trim();
        return new EditInstruction(operation ?? (found.Length > 0 ? found[0].Operation : null), UserWords.Of(words), words, RangeOf(lower, duration), found.Length > 1);
    }

    private static TimeRange? RangeOf(string text, TimeSpan duration)
    {
        Match match = Times().Match(text);
        if (!match.Success) return null;
        TimeSpan quarter = duration / 4;
        if (match.Groups["end"].Success) return new TimeRange(duration - quarter, duration);
        if (match.Groups["begin"].Success) return new TimeRange(TimeSpan.Zero, quarter);
        TimeSpan from = Seconds(match.Groups["from"].Value), to = match.Groups["to"].Success ? Seconds(match.Groups["to"].Value) : duration;
        return from < to && from < duration ? new TimeRange(from, to < duration ? to : duration) : null;
    }

    private static TimeSpan Seconds(string text) => TimeSpan.FromSeconds(double.Parse(text, CultureInfo.InvariantCulture));

    private static Regex Verbs(string alternatives) => new($@"\b(?:{alternatives})\b", RegexOptions.CultureInvariant);

    [GeneratedRegex(@"\b(?:from|between|at|after)\s+(?<from>\d{1,5}(?:\.\d{1,6})?)\s*(?:s|sec|seconds?)?(?:\s*(?:to|until|and|-|–)\s*(?<to>\d{1,5}(?:\.\d{1,6})?)\s*(?:s|sec|seconds?)?)?\b|" +
                    @"\b(?<end>(?:at|towards?)\s+the\s+end)\b|\b(?<begin>(?:at|in)\s+the\s+(?:begin(?:ning)?|start))\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Times();

    [GeneratedRegex(@"^\s*(?:(?:the|a|an|it|this|them|some|any|sound|sounds|of|with|by)\b\s*)+", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Articles();

    [GeneratedRegex(@"(?:[\s.,;!]|\b(?:and|then|but)\b)+$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Conjunction();
}
