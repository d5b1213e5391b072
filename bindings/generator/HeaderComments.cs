using System.Text;
using System.Text.Json;

namespace ThinkSound.Bindings.Generator;

/// <summary>Finds the comment of a declaration in the header's own text. Clang decides which comment belongs to what, but
/// its parsed text loses line breaks and indentation, and with them the tables of parameters.</summary>
internal sealed class HeaderComments(byte[] source)
{
    public IReadOnlyList<string> Of(JsonElement declaration)
    {
        if (!declaration.TryGetProperty("inner", out JsonElement inner)) return [];
        foreach (JsonElement child in inner.EnumerateArray())
        {
            if (child.GetProperty("kind").GetString() != "FullComment") continue;
            int inside = Offset(child.GetProperty("loc"));
            int begin = source.AsSpan(0, inside).LastIndexOf("/*"u8);
            int length = source.AsSpan(inside).IndexOf("*/"u8);
            if (begin < 0 || length < 0) return [];
            int end = inside + length;
            return BelongsTo(declaration, end + 2) ? Lines(Encoding.UTF8.GetString(source, begin + 2, end - begin - 2)) : [];
        }
        return [];
    }

    /// <summary>A comment before its declaration touches it: clang also accepts one a blank line away, which here is the
    /// heading of a section.</summary>
    private bool BelongsTo(JsonElement declaration, int commentEnd)
    {
        int begin = Offset(declaration.GetProperty("range").GetProperty("begin"));
        if (commentEnd > begin) return true; // trails it on the same line
        string between = Encoding.UTF8.GetString(source, commentEnd, begin - commentEnd);
        return between.Count(c => c == '\n') < 2;
    }

    private static int Offset(JsonElement location) =>
        (location.TryGetProperty("expansionLoc", out JsonElement expansion) ? expansion : location).GetProperty("offset").GetInt32();

    /// <summary>The comment's lines without the stars of the left margin; indentation behind the star is kept.</summary>
    internal static IReadOnlyList<string> Lines(string comment)
    {
        var lines = new List<string>();
        foreach (string raw in comment.Split('\n'))
        {
            string line = raw.TrimEnd();
            string trimmed = line.TrimStart();
            if (lines.Count == 0) line = trimmed;
            else if (trimmed.StartsWith("* ", StringComparison.Ordinal)) line = trimmed[2..];
            else if (trimmed == "*") line = "";
            else line = trimmed; // continues a trailing comment, aligned by the eye
            lines.Add(line);
        }
        while (lines.Count > 0 && lines[^1].Length == 0) lines.RemoveAt(lines.Count - 1);
        while (lines.Count > 0 && lines[0].Length == 0) lines.RemoveAt(0);
        return lines;
    }
}
