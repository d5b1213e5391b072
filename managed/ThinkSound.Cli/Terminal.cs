using System.Runtime.InteropServices;
using System.Text;

namespace ThinkSound.Cli;

/// <summary>The two streams that people and programs read. Results go to standard output, everything else to standard error.</summary>
internal sealed partial class Terminal
{
    private const int GetFlags = 3, AccessMode = 3, ReadOnly = 0; // F_GETFL, O_ACCMODE, O_RDONLY

    private readonly Lock _lock = new();
    private bool _hasLiveLine;

    /// <summary>Somebody watches standard error, so lines may be drawn over.</summary>
    public bool IsLive { get; } = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb";

    /// <summary>False where standard output was closed before the program began. Something of .NET's own, which is only read, has its number then.</summary>
    public static bool HasOutput { get; } = OperatingSystem.IsWindows() || (StatusOf(1, GetFlags) is var flags and not -1 && (flags & AccessMode) != ReadOnly);

    /// <summary>A result.</summary>
    public void WriteResult(string line)
    {
        lock (_lock)
        {
            ClearLive();
            Console.Out.WriteLine(Printable(line));
        }
    }

    /// <summary>A line for people.</summary>
    public void WriteLine(string line)
    {
        lock (_lock)
        {
            ClearLive();
            Tell(Printable(line) + Environment.NewLine);
        }
    }

    public void Warn(string line) => WriteLine("warning: " + line);

    /// <summary>Draws over the last live line; nothing where nobody watches.</summary>
    public void WriteLive(string line)
    {
        if (!IsLive) return;
        lock (_lock)
        {
            int width = Width();
            if (line.Length >= width) line = line[..Math.Max(0, width - 1)];
            Tell($"\r{Printable(line)}\x1b[K");
            _hasLiveLine = true;
        }
    }

    /// <summary>Words of a line that goes on, for people who watch.</summary>
    public void WritePart(string text)
    {
        lock (_lock)
        {
            ClearLive();
            Tell(Printable(text));
        }
    }

    /// <summary>Takes the live line away.</summary>
    public void EndLive()
    {
        lock (_lock) ClearLive();
    }

    /// <summary>Standard output for bytes.</summary>
    public static Stream OpenOutput() => Console.OpenStandardOutput();

    /// <summary>UTF-8 without a mark, whatever the locale says: paths and captions are in any language.</summary>
    public static void UseUtf8() => Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

    /// <summary>What models, servers and files say must not command the terminal: control characters but line ends and tabs are
    /// replaced, and so are those that turn the direction of what follows.</summary>
    private static string Printable(string text)
    {
        char[] printable = text.ToCharArray();
        for (int i = 0; i < printable.Length; i++)
        {
            bool turns = text[i] is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
            if (turns || (char.IsControl(text[i]) && text[i] is not ('\n' or '\t') && !text.AsSpan(i).StartsWith("\r\n"))) printable[i] = '\uFFFD';
        }
        return new string(printable);
    }

    /// <summary>Work does not end because nobody can be told of it: the log's disk is full, its reader has gone.</summary>
    private static void Tell(string text)
    {
        try
        {
            Console.Error.Write(text);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The results and the exit code say the rest.
        }
    }

    private void ClearLive()
    {
        if (!_hasLiveLine) return;
        Tell("\r\x1b[K");
        _hasLiveLine = false;
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int StatusOf(int file, int what);

    private static int Width()
    {
        try
        {
            return Console.WindowWidth is > 10 and var width ? width : 80;
        }
        catch (IOException)
        {
            return 80; // a terminal that does not tell
        }
    }
}
