using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace ThinkSound.Reasoning.Answers;

/// <summary>JSON as language models write it: inside of code fences or between other words, with trailing or missing commas,
/// comments, single quotes, bare keys, raw line breaks, quotation marks inside of strings, or broken off. What strict JSON says is
/// read as strict JSON would.</summary>
internal sealed class LenientJson
{
    private const int MaxDepth = 32, MaxTries = 64;
    private const string Space = " \t\r\n\u00A0\uFEFF";

    private readonly string _text;
    private readonly HashSet<string> _mended = [];
    private int _at;

    private LenientJson(string text, int start) => (_text, _at) = (text, start);

    /// <summary>An object that was found in a text.</summary>
    /// <param name="Value">What could be read of it.</param>
    /// <param name="IsTruncated">The text ended before the object did.</param>
    /// <param name="Repairs">What was mended, a few words each.</param>
    public sealed record Found(JsonObject Value, bool IsTruncated, IReadOnlyCollection<string> Repairs);

    /// <summary>The first object in a text that has at least one of some members; null if there is none.</summary>
    public static Found? Find(string text, IReadOnlyCollection<string> members)
    {
        int tries = 0;
        for (int start = text.IndexOf('{'); start >= 0 && tries++ < MaxTries; start = text.IndexOf('{', start + 1))
        {
            var reader = new LenientJson(text, start);
            if (reader.ReadValue(0) is not JsonObject value || !members.Any(value.ContainsKey)) continue;
            List<string> repairs = [.. reader._mended.Order(StringComparer.Ordinal).Select(what => $"{what} of the JSON were mended")];
            if (text.AsSpan(0, start).ContainsAnyExcept(Space) || text.AsSpan(reader._at).ContainsAnyExcept(Space))
                repairs.Add("words or a code fence around the JSON were left out");
            return new Found(value, reader.IsTruncated, repairs);
        }
        return null;
    }

    private bool IsTruncated { get; set; }

    private JsonNode? ReadValue(int depth)
    {
        SkipSpace();
        if (depth > MaxDepth || IsAtEnd) return End();
        return _text[_at] switch
        {
            '{' => ReadObject(depth),
            '[' => ReadArray(depth),
            '"' or '\'' or '“' or '”' => JsonValue.Create(ReadString()),
            _ => ReadBare(),
        };
    }

    private JsonObject ReadObject(int depth)
    {
        var value = new JsonObject();
        _at++;
        while (true)
        {
            SkipSeparators('}');
            if (IsAtEnd || _text[_at] is '}' or ']')
            {
                Close('}');
                return value;
            }
            string name = _text[_at] is '"' or '\'' or '“' or '”' ? ReadString() : ReadBareName();
            SkipSpace();
            if (IsAtEnd)
            {
                End();
                return value; // a name without its value
            }
            if (_text[_at] is ':' or '=') _at++;
            JsonNode? member = ReadValue(depth + 1);
            if (member is null && IsTruncated) return value;
            value[name] = member; // of a name that comes twice the last counts
        }
    }

    private JsonArray ReadArray(int depth)
    {
        var value = new JsonArray();
        _at++;
        while (true)
        {
            SkipSeparators(']');
            if (IsAtEnd || _text[_at] is ']' or '}')
            {
                Close(']');
                return value;
            }
            int before = _at;
            JsonNode? item = ReadValue(depth + 1);
            if (_at == before)
            {
                if (IsTruncated) return value;
                _at++; // a character that begins nothing
                continue;
            }
            value.Add(item);
        }
    }

    private string ReadString()
    {
        char opening = _text[_at++];
        if (opening != '"') Mended("quotation marks");
        var value = new StringBuilder();
        for (; !IsAtEnd; _at++)
        {
            char c = _text[_at];
            if (c == '\\')
            {
                if (!ReadEscape(value)) return Broken(value);
            }
            else if (Closes(opening, c))
            {
                // Inside of a string stands a quotation mark after which the object does not go on as it would.
                if (EndsHere(_at + 1))
                {
                    _at++;
                    return value.ToString();
                }
                Mended("quotation marks");
                value.Append(c);
            }
            else
            {
                if (c < ' ') Mended("line breaks in strings");
                value.Append(c);
            }
        }
        return Broken(value);

        static bool Closes(char opening, char c) => opening is '“' or '”' ? c == '”' : c == opening;
    }

    /// <summary>What was said before the text broke off, without half a character.</summary>
    private string Broken(StringBuilder value)
    {
        End();
        if (value.Length > 0 && char.IsHighSurrogate(value[^1])) value.Length--;
        return value.ToString();
    }

    private bool ReadEscape(StringBuilder value)
    {
        if (_at + 1 >= _text.Length)
        {
            _at = _text.Length;
            return false;
        }
        char c = _text[++_at];
        if (c != 'u')
        {
            value.Append(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'b' => '\b', 'f' => '\f', _ => c });
            return true;
        }
        if (_at + 4 >= _text.Length)
        {
            _at = _text.Length;
            return false;
        }
        if (ushort.TryParse(_text.AsSpan(_at + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ushort unit))
        {
            value.Append((char)unit);
            _at += 4;
        }
        else
        {
            Mended("escapes");
            value.Append(c);
        }
        return true;
    }

    /// <summary>A string may end here: what follows is a separator, an end, or the next name of an object whose comma is missing.</summary>
    private bool EndsHere(int at)
    {
        while (at < _text.Length && Space.Contains(_text[at])) at++;
        if (at >= _text.Length || _text[at] is ',' or ':' or '}' or ']') return true;
        if (_text[at] is '/' && at + 1 < _text.Length && _text[at + 1] is '/' or '*') return true;
        if (_text[at] != '"') return false;
        int closing = _text.IndexOf('"', at + 1);
        if (closing < 0) return false;
        int after = closing + 1;
        while (after < _text.Length && Space.Contains(_text[after])) after++;
        return after < _text.Length && _text[after] == ':';
    }

    private JsonNode? ReadBare()
    {
        int begin = _at;
        while (!IsAtEnd && _text[_at] is not (',' or '}' or ']' or '\n' or '\r' or '{' or '[') && !IsComment) _at++;
        string word = _text[begin.._at].TrimEnd();
        if (word.Length == 0) return null;
        if (IsAtEnd) IsTruncated = true;
        switch (word)
        {
            case "true": return JsonValue.Create(true);
            case "false": return JsonValue.Create(false);
            case "null": return null;
            case "True" or "False": Mended("bare words"); return JsonValue.Create(word == "True");
            case "None" or "undefined" or "NaN" or "nil": Mended("bare words"); return null;
        }
        if (double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number))
        {
            if (word[0] is '+' or '.' || word[^1] == '.') Mended("numbers");
            return JsonValue.Create(number);
        }
        Mended("bare words");
        return JsonValue.Create(word); // "2.5 s" and the like; whoever knows what belongs here makes sense of it
    }

    private string ReadBareName()
    {
        Mended("bare names");
        int begin = _at;
        while (!IsAtEnd && _text[_at] is not (':' or '=' or ',' or '}' or ']' or '{' or '[' or '\n')) _at++;
        if (_at == begin) _at++; // whatever it is, go on
        return _text[begin.._at].Trim();
    }

    private void SkipSeparators(char closing)
    {
        bool hasComma = false;
        while (true)
        {
            SkipSpace();
            if (IsAtEnd || _text[_at] is not (',' or ';')) break;
            if (hasComma) Mended("commas");
            hasComma = true;
            _at++;
        }
        if (hasComma && !IsAtEnd && _text[_at] == closing) Mended("commas");
    }

    private void SkipSpace()
    {
        while (!IsAtEnd)
        {
            if (Space.Contains(_text[_at])) _at++;
            else if (IsComment)
            {
                Mended("comments");
                bool isLine = _text[_at + 1] == '/';
                int end = _text.IndexOf(isLine ? "\n" : "*/", _at, StringComparison.Ordinal);
                _at = end < 0 ? _text.Length : end + (isLine ? 1 : 2);
            }
            else if (_text[_at] == '#')
            {
                Mended("comments");
                int end = _text.IndexOf('\n', _at);
                _at = end < 0 ? _text.Length : end + 1;
            }
            else break;
        }
    }

    private void Close(char bracket)
    {
        if (IsAtEnd) End();
        else if (_text[_at] == bracket) _at++;
        else Mended("brackets"); // it belongs to what is around this
    }

    private JsonNode? End()
    {
        if (IsAtEnd) IsTruncated = true;
        return null;
    }

    private void Mended(string what) => _mended.Add(what);

    private bool IsComment => _text[_at] == '/' && _at + 1 < _text.Length && _text[_at + 1] is '/' or '*';

    private bool IsAtEnd => _at >= _text.Length;
}
