using System.ComponentModel;
using System.Diagnostics;

namespace ThinkSound.Bindings.Generator;

/// <summary>Runs clang. Any version from 14 on gives the same nodes; its answers go through files' standard output.</summary>
internal static class Clang
{
    private static readonly string[] Names = ["clang-14", "clang", "clang-15", "clang-16", "clang-17", "clang-18", "clang-19"];

    private static readonly string? Chosen = Environment.GetEnvironmentVariable("CLANG") is { Length: > 0 } chosen ? chosen : null;

    private static readonly Lazy<string?> Found = new(() => (Chosen is null ? Names : [Chosen]).FirstOrDefault(Starts));

    public static bool IsAvailable => Found.Value is not null;

    /// <summary>The syntax tree of a header as JSON. Plain <c>/* */</c> comments are attached like doc comments.</summary>
    public static string SyntaxTree(string header) =>
        Run("-Xclang", "-ast-dump=json", "-fsyntax-only", "-fparse-all-comments", "-x", "c", "-std=c11", header);

    /// <summary>Every macro in force at the end of a header, one <c>#define</c> a line.</summary>
    public static string Macros(string header) => Run("-dM", "-E", "-x", "c", "-std=c11", header);

    /// <summary>Sizes and offsets of the records that <paramref name="source"/> uses, in bits.</summary>
    public static string RecordLayouts(string source) =>
        Run("-fsyntax-only", "-Xclang", "-fdump-record-layouts-simple", "-x", "c", "-std=c11", source);

    private static string Run(params string[] arguments)
    {
        string program = Found.Value ?? throw new GeneratorException(
            (Chosen is null ? $"clang was not found on PATH (tried {string.Join(", ", Names)})" : $"CLANG={Chosen} does not start") +
            ". Install clang (Debian: apt-get install clang-14), or name one in the environment variable CLANG.");
        // The media header includes the core's: both folders are always in reach.
        string[] includes = RepositoryFolders.IncludeFolders.Select(folder => "-I" + folder).ToArray();
        var (status, output, errors) = Start(program, [.. includes, .. arguments]);
        return status == 0 ? output
            : throw new GeneratorException($"{program} {string.Join(' ', arguments)} failed:\n{errors.TrimEnd()}");
    }

    private static bool Starts(string program)
    {
        try { return Start(program, ["--version"]).Status == 0; }
        catch (Win32Exception) { return false; } // no such program: the next name may exist
    }

    private static (int Status, string Output, string Errors) Start(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync(); // at once with the output, or a full pipe blocks both
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }
}
