using System.Text.RegularExpressions;

namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>Reads an instruction without a language model: clauses joined by "and", "then", "but" or a comma, each of them a
/// sentence of <see cref="Sentences"/> with its time and amount. It is understood as a whole or not at all.</summary>
internal static partial class EditGrammar
{
    private const int MostJoints = 16;

    /// <summary>The clauses, in their order.</summary>
    /// <exception cref="EditException">It is no sentence, or a part of it is not understood.</exception>
    public static IReadOnlyList<EditClause> Read(string instruction)
    {
        string text = InstructionText.Normalise(InstructionText.Check(instruction)).Trim(' ', ',', ';', '.', '!', '?');
        if (text.Contains('?')) text = text.Replace('?', ','); // "could you remove the rain? and add a bell"
        Match[] joints = [.. Joints().Matches(text).OfType<Match>()];
        if (joints.Length > MostJoints)
            throw new EditException(EditProblem.NotUnderstood, $"the instruction has {joints.Length + 1} parts, more than can be kept apart: give it in several instructions");
        try
        {
            return new Reader(text, joints).Read(0, 0) ?? throw NotUnderstood(text, joints);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new EditException(EditProblem.NotUnderstood, "the instruction is too tangled to be read: say it in shorter sentences");
        }
    }

    /// <summary>Splits as late as needed: "rain and wind" is one list where "wind" is no clause.</summary>
    private sealed class Reader(string text, Match[] joints)
    {
        private readonly Dictionary<int, IReadOnlyList<EditClause>?> _read = [];

        public IReadOnlyList<EditClause>? Read(int begin, int joint)
        {
            if (_read.TryGetValue(begin, out IReadOnlyList<EditClause>? known)) return known;
            for (int i = joint; i < joints.Length; i++)
            {
                if (joints[i].Index <= begin || Clause(text[begin..joints[i].Index]) is not { } first) continue;
                if (Read(joints[i].Index + joints[i].Length, i + 1) is { } others) return _read[begin] = [first, .. others];
            }
            return _read[begin] = Clause(text[begin..]) is { } only ? [only] : null;
        }
    }

    /// <summary>One clause; null if it is none.</summary>
    internal static EditClause? Clause(string text)
    {
        string clause = Courtesy().Replace(text.Trim(' ', ',', ';', '.', '!'), "");
        clause = Closing().Replace(clause, "").Trim(' ', ',');
        if (clause.Length == 0) return null;
        if (Prohibition().Match(clause) is { Success: true } no && Clause(clause[no.Length..]) is { Kind: ClauseKind.Do } forbidden)
            return forbidden with { Kind = ClauseKind.Avoid, Text = text };

        string rest = clause;
        TimePhrase? when = TimePhrases.Take(ref rest);
        if (EventTimes.Take(ref rest) is { } byEvent) when = TimePhrase.Join(when, byEvent);
        Amount amount = Amount.Take(ref rest);
        rest = Courtesy().Replace(rest.Trim(' ', ','), "");
        foreach (var (pattern, read) in Sentences.Table)
        {
            Match match = pattern.Match(rest);
            if (!match.Success || read(match) is not { } found) continue;
            if (found.Targets.Concat(found.With).Any(sound => Verb().IsMatch(sound.Words))) return null; // two clauses without anything between them
            bool hasOwnAmount = found.Amount != new Amount();
            return found with { When = when, Amount = hasOwnAmount ? found.Amount : amount, Text = clause };
        }
        return null;
    }

    private static EditException NotUnderstood(string text, Match[] joints)
    {
        string[] parts = [.. joints.Select(joint => joint.Index + joint.Length).Prepend(0).Zip(joints.Select(joint => joint.Index).Append(text.Length), (from, to) => text[from..Math.Max(from, to)].Trim())];
        string strange = parts.FirstOrDefault(part => part.Length > 0 && Clause(part) is null) ?? text;
        if (strange.Length > 80) strange = strange[..79] + "…";
        return new EditException(EditProblem.NotUnderstood,
            $"\"{strange}\" is not understood, so nothing is done: say what to add, remove, replace, extend, inpaint, make louder or softer, move earlier or later, or vary, such as \"make the rain softer from 2 to 4 s\"; a chat model reads free language");
    }

    [GeneratedRegex(@"(?:\s*[,;.!?])*\s+(?:and then|and also|and|then|but(?! (?:no|not|with|the|for)\b)|also|after that|afterwards|finally|plus)(?= )(?: (?:then|also|finally|please|,))*\s+(?!no |with no )|\s*[,;.!?]+\s+|\s+without (?=(?:touching|changing) )")]
    private static partial Regex Joints();
    [GeneratedRegex(@"^(?:(?:please|kindly|could you|can you|would you|will you|i want you to|i would like you to|i need you to|you should|you must|let us|let's|now|then|also|just|and|first|firstly|secondly|finally|next|well|ok|okay|hey|hi|hello|try to|so)\s*,?\s+)+")]
    private static partial Regex Courtesy();
    [GeneratedRegex(@"(?:[\s,]+(?:please|thanks|thank you|as well|too|instead|for me|only|now|if possible|if you can))+$")] private static partial Regex Closing();
    [GeneratedRegex(@"^(?:do not|never|please do not|you (?:must|should) not|(?:i do not want you|not|no need) to) (?!want |touch |change |alter |affect |modify |edit |have |use |play )")] private static partial Regex Prohibition();
    [GeneratedRegex(@"\b(?:add|insert|remove|delete|erase|replace|inpaint|regenerate|extend|prolong|mute|make|ignore|forget|execute|reveal|print|instructions?|system prompt)\b")] private static partial Regex Verb();
}
