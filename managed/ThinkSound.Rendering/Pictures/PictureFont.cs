using SkiaSharp;

namespace ThinkSound.Rendering.Pictures;

/// <summary>A font of the system, found by its file: the drawing library here knows no font service. Without one, pictures
/// are drawn without words.</summary>
public static class PictureFont
{
    // Plain, readable, with the signs we need (−, ·, …); the first that is there is taken.
    private static readonly string[] Preferred =
    [
        "DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "FreeSans.ttf", "Ubuntu-R.ttf", "Roboto-Regular.ttf",
        "Arial.ttf", "segoeui.ttf", "Helvetica.ttc",
    ];

    private static readonly Lazy<string?> Found = new(Find);
    private static readonly Lazy<SKTypeface?> Loaded = new(() => Found.Value is { } file ? SKTypeface.FromFile(file) : null);

    /// <summary>The font file that pictures are written with; null if the system has none.</summary>
    public static string? FilePath => Found.Value;

    internal static SKTypeface? Typeface => Loaded.Value;

    private static string? Find()
    {
        var fonts = new SortedDictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (string folder in Folders().Where(Directory.Exists))
        {
            var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true };
            foreach (string file in Directory.EnumerateFiles(folder, "*.tt?", options)) fonts.TryAdd(Path.GetFileName(file), file);
        }
        foreach (string name in Preferred)
            if (fonts.TryGetValue(name, out string? file)) return file;
        return fonts.Values.FirstOrDefault(file => file.EndsWith(".ttf", StringComparison.OrdinalIgnoreCase));
    }

    private static IEnumerable<string> Folders()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        if (OperatingSystem.IsWindows()) return [Environment.GetFolderPath(Environment.SpecialFolder.Fonts)];
        if (OperatingSystem.IsMacOS()) return ["/System/Library/Fonts", "/Library/Fonts", Path.Combine(home, "Library/Fonts")];
        return ["/usr/share/fonts", "/usr/local/share/fonts", Path.Combine(home, ".local/share/fonts"), Path.Combine(home, ".fonts")];
    }
}
