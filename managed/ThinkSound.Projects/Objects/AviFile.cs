using System.Text;

namespace ThinkSound.Projects;

/// <summary>A video without sound of pictures without loss, PNG in AVI, as any FFmpeg reads it: under a temporary name until
/// <see cref="Finish"/>. One caller at a time.</summary>
internal sealed class AviFile : IDisposable
{
    private const uint MostBytes = 1u << 30; // what every reader of plain AVI takes
    private const int HeaderBytes = 224;     // up to the first picture
    private const uint HasIndex = 0x10, KeyFrame = 0x10;

    private readonly string _path, _temporary;
    private readonly int _width, _height, _framesPerSecond;
    private readonly FileStream _file;
    private readonly BinaryWriter _writer;
    private readonly List<(uint Offset, uint Length)> _frames = [];
    private bool _isFinished;

    /// <param name="path">The file to be; one that is there is replaced.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="framesPerSecond">Of the video.</param>
    public AviFile(string path, int width, int height, int framesPerSecond)
    {
        (_path, _temporary, _width, _height, _framesPerSecond) = (path, $"{path}.{Guid.NewGuid():N}.part", width, height, framesPerSecond);
        _file = new FileStream(_temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 16);
        _writer = new BinaryWriter(_file);
        _writer.Write(new byte[HeaderBytes]); // known at the end
    }

    /// <summary>The next picture.</summary>
    /// <param name="png">A PNG file of the video's size.</param>
    /// <exception cref="ProjectException">The file would become too large.</exception>
    public void Add(ReadOnlySpan<byte> png)
    {
        if (_file.Position + png.Length > MostBytes - 32 * (_frames.Count + 4))
            throw new ProjectException(ProjectFailure.CannotWrite, $"{_path}: the region video passes 1 GB after {_frames.Count / _framesPerSecond} s; choose a shorter range");
        _frames.Add(((uint)(_file.Position - HeaderBytes + 4), (uint)png.Length)); // from the word "movi"
        Chunk("00dc", png);
    }

    /// <summary>Completes the file and gives it its name.</summary>
    public void Finish()
    {
        uint moviesEnd = (uint)_file.Position;
        Word("idx1");
        _writer.Write((uint)(16 * _frames.Count));
        foreach (var (offset, length) in _frames)
        {
            Word("00dc");
            _writer.Write(KeyFrame);
            _writer.Write(offset);
            _writer.Write(length);
        }
        uint end = (uint)_file.Position;
        _file.Position = 0;
        WriteHeader(end, moviesEnd);
        _writer.Flush();
        _writer.Dispose();
        File.Move(_temporary, _path, overwrite: true);
        _isFinished = true;
    }

    public void Dispose()
    {
        _writer.Dispose();
        if (!_isFinished) AtomicFile.TryDelete(_temporary);
    }

    private void WriteHeader(uint end, uint moviesEnd)
    {
        uint largest = _frames.Count == 0 ? 0 : _frames.Max(frame => frame.Length), count = (uint)_frames.Count;
        Word("RIFF");
        _writer.Write(end - 8);
        Word("AVI ");
        List("hdrl", 4 + 64 + 8 + 4 + 64 + 48);
        Word("avih");
        foreach (uint value in (uint[])[56, (uint)(1_000_000 / _framesPerSecond), 0, 0, HasIndex, count, 0, 1, largest, (uint)_width, (uint)_height, 0, 0, 0, 0]) _writer.Write(value);
        List("strl", 4 + 64 + 48);
        Word("strh");
        _writer.Write(56u);
        Word("vids");
        Word("MPNG");
        foreach (uint value in (uint[])[0, 0, 0, 1, (uint)_framesPerSecond, 0, count, largest, uint.MaxValue, 0]) _writer.Write(value);
        foreach (short edge in (short[])[0, 0, (short)_width, (short)_height]) _writer.Write(edge);
        Word("strf");
        _writer.Write(40u);
        foreach (int value in (int[])[40, _width, _height]) _writer.Write(value);
        _writer.Write((short)1);
        _writer.Write((short)24);
        Word("MPNG");
        foreach (int value in (int[])[3 * _width * _height, 0, 0, 0, 0]) _writer.Write(value);
        List("movi", moviesEnd - HeaderBytes + 4);
        if (_file.Position != HeaderBytes) throw new InvalidOperationException($"the header has {_file.Position} bytes");
    }

    private void List(string name, uint bytes)
    {
        Word("LIST");
        _writer.Write(bytes);
        Word(name);
    }

    private void Chunk(string name, ReadOnlySpan<byte> bytes)
    {
        Word(name);
        _writer.Write((uint)bytes.Length);
        _writer.Write(bytes);
        if (bytes.Length % 2 != 0) _writer.Write((byte)0);
    }

    private void Word(string fourLetters) => _writer.Write(Encoding.ASCII.GetBytes(fourLetters));
}
