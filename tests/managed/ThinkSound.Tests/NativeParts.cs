using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace ThinkSound.Tests;

/// <summary>The native library and a small bundle with random weights, for tests that need the real thing.</summary>
internal static class NativeParts
{
    private static readonly Lazy<string> MadeBundle = new(MakeBundle);

    /// <summary>Skips the test, visibly, where the native library has not been built. One that is there and does not fit fails.</summary>
    public static void Require()
    {
        NativeLibraryProbe probe = ThinkSoundRuntime.Probe();
        if (probe.IsUsable) return;
        if (probe.Path is null && probe.Attempts.All(a => a.Problem is { } p && (p.StartsWith("no such", StringComparison.Ordinal) ||
                                                                                 p.StartsWith("not in", StringComparison.Ordinal))))
            Assert.Ignore(probe.Problem!);
        Assert.Fail(probe.Problem!);
    }

    /// <summary>The folder of the bundle; made once per run.</summary>
    public static string Bundle => MadeBundle.Value;

    public static string Root { get; } = FindRoot();

    /// <summary>A copy that a test may damage.</summary>
    public static string CopyBundle(string name)
    {
        string copy = Path.Combine(Directory.CreateTempSubdirectory("ts-bundle").FullName, name);
        Directory.CreateDirectory(copy);
        foreach (string file in Directory.GetFiles(Bundle)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        return copy;
    }

    private static string MakeBundle()
    {
        string folder = Directory.CreateTempSubdirectory("ts-random-bundle").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        using var process = Process.Start(new ProcessStartInfo("dotnet", ["run", Path.Combine(Root, "scripts", "random-bundle.cs"), "--", folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"scripts/random-bundle.cs failed:\n{output}{errors.Result}");
        return folder;
    }

    private static string FindRoot([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
