using System.Runtime.InteropServices;

namespace ThinkSound.Projects;

/// <summary>That a renamed file is under its new name also after the power fails.</summary>
internal static partial class Durability
{
    /// <summary>Has the entries of a folder written. Not every file system can, and then the order in which it writes them has to
    /// do, so failures say nothing; .NET opens no folders, so libc does.</summary>
    public static void Sync(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        int descriptor = Open(folder, 0);
        if (descriptor < 0) return;
        _ = FSync(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int readOnly);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
