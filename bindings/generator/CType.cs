using System.Globalization;

namespace ThinkSound.Bindings.Generator;

/// <summary>A C type as far as a flat C ABI needs one: a named type, how often it is pointed to, and an array length.
/// <c>const</c> is dropped, because C# has no place for it.</summary>
/// <param name="Length">Elements of <c>char name[32]</c>; 0 when it is no array.</param>
internal sealed record CType(string Name, int Pointers, int Length = 0)
{
    /// <summary>Reads clang's spelling: <c>const char *</c>, <c>ts_engine **</c>, <c>int64_t[5]</c>.</summary>
    public static CType Parse(string spelling)
    {
        string text = spelling;
        int length = 0;
        if (text.EndsWith(']'))
        {
            int open = text.IndexOf('[', StringComparison.Ordinal);
            if (open != text.LastIndexOf('[') || !int.TryParse(text.AsSpan(open + 1, text.Length - open - 2),
                                                               CultureInfo.InvariantCulture, out length) || length == 0)
                throw new GeneratorException($"type '{spelling}': only arrays of one fixed length are bound");
            text = text[..open];
        }
        if (text.Contains('(', StringComparison.Ordinal))
            throw new GeneratorException($"type '{spelling}': give function pointers a typedef of their own");
        int pointers = text.Count(c => c == '*');
        var words = text.Replace("*", " ", StringComparison.Ordinal)
                        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                        .Where(word => word is not ("const" or "struct"));
        return new CType(string.Join(' ', words), pointers, length);
    }

    /// <summary>Splits clang's spelling of a function or of a pointer to one:
    /// <c>int32_t (*)(void *, ts_stage)</c> → the result type and those of the parameters.</summary>
    public static (CType Returns, IReadOnlyList<CType> Parameters) ParseFunction(string spelling)
    {
        int close = spelling.LastIndexOf(')');
        int open = spelling.LastIndexOf('(');
        int end = spelling.IndexOf('(', StringComparison.Ordinal);
        if (open < 0 || close < open || end < 0) throw new GeneratorException($"type '{spelling}' is no function");
        string inside = spelling[(open + 1)..close];
        var parameters = inside is "void" or "" ? [] : inside.Split(',').Select(part => Parse(part.Trim())).ToArray();
        return (Parse(spelling[..end].Trim()), parameters);
    }
}

/// <summary>A problem that the person who runs the generator can mend; its message says how.</summary>
internal sealed class GeneratorException(string message) : Exception(message);
