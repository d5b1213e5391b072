using System.Text.RegularExpressions;

namespace ThinkSound.Bindings.Generator;

/// <summary>A header comment as XML documentation. The header writes tables,
/// <code>
/// Generates one clip; returns when it is done.
///   audio        out, planar f32 [2, *num_samples]
///   capacity     floats that `audio` can hold
/// Errors   TS_INVALID_ARGUMENT, TS_CANCELLED
/// </code>
/// whose rows become parameters (or fields), what stands before them the summary, what stands after the remarks.</summary>
internal sealed partial class Documentation
{
    private readonly List<string> _summary = [];
    private readonly List<string> _remarks = [];
    private readonly Dictionary<string, List<string>> _members = [];

    /// <param name="comment">Lines as <see cref="HeaderComments"/> gives them.</param>
    /// <param name="memberNames">Names that a row may begin with.</param>
    public Documentation(IReadOnlyList<string> comment, IReadOnlyCollection<string> memberNames)
    {
        List<string> current = _summary;
        int rowIndent = -1; // of the row being read; deeper lines continue it
        foreach (string line in comment)
        {
            int indent = line.Length - line.TrimStart().Length;
            Match row = TableRow().Match(line);
            string[] names = row.Success ? row.Groups[1].Value.Split(", ") : [];
            if (names.Length > 0 && names.All(memberNames.Contains))
            {
                current = [row.Groups[2].Value];
                foreach (string name in names) _members[name] = current;
                rowIndent = indent;
            }
            else if (rowIndent >= 0 && indent > rowIndent)
            {
                current.Add(line.TrimStart());
            }
            else
            {
                if (rowIndent >= 0 || RemarkLine().IsMatch(line)) current = _remarks;
                rowIndent = -1;
                current.Add(line);
            }
        }
    }

    public IReadOnlyList<string> Member(string name) => _members.TryGetValue(name, out var lines) ? lines : [];

    public IEnumerable<string> SummaryLines() => Element("summary", "", _summary);

    public IEnumerable<string> RemarkLines() => Element("remarks", "", _remarks);

    public static IEnumerable<string> ParameterLines(string name, IReadOnlyList<string> text) =>
        Element("param", $" name=\"{name}\"", text);

    public static IEnumerable<string> Element(string tag, string attributes, IReadOnlyList<string> text)
    {
        if (text.Count == 0) yield break;
        if (text.Count == 1)
        {
            yield return $"/// <{tag}{attributes}>{Escape(text[0].Trim())}</{tag}>";
            yield break;
        }
        yield return $"/// <{tag}{attributes}>";
        foreach (string line in text) yield return ("/// " + Escape(line)).TrimEnd();
        yield return $"/// </{tag}>";
    }

    private static string Escape(string text) =>
        Quoted().Replace(text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
                             .Replace(">", "&gt;", StringComparison.Ordinal), "<c>$1</c>");

    [GeneratedRegex(@"^\s{2,}(\w+(?:, \w+)*)\s{2,}(\S.*)$")]
    private static partial Regex TableRow();

    [GeneratedRegex(@"^(Errors|Threads)\b")]
    private static partial Regex RemarkLine();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();
}
