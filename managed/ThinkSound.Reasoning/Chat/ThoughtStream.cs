using System.Text;
using System.Text.Json.Nodes;
using ThinkSound.Reasoning.Answers;

namespace ThinkSound.Reasoning.Chat;

/// <summary>Reads an answer while it is written: hands out the thoughts in it piece by piece, and notices when it does not come to an
/// end.</summary>
internal sealed class ThoughtStream(int attempt, int maxOutputTokens)
{
    private const string Opening = "<think>", Closing = "</think>";
    private const int CharactersPerToken = 8;           // more than any language's tokens have on average
    private const int LoopLength = 480, LoopPeriod = 80; // so many characters that repeat after so few

    private static readonly (string Name, ReasoningStepKind Kind)[] Parts =
    [
        ("seen", ReasoningStepKind.Seen), ("timing", ReasoningStepKind.Timing), ("sound", ReasoningStepKind.Sound),
        ("space", ReasoningStepKind.Space), ("avoid", ReasoningStepKind.Avoid), ("mix", ReasoningStepKind.Mix),
    ];

    private readonly StringBuilder _text = new();
    private readonly Dictionary<ReasoningStepKind, string> _told = [];
    private int _deliberated, _characters, _checkedAt;
    private bool _isPastThoughts;

    /// <summary>The answer so far, without what the model said to itself.</summary>
    public string Answer
    {
        get
        {
            string text = _text.ToString();
            int closing = text.IndexOf(Closing, StringComparison.Ordinal);
            if (closing >= 0) return text[(closing + Closing.Length)..];
            return text.TrimStart().StartsWith(Opening, StringComparison.Ordinal) ? "" : text;
        }
    }

    /// <summary>Characters so far, deliberation included.</summary>
    public int Characters => _characters;

    /// <summary>It is over its budget, or goes round in circles.</summary>
    public bool IsEndless { get; private set; }

    /// <summary>Takes what a model says to itself.</summary>
    public ReasoningStep Deliberate(string text)
    {
        Count(text);
        return Step(ReasoningStepKind.Deliberation, text);
    }

    /// <summary>Takes the next piece of the answer; what is new in its thoughts.</summary>
    public IReadOnlyList<ReasoningStep> Add(string piece)
    {
        _text.Append(piece);
        Count(piece);
        var steps = new List<ReasoningStep>();
        AddDeliberation(steps);
        if (!_isPastThoughts) AddThoughts(steps);
        return steps;
    }

    /// <summary>Models of some servers deliberate within the answer, in tags.</summary>
    private void AddDeliberation(List<ReasoningStep> steps)
    {
        if (_deliberated < 0) return;
        string text = _text.ToString();
        int begin = text.Length - text.TrimStart().Length + Opening.Length;
        if (!text.TrimStart().StartsWith(Opening, StringComparison.Ordinal)) return;
        int closing = text.IndexOf(Closing, StringComparison.Ordinal);
        int end = closing >= 0 ? closing : text.Length - Math.Min(text.Length - begin, Closing.Length - 1); // perhaps half a tag
        begin = Math.Max(begin, _deliberated);
        if (end > begin) steps.Add(Step(ReasoningStepKind.Deliberation, text[begin..end]));
        _deliberated = closing >= 0 ? -1 : Math.Max(begin, end);
    }

    private void AddThoughts(List<ReasoningStep> steps)
    {
        if (LenientJson.Find(Answer, ["thoughts"]) is not { } found) return;
        if (found.Value["thoughts"] is JsonObject thoughts)
            foreach (var (name, kind) in Parts)
            {
                if (thoughts[name] is not JsonValue value || !value.TryGetValue(out string? text)) continue;
                string told = _told.GetValueOrDefault(kind, "");
                if (text.Length <= told.Length || !text.StartsWith(told, StringComparison.Ordinal)) continue;
                steps.Add(Step(kind, text[told.Length..]));
                _told[kind] = text;
            }
        _isPastThoughts = found.Value.Count > 1 && found.Value.First().Key == "thoughts";
    }

    private void Count(string piece)
    {
        _characters += piece.Length;
        if (_characters > (long)CharactersPerToken * maxOutputTokens) IsEndless = true;
        if (_characters - _checkedAt < LoopLength / 4) return;
        _checkedAt = _characters;
        IsEndless |= GoesInCircles();
    }

    private bool GoesInCircles()
    {
        if (_text.Length < LoopLength + LoopPeriod) return false;
        string tail = _text.ToString(_text.Length - LoopLength - LoopPeriod, LoopLength + LoopPeriod);
        for (int period = 1; period <= LoopPeriod; period++)
            if (tail.AsSpan(LoopPeriod).SequenceEqual(tail.AsSpan(LoopPeriod - period, LoopLength))) return true;
        return false;
    }

    private ReasoningStep Step(ReasoningStepKind kind, string text) => new(kind, text) { Attempt = attempt };
}
