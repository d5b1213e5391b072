using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ThinkSound.Bindings.Generator;

/// <summary>Sizes and field offsets of a header's structs, in bytes, as clang lays them out on this machine.</summary>
internal static partial class RecordLayouts
{
    public sealed record Layout(int Size, int Alignment, int[] Offsets);

    public static IReadOnlyDictionary<string, Layout> Of(Target target)
    {
        // Clang lays out, and prints, only what is used: a file that asks for the size of each struct.
        var source = new StringBuilder($"#include \"{target.HeaderPath}\"\n");
        int i = 0;
        foreach (StructDeclaration declaration in HeaderReader.Read(target).Of<StructDeclaration>())
            source.Append(CultureInfo.InvariantCulture, $"char use_{i++}[sizeof({declaration.Name})];\n");
        string file = Path.Combine(Path.GetTempPath(), $"layouts-{Guid.NewGuid():N}.c");
        try
        {
            File.WriteAllText(file, source.ToString());
            return Parse(Clang.RecordLayouts(file));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Dictionary<string, Layout> Parse(string dump)
    {
        var layouts = new Dictionary<string, Layout>();
        foreach (Match match in Record().Matches(dump))
        {
            int[] offsets = [.. match.Groups["offsets"].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                .Select(Bytes)];
            layouts[match.Groups["name"].Value] = new Layout(Bytes(match.Groups["size"].Value), Bytes(match.Groups["alignment"].Value), offsets);
        }
        return layouts;
    }

    private static int Bytes(string bits) => int.Parse(bits, CultureInfo.InvariantCulture) / 8;

    [GeneratedRegex(@"Type: (?:struct )?(?<name>\w+)\s.*?Size:(?<size>\d+)\s.*?Alignment:(?<alignment>\d+)\s.*?FieldOffsets: \[(?<offsets>[^\]]*)\]",
                    RegexOptions.Singleline)]
    private static partial Regex Record();
}
