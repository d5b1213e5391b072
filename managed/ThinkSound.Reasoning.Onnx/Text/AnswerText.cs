using System.Text;

namespace ThinkSound.Reasoning.Onnx.Text;

/// <summary>An answer as it comes: tokens in, text out that will not change any more. Bytes wait for the rest of their character, and
/// text waits while it may be the beginning of a stop text.</summary>
internal sealed class AnswerText(ByteLevelTokenizer tokenizer, IReadOnlyList<string> stopTexts)
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();
    private string _held = "";

    /// <summary>A stop text has come up; nothing more will be shown.</summary>
    public bool IsStopped { get; private set; }

    public string Add(int token) => tokenizer.IsSpecial(token) ? "" : Show(Decode(tokenizer.BytesOf(token), isEnd: false));

    /// <summary>What was still held back.</summary>
    public string End()
    {
        string text = Show(Decode([], isEnd: true));
        if (IsStopped) return text;
        text += _held;
        _held = "";
        return text;
    }

    private string Decode(ReadOnlySpan<byte> bytes, bool isEnd)
    {
        var chars = new char[_decoder.GetCharCount(bytes, isEnd)];
        _decoder.GetChars(bytes, chars, isEnd);
        return new string(chars);
    }

    private string Show(string more)
    {
        if (IsStopped) return "";
        _held += more;
        int stop = stopTexts.Select(text => _held.IndexOf(text, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(-1).Min();
        IsStopped = stop >= 0;
        int shown = IsStopped ? stop : _held.Length - stopTexts.Select(BegunBy).DefaultIfEmpty(0).Max();
        string text = _held[..shown];
        _held = _held[shown..];
        return text;
    }

    /// <summary>How many of the last characters are the beginning of a stop text.</summary>
    private int BegunBy(string stopText)
    {
        for (int length = Math.Min(stopText.Length - 1, _held.Length); length > 0; length--)
            if (_held.AsSpan(_held.Length - length).SequenceEqual(stopText.AsSpan(0, length))) return length;
        return 0;
    }
}
