namespace ThinkSound.Rendering;

/// <summary>Places that results go to, looked at before the work begins: minutes of it should not end at a file that could never
/// be written.</summary>
internal static class OutputPath
{
    /// <summary>Refuses a path that cannot become a result.</summary>
    /// <param name="path">The file to be.</param>
    /// <param name="input">The file that is read; null if there is none.</param>
    /// <param name="overwrite">Existing files may be replaced.</param>
    /// <exception cref="ArgumentException">It is the input, or exists and may not be replaced.</exception>
    /// <exception cref="OutputException">It is a folder, or its folder is missing or cannot be written.</exception>
    public static void Check(string path, string? input, bool overwrite)
    {
        string full = Path.GetFullPath(path), folder = Path.GetDirectoryName(full) ?? full;
        if (input is not null && Real(full) == Real(Path.GetFullPath(input))) throw new ArgumentException($"{path}: is the input itself; choose another name");
        if (Directory.Exists(full)) throw new OutputException($"{path}: is a folder");
        if (!Directory.Exists(folder)) throw new OutputException($"{path}: its folder {folder} does not exist");
        if (!File.Exists(full)) TryFolder(path, folder);
        else if (!IsDevice(full) && !overwrite) throw new ArgumentException($"{path}: exists already; allow overwriting (--force) to replace it");
    }

    /// <summary>/dev/stdout and its kin are written to, never replaced.</summary>
    public static bool IsDevice(string path)
    {
        if (OperatingSystem.IsWindows() || !File.Exists(path)) return false;
        string target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(path);
        return Path.GetFullPath(path).StartsWith("/dev/", StringComparison.Ordinal) || target.StartsWith("/dev/", StringComparison.Ordinal) ||
               target.StartsWith("/proc/", StringComparison.Ordinal);
    }

    /// <summary>Where a full path leads through all links.</summary>
    private static string Real(string full)
    {
        if (Path.GetDirectoryName(full) is not { } folder) return full;
        string path = Path.Combine(Real(folder), Path.GetFileName(full));
        bool exists = File.Exists(path) || Directory.Exists(path); // a link that leads in circles leads nowhere
        return exists && File.ResolveLinkTarget(path, returnFinalTarget: true) is { } target ? Real(target.FullName) : path;
    }

    private static void TryFolder(string path, string folder)
    {
        string probe = Path.Combine(folder, $".thinksound-{Guid.NewGuid():N}.part");
        try
        {
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose)) { }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{path}: cannot be written: {e.Message}", e);
        }
    }
}
