namespace ThinkSound.Reasoning.Texts;

/// <summary>Texts in sentences, and sentences in clauses. Put together again with a space between them they are the text, but for
/// its spaces.</summary>
internal static class Sentences
{
    private static readonly string[] Abbreviations = ["e.g.", "i.e.", "approx.", "ca.", "vs.", "etc.", "dr.", "mr.", "mrs.", "st.", "no."];

    /// <summary>Each with the sign that ends it.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        var sentences = new List<string>();
        int begin = 0;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] is '。' or '！' or '？' or '\n') Cut(i + 1);
            else if (text[i] is '.' or '!' or '?' or '…' && (i + 1 == text.Length || char.IsWhiteSpace(text[i + 1])) && !IsAbbreviation(text, begin, i)) Cut(i + 1);
        }
        Cut(text.Length);
        return sentences;

        void Cut(int end)
        {
            string sentence = string.Join(' ', text[begin..end].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            if (sentence.Length > 0) sentences.Add(sentence);
            begin = end;
        }
    }

    /// <summary>Each with the comma, semicolon, colon or dash that ends it; the last with the sentence's own end.</summary>
    public static IReadOnlyList<string> Clauses(string sentence)
    {
        var clauses = new List<string>();
        int begin = 0;
        for (int i = 0; i + 1 < sentence.Length; i++)
        {
            bool ends = sentence[i] is ',' or ';' or ':' or '—' or '–' && sentence[i + 1] == ' ';
            if (!ends) continue;
            clauses.Add(sentence[begin..(i + 1)]);
            begin = i + 2;
        }
        clauses.Add(sentence[begin..]);
        return clauses;
    }

    /// <summary>A sentence that was cut behind one of its clauses, with an end again.</summary>
    public static string Close(string sentence)
    {
        string trimmed = sentence.TrimEnd(' ', ',', ';', ':', '—', '–');
        return trimmed.Length == 0 || trimmed[^1] is '.' or '!' or '?' or '…' or '。' or '！' or '？' ? trimmed : trimmed + ".";
    }

    private static bool IsAbbreviation(string text, int begin, int at)
    {
        int word = at;
        while (word > begin && !char.IsWhiteSpace(text[word - 1])) word--;
        return text[at] == '.' && at + 1 < text.Length && Abbreviations.Contains(text[word..(at + 1)].ToLowerInvariant());
    }
}
