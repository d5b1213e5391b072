namespace ThinkSound.Rendering;

/// <summary>Formats that can be written, by the endings of their files.</summary>
public static class OutputFormat
{
    private static readonly string[] Videos = ["mp4", "mov", "mkv", "webm"];
    private static readonly string[] Sounds = ["wav", "flac", "ogg", "opus", "mp3", "m4a"];

    /// <summary>All of them: those that carry video first.</summary>
    public static IReadOnlyList<string> Known { get; } = [.. Videos, .. Sounds];

    /// <summary>Endings that videos to read usually have, with their point.</summary>
    public static IReadOnlyList<string> VideoEndings { get; } =
        [".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".ogv", ".3gp", ".flv", ".wmv"];

    /// <summary>A format that can be written.</summary>
    public static bool IsKnown(string format) => Known.Contains(format);

    /// <summary>A format that carries video.</summary>
    public static bool HasVideo(string format) => Videos.Contains(format);

    /// <summary>The format that the ending of a path stands for, else the ending itself, in small letters; "" if it has none.</summary>
    public static string OfPath(string path) => Path.GetExtension(path).TrimStart('.').ToLowerInvariant() switch
    {
        "m4v" => "mp4",
        "qt" => "mov",
        "oga" => "ogg",
        "wave" => "wav",
        string ending => ending,
    };
}
