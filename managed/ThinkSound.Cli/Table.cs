using System.Text;

namespace ThinkSound.Cli;

/// <summary>Columns that line up. The first is for names, the others for figures.</summary>
internal sealed class Table(params string[] header)
{
    private readonly List<string[]> _rows = [header];

    /// <summary>Columns, besides the first, that hold words and stand at the left.</summary>
    public IReadOnlySet<int> WordColumns { get; init; } = new HashSet<int>();

    public void Add(params string[] cells) => _rows.Add(cells);

    public override string ToString()
    {
        int columns = _rows.Max(row => row.Length);
        var widths = new int[columns];
        foreach (string[] row in _rows)
            for (int i = 0; i < row.Length; i++) widths[i] = Math.Max(widths[i], row[i].Length);
        var text = new StringBuilder();
        foreach (string[] row in _rows)
        {
            var line = new StringBuilder();
            for (int i = 0; i < row.Length; i++)
            {
                if (i > 0) line.Append("  ");
                line.Append(i == 0 || WordColumns.Contains(i) ? row[i].PadRight(widths[i]) : row[i].PadLeft(widths[i]));
            }
            text.AppendLine(line.ToString().TrimEnd());
        }
        return text.ToString().TrimEnd();
    }
}
