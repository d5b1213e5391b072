using System.Security.Cryptography;

namespace ThinkSound.Projects;

/// <summary>A file in the making that will be named by the SHA-256 of its bytes. Until <see cref="Keep"/> it has a temporary name.</summary>
internal sealed class ContentFile : IDisposable
{
    private readonly ContentFolder _folder;
    private readonly string _ending, _temporary;
    private readonly FileStream _file;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Action<string> _isNew;
    private bool _isKept;

    /// <param name="folder">Where it goes.</param>
    /// <param name="ending">".f32".</param>
    /// <param name="isNew">Told the path of a file that was not there before.</param>
    public ContentFile(ContentFolder folder, string ending, Action<string> isNew)
    {
        (_folder, _ending, _isNew) = (folder, ending, isNew);
        _temporary = Path.Combine(folder.Path, $"{Guid.NewGuid():N}{Temporary}");
        _file = Guarded(() =>
        {
            Directory.CreateDirectory(folder.Path);
            return new FileStream(_temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);
        });
    }

    /// <summary>Ending of files that are not complete.</summary>
    public const string Temporary = ".part";

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        try
        {
            _file.Write(bytes);
        }
        catch (Exception e) when (AtomicFile.IsWriteFailure(e))
        {
            throw CannotWrite(e);
        }
    }

    /// <summary>Gives it its name; the hash.</summary>
    public string Keep()
    {
        if (_isKept) throw new InvalidOperationException("the file is kept already");
        string hash = Convert.ToHexStringLower(_hash.GetHashAndReset()), path = _folder.PathOf(hash, _ending);
        Guarded(() =>
        {
            _file.Flush(flushToDisk: true); // or a crash after the move could leave an empty file under the final name
            _file.Dispose();
            bool isNew = !File.Exists(path);
            File.Move(_temporary, path, overwrite: true); // the same bytes, unless those that are there are damaged
            if (isNew) _isNew(path);
            return true;
        });
        _isKept = true;
        return hash;
    }

    public void Dispose()
    {
        try
        {
            _file.Dispose();
        }
        catch (Exception e) when (!_isKept && AtomicFile.IsWriteFailure(e))
        {
            // What could not be flushed to a full disk is deleted anyway.
        }
        _hash.Dispose();
        if (!_isKept) AtomicFile.TryDelete(_temporary);
    }

    private T Guarded<T>(Func<T> write)
    {
        try
        {
            return write();
        }
        catch (Exception e) when (AtomicFile.IsWriteFailure(e))
        {
            throw CannotWrite(e);
        }
    }

    private ProjectException CannotWrite(Exception e) =>
        new(ProjectFailure.CannotWrite, $"{_folder.Path}: cannot be written: {e.Message}; the project is as it was", e);
}
