using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ThinkSound.Reasoning.Onnx.Text;

/// <summary>Cuts text into the pieces that are merged on their own, by the patterns of a tokenizer file, one after the other.</summary>
internal sealed class PreTokenizer
{
    /// <summary>The pattern that ByteLevel brings along: English contractions, letters, numbers and others with a space in front, blanks.</summary>
    private const string BytesPattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private readonly List<Regex> _patterns = [];

    /// <param name="description">"pre_tokenizer" of the file.</param>
    /// <param name="path">The file, for errors.</param>
    public PreTokenizer(JsonElement description, string path)
    {
        bool endsInBytes = false;
        Add(description);
        if (!endsInBytes) throw new ReasoningModelException($"{path}: the pre-tokenizer does not end in ByteLevel; other tokenizers are not supported");

        void Add(JsonElement step)
        {
            string type = step.Required("type").GetString()!;
            switch (type)
            {
                case "Sequence":
                    foreach (JsonElement inner in step.Required("pretokenizers").EnumerateArray()) Add(inner);
                    break;
                case "Digits":
                    _patterns.Add(Pattern(Is(step, "individual_digits") ? @"\p{N}" : @"\p{N}+"));
                    break;
                case "Split" when step.Required("behavior").GetString() == "Isolated" && !Is(step, "invert"):
                    JsonElement pattern = step.Required("pattern");
                    _patterns.Add(Pattern(pattern.TryGetProperty("Regex", out JsonElement regex) ? regex.GetString()! : Regex.Escape(pattern.Required("String").GetString()!)));
                    break;
                case "ByteLevel" when !Is(step, "add_prefix_space"):
                    if (!step.TryGetProperty("use_regex", out JsonElement uses) || uses.GetBoolean()) _patterns.Add(Pattern(BytesPattern));
                    endsInBytes = true;
                    break;
                default:
                    throw new ReasoningModelException($"{path}: the pre-tokenizer {type} is not supported as it is set up");
            }
        }

        Regex Pattern(string text)
        {
            try { return new Regex(text, RegexOptions.CultureInvariant); }
            catch (RegexParseException e) { throw new ReasoningModelException($"{path}: the pattern of the pre-tokenizer cannot be read: {e.Message}", e); }
        }
    }

    private static bool Is(JsonElement step, string key) => step.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    /// <summary>The pieces, in order and without gaps.</summary>
    public List<string> Split(string text)
    {
        List<string> pieces = [text];
        foreach (Regex pattern in _patterns)
        {
            var finer = new List<string>();
            foreach (string piece in pieces)
            {
                (string units, int[]? starts) = OneUnitEach(piece);
                int at = 0;
                foreach (ValueMatch match in pattern.EnumerateMatches(units))
                {
                    int start = starts?[match.Index] ?? match.Index, end = starts?[match.Index + match.Length] ?? match.Index + match.Length;
                    if (end == start) continue;
                    if (start > at) finer.Add(piece[at..start]);
                    finer.Add(piece[start..end]);
                    at = end;
                }
                if (at < piece.Length) finer.Add(piece[at..]);
            }
            pieces = finer;
        }
        return pieces;
    }

    /// <summary>The same text for a matcher that takes the halves of a surrogate pair for characters: each pair becomes one character of
    /// its class (letter, number, mark, other), which is all that patterns ask about characters that rare. With it, where each character
    /// and the end are in the text; null where nothing has moved.</summary>
    private static (string Units, int[]? Starts) OneUnitEach(string text)
    {
        if (!text.Any(char.IsSurrogate)) return (text, null);
        var units = new StringBuilder();
        var starts = new List<int>();
        for (int i = 0; i < text.Length; i++)
        {
            starts.Add(i);
            if (i + 1 < text.Length && Rune.TryCreate(text[i], text[i + 1], out Rune rune))
            {
                units.Append(Rune.IsLetter(rune) ? 'ƻ' : Rune.IsNumber(rune) ? '¼' : Rune.GetUnicodeCategory(rune) is
                    UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark ? '\u0300' : '☃');
                i++;
            }
            else units.Append(text[i]);
        }
        return (units.ToString(), [.. starts, text.Length]);
    }
}
