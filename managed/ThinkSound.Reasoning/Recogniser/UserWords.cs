using System.Text.RegularExpressions;

namespace ThinkSound.Reasoning.Recogniser;

/// <summary>What a user's words name, by a small lexicon: no grammar, and no guesses.</summary>
/// <param name="Text">The words.</param>
/// <param name="Kinds">Classes that are named, in the order of the words.</param>
/// <param name="Material">The first material that is named; "" if none is.</param>
/// <param name="Avoid">What stands behind "no" and "without".</param>
internal sealed partial record UserWords(string Text, IReadOnlyList<SoundKind> Kinds, string Material, IReadOnlyList<string> Avoid)
{
    private static readonly string[] Negations = ["no", "not", "without", "never", "avoid", "except", "neither", "nor"];
    private static readonly string[] Conjunctions = ["but", "while", "with", "then", "as", "when"];
    private static readonly string[] Lists = ["and", "or", "nor", "any", "the", "a", "an"];

    /// <summary>Nothing is named.</summary>
    public bool IsUnknown => Kinds.Count == 0;

    /// <summary>Reads a text.</summary>
    public static UserWords Of(string text)
    {
        var said = new List<string>();
        var avoid = new List<string>();
        var refused = new List<string>();
        bool isNegated = false;
        foreach (Match match in Token().Matches(text.ToLowerInvariant()))
        {
            string word = match.Value;
            bool isWord = char.IsLetter(word[0]);
            if (isWord && Negations.Contains(word)) isNegated = true;
            else if (!isWord || Conjunctions.Contains(word)) isNegated = false;
            else if (!isNegated) said.Add(word);
            if (isNegated && isWord && !Negations.Contains(word) && !Lists.Contains(word)) refused.Add(word);
            else if (refused.Count > 0)
            {
                avoid.Add(string.Join(' ', refused));
                refused.Clear();
            }
        }
        if (refused.Count > 0) avoid.Add(string.Join(' ', refused));
        return new UserWords(text.Trim(), KindsOf(said), said.Select(SoundKinds.MaterialOf).FirstOrDefault(material => material is not null) ?? "", avoid);
    }

    private static IReadOnlyList<SoundKind> KindsOf(List<string> words)
    {
        List<SoundKind> kinds = Find(strong: true);
        if (kinds.Count == 0) kinds = Find(strong: false);
        string[] absorbed = [.. kinds.SelectMany(kind => kind.Absorbs)];
        kinds.RemoveAll(kind => absorbed.Contains(kind.Name));
        if (kinds.Count > 1) kinds.RemoveAll(kind => kind.Name == SoundKinds.Silence); // "nothing but rain"
        return kinds;

        List<SoundKind> Find(bool strong) =>
        [
            .. SoundKinds.Named.Select(kind => (Kind: kind, At: words.FindIndex(word => kind.Words.Any(pattern => pattern[0] == '?' != strong && SoundKinds.Fits(word, pattern)))))
                               .Where(found => found.At >= 0).OrderBy(found => found.At).Select(found => found.Kind),
        ];
    }

    [GeneratedRegex(@"[\p{L}']+|[.,;:!?]", RegexOptions.CultureInvariant)]
    private static partial Regex Token();
}
