namespace ThinkSound.Reasoning.Texts;

/// <summary>Texts that the encoders read to their ends. What goes first is what the sound can best do without: hints on the mix, then
/// the space, then what to avoid, then the fainter events; within a sentence its last clauses go before the whole.</summary>
internal static class TextFitter
{
    private static readonly string[] Order = ["first", "then", "after", "before", "next", "finally", "followed", "begin", "start", "end", "while", "throughout"];
    private static readonly string[] Against = ["no", "not", "without", "avoid", "avoiding", "free", "exclude", "never", "absent", "omit"];
    private static readonly string[] Mixing = ["mix", "balance", "level", "levels", "volume", "fade", "loudness", "ensure", "keep", "blend", "overall"];
    private static readonly string[] Where = ["room", "space", "reverberation", "reverb", "acoustic", "acoustics", "outdoor", "outdoors", "indoor", "indoors", "echo", "background", "ambience", "ambient"];

    /// <summary>Both texts of a reasoning.</summary>
    public static Reasoning Fit(Reasoning reasoning, ITokenCounter tokens)
    {
        var shortened = new List<Shortening>();
        string caption = FitOne(TextEncoder.Clip, reasoning.Caption), thought = FitOne(TextEncoder.T5, reasoning.ChainOfThought);
        return reasoning with { Caption = caption, ChainOfThought = thought, Shortened = shortened };

        string FitOne(TextEncoder encoder, string text)
        {
            // A text that is still what shortening left of it is taken whole; one that somebody wrote since then is theirs.
            if (reasoning.Shortened.FirstOrDefault(s => s.Encoder == encoder) is { } before && IsWhatIsLeft(text, before)) text = before.Original;
            if (tokens.Count(encoder, text) is not { } pieces || pieces <= tokens.Limit(encoder)) return text;
            var (kept, omitted) = Shorten(text, part => tokens.Count(encoder, part)!.Value <= tokens.Limit(encoder), sentence => Importance(sentence, reasoning.Events));
            shortened.Add(new Shortening { Encoder = encoder, Original = text, Omitted = omitted, Pieces = pieces, Limit = tokens.Limit(encoder) });
            return kept;
        }
    }

    /// <summary>The longest rest of a text that fits, and what was left out for it.</summary>
    /// <param name="text">Does not fit.</param>
    /// <param name="fits">Whether a text fits.</param>
    /// <param name="importance">Of a sentence; of equal ones the later goes first.</param>
    public static (string Kept, IReadOnlyList<string> Omitted) Shorten(string text, Predicate<string> fits, Func<string, double> importance)
    {
        List<Part> parts = [.. Sentences.Split(text).Select((sentence, place) => new Part([.. Sentences.Clauses(sentence)], importance(sentence), place))];
        var omitted = new List<string>();
        while (!fits(Join(parts)))
        {
            // The least important sentence loses its last clause; when it has only one left, it goes.
            Part least = parts.OrderBy(part => part.Importance).ThenByDescending(part => part.Place).First();
            if (parts.Count == 1 && least.Clauses.Count == 1) return (LongestPrefix(least.Clauses[0], fits, omitted), omitted);
            string clause = least.Clauses[^1];
            if (least.IsCut) omitted[^1] = $"{clause} {omitted[^1]}"; // the clause before what went last
            else omitted.Add(clause);
            least.Clauses.RemoveAt(least.Clauses.Count - 1);
            least.IsCut = true;
            if (least.Clauses.Count == 0) parts.Remove(least);
        }
        return (Join(parts), omitted);
    }

    /// <summary>What a sentence is worth for the sound.</summary>
    public static double Importance(string sentence, IReadOnlyList<SoundEvent> events)
    {
        string[] words = Words(sentence);
        if (words.Length == 0) return 0;
        // What a sentence begins with is what it is for: "Ensure that the footsteps …" is about the mix.
        if (Against.Contains(words[0])) return 1.5;
        if (Mixing.Contains(words[0])) return 0.5;
        double order = words.Any(Order.Contains) ? 0.25 : 0;
        double loudest = events.Where(e => Words($"{e.Object} {e.Action} {e.Sound}").Any(word => word.Length > 3 && words.Any(other => IsSameStem(word, other))))
                               .Select(e => e.Intensity).DefaultIfEmpty(-1).Max();
        if (loudest >= 0) return 2 + 2 * loudest + order;
        return (words.Any(Against.Contains) ? 1.5 : words.Any(Mixing.Contains) ? 0.5 : words.Any(Where.Contains) ? 1 : 2) + order;
    }

    private static string LongestPrefix(string clause, Predicate<string> fits, List<string> omitted)
    {
        string[] words = clause.Split(' ');
        int low = 0, high = words.Length - 1; // the most words that fit
        while (low < high)
        {
            int middle = (low + high + 1) / 2;
            if (fits(Sentences.Close(string.Join(' ', words[..middle])))) low = middle;
            else high = middle - 1;
        }
        omitted.Add(string.Join(' ', words[low..]));
        return Sentences.Close(string.Join(' ', words[..low]));
    }

    private static bool IsWhatIsLeft(string text, Shortening before)
    {
        string[] whole = Words(before.Original), left = Words(text);
        int at = 0;
        foreach (string word in whole)
            if (at < left.Length && left[at] == word) at++;
        return left.Length > 0 && at == left.Length && left.Length + before.Omitted.Sum(part => Words(part).Length) == whole.Length;
    }

    private static string Join(List<Part> parts) =>
        string.Join(' ', parts.OrderBy(part => part.Place).Select(part => part.IsCut ? Sentences.Close(string.Join(' ', part.Clauses)) : string.Join(' ', part.Clauses)));

    private static string[] Words(string text) =>
        [.. text.ToLowerInvariant().Split([.. text.Where(c => !char.IsLetterOrDigit(c)).Distinct()], StringSplitOptions.RemoveEmptyEntries)];

    private static bool IsSameStem(string a, string b)
    {
        int shared = Math.Min(5, Math.Min(a.Length, b.Length));
        return shared >= 4 && a.AsSpan(0, shared).SequenceEqual(b.AsSpan(0, shared)) || a == b;
    }

    private sealed class Part(List<string> clauses, double importance, int place)
    {
        public List<string> Clauses { get; } = clauses;
        public double Importance { get; } = importance;
        public int Place { get; } = place;
        public bool IsCut { get; set; }
    }
}
