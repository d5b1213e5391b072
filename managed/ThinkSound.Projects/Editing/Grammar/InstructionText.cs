using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>An instruction as the grammar reads it: small letters, one space between words, numbers in digits, lengths of time in
/// seconds ("half a second" is "0.5 s", "0:03" is "3 s").</summary>
internal static partial class InstructionText
{
    /// <summary>Characters of the longest instruction.</summary>
    public const int MaxLength = 1000;

    private static readonly string[] Numbers =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"];

    /// <summary>Refuses what is no sentence; the words as they were written, without spaces around them.</summary>
    /// <exception cref="EditException">It is empty, too long, or holds control characters.</exception>
    public static string Check(string instruction)
    {
        ArgumentNullException.ThrowIfNull(instruction);
        if (instruction.Length > MaxLength)
            throw new EditException(EditProblem.NotASentence, $"the instruction has {instruction.Length} characters, at most {MaxLength} are read: say it in a sentence or two");
        foreach (Rune rune in instruction.EnumerateRunes())
        {
            UnicodeCategory category = Rune.GetUnicodeCategory(rune);
            bool isSpace = rune.Value is '\t' or '\n' or '\r';
            if (!isSpace && category is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse || rune.Value == 0xFFFD)
                throw new EditException(EditProblem.NotASentence, $"the instruction holds the character U+{rune.Value:X4}, which belongs to no sentence: write it in plain words");
        }
        string text = instruction.Trim();
        if (!text.Any(char.IsLetterOrDigit)) throw new EditException(EditProblem.Empty, "the instruction is empty: say what to change, such as \"remove the rain\" or \"make the bell louder\"");
        return text;
    }

    /// <summary>Spells numbers and times in one way.</summary>
    public static string Normalise(string text)
    {
        string lower = text.Normalize(NormalizationForm.FormKC).ToLowerInvariant().Replace('’', '\'').Replace('‘', '\'');
        lower = lower.Replace("can't", "cannot").Replace("won't", "will not").Replace("n't", " not").Replace("i'd", "i would").Replace("let's", "let us");
        lower = Punctuation().Replace(lower, match => match.Value is "–" or "—" ? " - " : match.Value is "…" ? ". " : " ");
        lower = Clock().Replace(lower, match => $" {Text(Part(match, "h") * 3600 + Part(match, "m") * 60 + Part(match, "s"))} s ");
        lower = NumberWord().Replace(lower, match => Array.IndexOf(Numbers, match.Value).ToString(CultureInfo.InvariantCulture));
        lower = AndAHalf().Replace(lower, match => Text(Part(match, "n") + 0.5));
        lower = HalfOf().Replace(lower, "0.5 ${unit}");
        lower = QuarterOf().Replace(lower, "0.25 ${unit}");
        lower = Couple().Replace(lower, "2 ${unit}");
        lower = Few().Replace(lower, "3 ${unit}");
        lower = OneUnit().Replace(lower, "1 ${unit}");
        lower = Length().Replace(lower, match => $"{Text(Part(match, "n") * match.Groups["unit"].Value switch { ['m', 's', ..] or ['m', 'i', 'l', ..] => 0.001, ['m', ..] => 60, _ => 1 })} s ");
        lower = Decibel().Replace(lower, "${n} db ");
        lower = Percent().Replace(lower, "${n} percent ");
        lower = Comma().Replace(lower, " $0 ");
        return Spaces().Replace(lower, " ").Trim();
    }

    /// <summary>A number in digits.</summary>
    public static string Text(double number) => Math.Round(number, 4).ToString("0.####", CultureInfo.InvariantCulture);

    private static double Part(Match match, string group) =>
        match.Groups[group] is { Success: true, Value: var digits } ? double.Parse(digits, CultureInfo.InvariantCulture) : 0;

    [GeneratedRegex("[\"“”„«»()\\[\\]{}*_`<>|–—…]")] private static partial Regex Punctuation();
    [GeneratedRegex(@"\b(?:(?<h>\d{1,2}):)?(?<m>\d{1,3}):(?<s>\d{2}(?:\.\d{1,6})?)\b(?:\s*(?:min(?:utes?)?|s|sec(?:onds?)?)\b)?")] private static partial Regex Clock();
    [GeneratedRegex(@"\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|one(?=\s+(?:and|to|until|seconds?|milliseconds?|minutes?|decibels?|db|percent)\b))\b")]
    private static partial Regex NumberWord();
    [GeneratedRegex(@"\b(?<n>\d{1,5}) and (?:a|one) half(?=\s+(?:seconds?|minutes?|s|sec|decibels?|db)\b)")] private static partial Regex AndAHalf();
    [GeneratedRegex(@"\b(?:half (?:a|an|of a)|(?:a|one) half(?: a)?|half) (?<unit>seconds?|minutes?|decibel)\b")] private static partial Regex HalfOf();
    [GeneratedRegex(@"\b(?:a )?quarter (?:of )?a (?<unit>second|minute)\b")] private static partial Regex QuarterOf();
    [GeneratedRegex(@"\b(?:a )?couple (?:of )?(?<unit>seconds|minutes|decibels|db)\b")] private static partial Regex Couple();
    [GeneratedRegex(@"\ba few (?<unit>seconds|decibels|db)\b")] private static partial Regex Few();
    [GeneratedRegex(@"\b(?:a|one|another) (?<unit>second|minute|decibel|millisecond)\b")] private static partial Regex OneUnit();
    [GeneratedRegex(@"(?<![\d.])(?<n>\d{1,6}(?:\.\d{1,6})?)[ -]?(?<unit>seconds?|secs?|s|milliseconds?|millis|msecs?|ms|minutes?|mins?)\b")] private static partial Regex Length();
    [GeneratedRegex(@"(?<n>[-+]?\d{1,3}(?:\.\d{1,4})?) ?(?:decibels?|dbs?)\b")] private static partial Regex Decibel();
    [GeneratedRegex(@"(?<n>\d{1,4}(?:\.\d{1,4})?) ?(?:%|percent\b|per cent\b)")] private static partial Regex Percent();
    [GeneratedRegex(@"[,;!?]|(?<!\d)\.|\.(?!\d)|:(?!\d)")] private static partial Regex Comma();
    [GeneratedRegex(@"\s+")] private static partial Regex Spaces();
}
