using System.Runtime.InteropServices;

namespace ThinkSound.Rendering.Foley;

/// <summary>Sound that waits on disk until all of it is there, because only then its gain is known: 8 bytes a sample of stereo, in a
/// file that goes with this object, and on Unix with the program, however it ends. One caller at a time.</summary>
internal sealed class SoundSpool : IDisposable
{
    private const int BlockSamples = 1 << 16;

    private readonly FileStream _file;

    /// <param name="folder">Has room.</param>
    public SoundSpool(string folder)
    {
        string path = Path.Combine(folder, $".thinksound-{Guid.NewGuid():N}.part");
        _file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0, Options = FileOptions.DeleteOnClose,
        });
        if (!OperatingSystem.IsWindows()) File.Delete(path); // open files need no name there
    }

    /// <summary>Takes the next samples.</summary>
    public void Write(AudioClip piece) => _file.Write(MemoryMarshal.AsBytes<float>(piece.ToInterleaved()));

    /// <summary>All of it again, in blocks of whole samples, interleaved; a block is valid until the next.</summary>
    /// <param name="channels">Of every piece.</param>
    public IEnumerable<ReadOnlyMemory<float>> Read(int channels)
    {
        _file.Position = 0;
        var block = new float[BlockSamples * channels];
        while (_file.ReadAtLeast(MemoryMarshal.AsBytes(block.AsSpan()), 4 * block.Length, throwOnEndOfStream: false) is > 0 and int bytes)
            yield return block.AsMemory(0, bytes / 4);
    }

    public void Dispose() => _file.Dispose();
}
