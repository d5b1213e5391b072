using System.Text.RegularExpressions;

namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>What a sentence calls a sound.</summary>
/// <param name="Words">Without articles: "metal door".</param>
internal sealed partial record SoundPhrase(string Words)
{
    private static readonly string[] OrdinalWords = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];

    // More words than that are no name of a sound, the fewer where none of them is known.
    private const int MostWords = 12, MostUnknownWords = 4;

    /// <summary>Classes and other sounds that it names.</summary>
    public IReadOnlyList<string> Sounds { get; } = Vocabulary.Sounds(Words);

    /// <summary>The whole sound.</summary>
    public bool IsAll { get; init; }

    /// <summary>What was spoken of before: "it".</summary>
    public bool IsPronoun { get; init; }

    /// <summary>Which event of it, from 1 on; −1 is the last; null for all of them.</summary>
    public int? Ordinal { get; init; }

    /// <summary>What is not meant: "everything but the rain".</summary>
    public IReadOnlyList<SoundPhrase> Except { get; init; } = [];

    /// <summary>What must not be heard in it: "a bell without echo".</summary>
    public string Avoid { get; init; } = "";

    /// <summary>All of it.</summary>
    public static SoundPhrase All { get; } = new("everything") { IsAll = true };

    /// <summary>Reads one.</summary>
    /// <param name="text">Normalised words.</param>
    /// <returns>Null if that is no sound's name.</returns>
    public static SoundPhrase? Of(string text)
    {
        string words = text.Trim(' ', ',', '.');
        Match without = Without().Match(words);
        string avoid = without.Success ? without.Groups["what"].Value : "";
        if (without.Success) words = words[..without.Index].Trim();
        Match except = Excluding().Match(words);
        IReadOnlyList<SoundPhrase> spared = [];
        if (except.Success)
        {
            if (List(except.Groups["what"].Value) is not { } list) return null;
            (spared, words) = (list, words[..except.Index].Trim());
        }
        if (Whole().IsMatch(words)) return All with { Except = spared, Avoid = avoid };
        if (Pronoun().IsMatch(words)) return new SoundPhrase("it") { IsPronoun = true, Except = spared, Avoid = avoid };
        words = Opening().Replace(words, "");
        int? ordinal = null;
        if (Nth().Match(words) is { Success: true } nth)
        {
            string which = nth.Groups["nth"].Value;
            ordinal = which is "last" or "final" ? -1 : Array.IndexOf(OrdinalWords, which) is >= 0 and int index ? index + 1 : int.Parse(which[..^2], System.Globalization.CultureInfo.InvariantCulture);
            words = Opening().Replace(words[nth.Length..], "");
        }
        words = Closing().Replace(words, "").Trim(' ', ',');
        if (words.Length == 0 || !words.Any(char.IsLetter) || words.AsSpan().ContainsAny(".:;!?/\\=@#$")) return null;
        var phrase = new SoundPhrase(words) { Ordinal = ordinal, Except = spared, Avoid = avoid };
        return Vocabulary.Split(words).Length <= (phrase.Sounds.Count > 0 ? MostWords : MostUnknownWords) ? phrase : null;
    }

    /// <summary>Reads several: "the rain, the wind and a bell".</summary>
    public static IReadOnlyList<SoundPhrase>? List(string text)
    {
        SoundPhrase?[] parts = [.. Joints().Split(text).Select(part => part.Trim()).Where(part => part.Length > 0).Select(Of)];
        return parts.Length == 0 || parts.Any(part => part is null) ? null : [.. parts.OfType<SoundPhrase>()];
    }

    [GeneratedRegex(@"^(?:everything|all|(?:all |the )*(?:of )?(?:the |all )*(?:whole |entire |complete |full |overall |final )*(?:sounds?|audio|mix|track|clip|recording|file|soundtrack|thing|scene|video|volume|level|loudness)(?: of (?:it|everything))?(?: else)?|everything else|(?:the |this )?(?:gap|hole|drop-?out|pause))$")]
    private static partial Regex Whole();
    [GeneratedRegex("^(?:it|its|this|that|them|these|those|its (?:sound|volume|level))$")] private static partial Regex Pronoun();
    [GeneratedRegex(@"^(?:(?:all|the|a|an|some|any|every|each|this|that|these|those|his|her|their|its|my|our|more|another|also|again|of|such)\s+|(?:sounds?|noises?|volume|level|loudness|stem|track|layer|effect) (?:of|from|for|called|named) )+")]
    private static partial Regex Opening();
    [GeneratedRegex(@"^(?<nth>first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last|final|\d{1,3}(?:st|nd|rd|th))\s+")] private static partial Regex Nth();
    [GeneratedRegex(@"(?:'s?)?\s+(?:sounds?|noises?|sound effects?|stem|track|layer|volume|level)$|\s+(?:too|as well|there|here|now|please|in|on top)$|'s$")] private static partial Regex Closing();
    [GeneratedRegex(@"\s*,?\s+(?:except(?: for)?|but(?: not)?|apart from|other than|excluding|save for|besides) (?<what>.+)$")] private static partial Regex Excluding();
    [GeneratedRegex(@"\s*,?\s+(?:without|but (?:with )?no|with no) (?:any )?(?<what>.+)$")] private static partial Regex Without();
    [GeneratedRegex(@"\s*,\s*(?:and\s+)?|\s+and\s+|\s+or\s+|\s+as well as\s+|\s+plus\s+")] private static partial Regex Joints();
}
