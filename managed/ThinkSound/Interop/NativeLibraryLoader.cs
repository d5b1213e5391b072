using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace ThinkSound.Interop;

/// <summary>Finds and loads one native library, and answers with every place it looked at when it cannot.</summary>
/// <param name="name">Without prefix and ending: "thinksound".</param>
/// <param name="assembly">Whose imports of that name it serves.</param>
/// <param name="verify">Run once after loading; returns why the library does not fit, or null.</param>
/// <param name="needs">What the library takes from the system, and where to get it; null for nothing in particular.</param>
internal sealed class NativeLibraryLoader(string name, Assembly assembly, Func<string?> verify, string? needs = null)
{
    /// <summary>A folder with the libraries, or the path of one of them: then it is the only place looked at.</summary>
    public const string PathVariable = "THINKSOUND_LIBRARY_PATH";

    private readonly Lock _lock = new();
    private readonly List<NativeLibraryAttempt> _attempts = []; // of the last search
    private bool _isServing;
    private bool _isVerified;
    private nint _library;

    /// <summary>Where the loaded library lies; null before <see cref="EnsureLoaded"/>.</summary>
    public string? Path { get; private set; }

    /// <summary>Loads the library if that has not been done. Any thread.</summary>
    /// <exception cref="NativeLibraryException">It is missing, does not load or does not fit.</exception>
    public void EnsureLoaded()
    {
        if (Volatile.Read(ref _isVerified)) return;
        lock (_lock)
        {
            if (_isVerified) return;
            if (_library == 0)
            {
                _attempts.Clear();
                if (!TryLoad()) throw new NativeLibraryException(DescribeFailure());
            }
            if (!_isServing)
            {
                NativeLibrary.SetDllImportResolver(assembly, (wanted, _, _) => wanted == name ? _library : 0);
                _isServing = true;
            }
            try
            {
                if (verify() is { } problem) throw new NativeLibraryException($"{Path}: {problem}");
            }
            catch (EntryPointNotFoundException missing)
            {
                throw new NativeLibraryException($"{Path} lacks a function that this assembly needs, so the two come from " +
                                                 "different versions: install both from the same one.", missing);
            }
            Volatile.Write(ref _isVerified, true);
        }
    }

    /// <summary>What a search finds now, without failing.</summary>
    public NativeLibraryProbe Probe()
    {
        try
        {
            EnsureLoaded();
            return Describe(null);
        }
        catch (NativeLibraryException problem)
        {
            return Describe(problem.Message);
        }

        NativeLibraryProbe Describe(string? problem)
        {
            lock (_lock) return new NativeLibraryProbe(FileName, Path, [.. _attempts], problem);
        }
    }

    private string FileName =>
        OperatingSystem.IsWindows() ? name + ".dll" : OperatingSystem.IsMacOS() ? $"lib{name}.dylib" : $"lib{name}.so";

    private bool TryLoad()
    {
        foreach (string path in Search())
        {
            string? problem = Problem(path);
            bool isLoaded = problem is null && TryLoadFile(path, out problem);
            _attempts.Add(new NativeLibraryAttempt(path, problem));
            if (isLoaded) return true;
        }
        // The system's own folders come last: a stray library there must not win over the application's.
        if (ChosenPlace is null)
        {
            if (NativeLibrary.TryLoad(FileName, out _library))
            {
                Path = FileName + " (found by the system)";
                _attempts.Add(new NativeLibraryAttempt(Path, null));
                return true;
            }
            _attempts.Add(new NativeLibraryAttempt(FileName, "not in the system's library folders"));
        }
        return false;
    }

    private bool TryLoadFile(string path, out string? problem)
    {
        try
        {
            _library = NativeLibrary.Load(path);
            Path = path;
            problem = null;
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // The loader's own words name the dependency that is missing; its general advice does not help here.
            problem = "is there but does not load: " + Shorten(e.Message, path);
            return false;
        }
    }

    private static string? ChosenPlace =>
        Environment.GetEnvironmentVariable(PathVariable) is { Length: > 0 } chosen ? chosen : null;

    private static string? Problem(string path) => File.Exists(path) ? null : "no such file";

    /// <summary>The files to try, in order.</summary>
    private IEnumerable<string> Search()
    {
        if (ChosenPlace is { } chosen)
        {
            // A path of one library also leads to its siblings.
            string full = System.IO.Path.GetFullPath(chosen);
            bool namesThis = System.IO.Path.GetFileName(full).StartsWith(FileName, StringComparison.Ordinal);
            string folder = File.Exists(full) ? System.IO.Path.GetDirectoryName(full)! : full;
            return [namesThis ? full : System.IO.Path.Combine(folder, FileName)];
        }
        return Folders().Select(folder => System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, FileName))).Distinct();
    }

    private static IEnumerable<string> Folders()
    {
        string app = AppContext.BaseDirectory;
        yield return app;
        yield return System.IO.Path.Combine(app, "runtimes", RuntimeIdentifier, "native");
        // Folders of packages under `dotnet run`, and where a single-file program unpacks its libraries.
        string search = AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "";
        foreach (string folder in search.Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return folder;
        if (FindCheckout(app) is { } checkout)
            foreach (string preset in (string[])["cpu", "cuda", "plain"])
                yield return System.IO.Path.Combine(checkout, "build", preset, "lib");
    }

    /// <summary>The checkout that the program was built in, while developing.</summary>
    private static string? FindCheckout(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "native", "include", "thinksound.h"))) return folder.FullName;
        return null;
    }

    private static string RuntimeIdentifier
    {
        get
        {
            string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
            return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    private string DescribeFailure()
    {
        var text = new StringBuilder($"The native library {FileName} could not be loaded. Looked at:\n");
        foreach (NativeLibraryAttempt attempt in _attempts) text.Append($"  {attempt.Path}: {attempt.Problem}\n");
        if (_attempts.Any(a => a.Problem is { } problem && problem.StartsWith("is there", StringComparison.Ordinal)))
            text.Append($"What to do: install {needs ?? "the libraries that it names"}, or build it on this machine with what is there.");
        else if (ChosenPlace is not null)
            text.Append($"What to do: {PathVariable} is set, so only that place counts. Point it at the folder that holds " +
                        $"{FileName}, or unset it.");
        else if (FindCheckout(AppContext.BaseDirectory) is { } checkout)
            text.Append($"What to do: build it: {System.IO.Path.Combine(checkout, "scripts", "build.sh")} --native");
        else
            text.Append($"What to do: reference the package that carries it for {RuntimeIdentifier}, put it beside the " +
                        $"program, or set {PathVariable} to its folder.");
        return text.ToString();
    }

    private static string Shorten(string message, string path)
    {
        string[] lines = message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        // Compiled ahead of time, the loader's words follow the advice on a line of their own.
        return lines.FirstOrDefault(line => line.StartsWith(path + ":", StringComparison.Ordinal)) is { } own
            ? own[(path.Length + 1)..].Trim()
            : lines.LastOrDefault() ?? message;
    }
}
