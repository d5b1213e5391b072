namespace ThinkSound;

/// <summary>Files that are there completely or not at all: written beside their place, then moved.</summary>
internal static class AtomicFile
{
    /// <summary>Makes a file of what <paramref name="write"/> writes.</summary>
    /// <exception cref="IOException">The folder is missing, the disk is full, or the file exists and <paramref name="overwrite"/> is
    /// false; see <see cref="IsWriteFailure"/> for what else.</exception>
    public static void Write(string path, Action<Stream> write, bool overwrite)
    {
        string full = Path.GetFullPath(path);
        // In the same folder, since a move within one file system is atomic; under a name of its own, since that of the file may have no room left.
        string temporary = Path.Combine(Path.GetDirectoryName(full) ?? full, $".{Guid.NewGuid():N}.part");
        try
        {
            using (var file = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                write(file);
                file.Flush(flushToDisk: true); // or a crash after the move could leave an empty file under the final name
            }
            File.Move(temporary, full, overwrite);
        }
        catch
        {
            TryDelete(temporary);
            throw;
        }
    }

    /// <summary>The folder or the disk, not the program: .NET says of a file that has grown beyond what its file system or a limit
    /// allows (EFBIG) that an argument is out of range.</summary>
    public static bool IsWriteFailure(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException { ParamName: "value" };

    /// <summary>Deletes a file that may be gone already.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Whatever kept it from being written keeps it from being deleted; the first reason is the one to tell.
        }
    }
}
