using System.Diagnostics;
using System.Runtime.CompilerServices;
using ThinkSound.Media;

namespace ThinkSound.Rendering.Tests;

/// <summary>The native libraries, a small bundle with random weights and the sample videos.</summary>
internal static class Parts
{
    private static readonly Lazy<string> MadeBundle = new(MakeBundle);

    public static string Bundle => MadeBundle.Value;

    public static string Root { get; } = FindRoot();

    public static string Sample(string name) => Path.Combine(Root, "samples", name);

    /// <summary>Skips the test, visibly, where the native libraries have not been built.</summary>
    public static void Require()
    {
        foreach (NativeLibraryProbe probe in (NativeLibraryProbe[])[ThinkSoundRuntime.Probe(), MediaLibrary.Probe()])
        {
            if (probe.IsUsable) continue;
            if (probe.Attempts.Any(attempt => attempt.Problem is { } problem && problem.StartsWith("is there", StringComparison.Ordinal))) Assert.Fail(probe.Problem!);
            Assert.Ignore(probe.Problem!);
        }
    }

    private static string MakeBundle()
    {
        string folder = Directory.CreateTempSubdirectory("ts-rendering-bundle").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        using Process process = Process.Start(new ProcessStartInfo("dotnet", ["run", Path.Combine(Root, "scripts", "random-bundle.cs"), "--", folder]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? folder : throw new InvalidOperationException($"scripts/random-bundle.cs failed:\n{output}");
    }

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
