namespace ThinkSound.Rendering;

/// <summary>Results into their files, which are there completely or not at all.</summary>
internal static class OutputFile
{
    /// <summary>Writes <paramref name="bytes"/> to <paramref name="path"/>.</summary>
    /// <exception cref="OutputException">The folder cannot be written, the disk is full, or the file exists and
    /// <paramref name="overwrite"/> is false.</exception>
    public static void Write(string path, ReadOnlyMemory<byte> bytes, bool overwrite)
    {
        try
        {
            AtomicFile.Write(path, file => file.Write(bytes.Span), overwrite);
        }
        catch (Exception e) when (AtomicFile.IsWriteFailure(e))
        {
            throw new OutputException($"{path}: cannot be written: {e.Message}", e);
        }
    }
}
