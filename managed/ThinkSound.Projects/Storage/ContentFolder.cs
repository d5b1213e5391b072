using System.Security.Cryptography;

namespace ThinkSound.Projects;

/// <summary>Files that are named by what is in them: never changed, so that whoever reads them needs no lock.</summary>
internal sealed class ContentFolder(string path)
{
    public const string StemEnding = ".f32", BlobEnding = ".bin";

    public string Path { get; } = path;

    public string PathOf(string hash, string ending)
    {
        if (hash.Length != 64 || !hash.All(char.IsAsciiHexDigitLower)) throw new ProjectException(ProjectFailure.Damaged, $"{Path}: \"{hash}\" is no name of a content");
        return System.IO.Path.Combine(Path, hash + ending);
    }

    /// <summary>Opens a file of which the length is known.</summary>
    public FileStream Open(string hash, string ending, long numBytes)
    {
        string file = PathOf(hash, ending);
        try
        {
            var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            long length = stream.Length;
            if (length == numBytes) return stream;
            stream.Dispose();
            throw new ProjectException(ProjectFailure.Damaged, $"{file}: has {length} bytes and not {numBytes}; {Mend}");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ProjectException(ProjectFailure.Damaged, $"{file}: is missing; {Mend}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ProjectException(ProjectFailure.Damaged, $"{file}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Reads a file from begin to end; what is wrong with it, or null.</summary>
    public string? Verify(string hash, string ending, long numBytes, CancellationToken cancel)
    {
        try
        {
            using FileStream file = Open(hash, ending, numBytes);
            using var sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var block = new byte[1 << 20];
            for (int count; (count = file.Read(block)) > 0; cancel.ThrowIfCancellationRequested()) sum.AppendData(block, 0, count);
            return Convert.ToHexStringLower(sum.GetHashAndReset()) == hash ? null : $"{file.Name}: holds other bytes than it should; {Mend}";
        }
        catch (ProjectException e)
        {
            return e.Message;
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    private const string Mend = "rendering its operation again makes it anew (thinksound project check --repair)";
}
