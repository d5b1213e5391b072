using System.Text;

namespace ThinkSound.Reasoning.Prompts;

/// <summary>A text file with places for values, <c>{{name}}</c>. A line with a place whose value is empty is left out.</summary>
internal static class PromptTemplate
{
    /// <summary>Puts values into an embedded file. Values are put in as they are, places in them too: what a user wrote must have been
    /// made harmless before.</summary>
    /// <exception cref="ArgumentException">A place has no value.</exception>
    public static string Render(string name, IReadOnlyDictionary<string, string> values)
    {
        var rendered = new StringBuilder();
        foreach (string line in Resource.Read(name + ".txt").Split('\n'))
            if (RenderLine(line, values) is { } text) rendered.Append(text).Append('\n');
        return rendered.ToString().Trim();
    }

    private static string? RenderLine(string line, IReadOnlyDictionary<string, string> values)
    {
        var rendered = new StringBuilder();
        int at = 0;
        for (int open = line.IndexOf("{{", StringComparison.Ordinal); open >= 0; open = line.IndexOf("{{", at, StringComparison.Ordinal))
        {
            int close = line.IndexOf("}}", open, StringComparison.Ordinal);
            string name = line[(open + 2)..close];
            if (!values.TryGetValue(name, out string? value)) throw new ArgumentException($"the prompt has a place for {name}, and there is no value for it");
            if (value.Length == 0) return null;
            rendered.Append(line, at, open - at).Append(value);
            at = close + 2;
        }
        return rendered.Append(line, at, line.Length - at).ToString();
    }
}
