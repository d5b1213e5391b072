using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace ThinkSound.Cli.Tests;

/// <summary>What a run of the program left on its two streams.</summary>
internal sealed record CliResult(int ExitCode, byte[] OutputBytes, string Error)
{
    public string Output => System.Text.Encoding.UTF8.GetString(OutputBytes);

    public JsonElement Json => JsonDocument.Parse(Output).RootElement;

    public override string ToString() => $"exit code {ExitCode}\nstandard output:\n{Output}\nstandard error:\n{Error}";
}

/// <summary>The program as a process of its own: the one built for these tests, or what THINKSOUND_CLI names.</summary>
internal static class Cli
{
    private static readonly Lazy<string> MadeBundle = new(MakeBundle);

    /// <summary>A bundle with small networks and random weights, made once per run.</summary>
    public static string Bundle => MadeBundle.Value;

    public static string Root { get; } = FindRoot();

    public static string Sample(string name) => Path.Combine(Root, "samples", name);

    public static string Program => Environment.GetEnvironmentVariable("THINKSOUND_CLI") is { Length: > 0 } named ? named
        // From its own folder: what ASP.NET brings along for these tests is left out of the copy beside them.
        : Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "ThinkSound.Cli", new DirectoryInfo(AppContext.BaseDirectory).Name, "ThinkSound.Cli"));

    /// <summary>Skips the test, visibly, where the native libraries have not been built. Ones that are there and do not fit fail.</summary>
    public static void Require()
    {
        foreach (NativeLibraryProbe probe in (NativeLibraryProbe[])[ThinkSoundRuntime.Probe(), Media.MediaLibrary.Probe()])
        {
            if (probe.IsUsable) continue;
            if (probe.Attempts.Any(attempt => attempt.Problem is { } problem && problem.StartsWith("is there", StringComparison.Ordinal))) Assert.Fail(probe.Problem!);
            Assert.Ignore(probe.Problem!);
        }
    }

    public static CliResult Run(params string[] arguments) => Run(arguments, []);

    public static CliResult Run(string[] arguments, Dictionary<string, string?> environment)
    {
        using Process process = Start(arguments, environment);
        using var output = new MemoryStream();
        Task copying = process.StandardOutput.BaseStream.CopyToAsync(output);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(3)))
        {
            process.Kill();
            Assert.Fail($"still runs after three minutes: {string.Join(' ', arguments)}\n{errors.Result}");
        }
        copying.Wait();
        return new CliResult(process.ExitCode, output.ToArray(), errors.Result);
    }

    public static Process Start(string[] arguments, Dictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        // The user's own cache and model are none of the tests' business.
        start.Environment["XDG_CACHE_HOME"] = Path.Combine(Path.GetDirectoryName(Bundle)!, "cache");
        foreach (string variable in (string[])["THINKSOUND_BUNDLE", "THINKSOUND_CHAT_ENDPOINT", "THINKSOUND_CHAT_MODEL", "THINKSOUND_CHAT_KEY"]) start.Environment.Remove(variable);
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Runs a tool of the system; its standard output.</summary>
    public static string Tool(string name, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(name, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, $"{name} {string.Join(' ', arguments)}\n{errors.Result}");
        return output;
    }

    /// <summary>Makes a folder a disk of 64 KiB; false where that is not permitted.</summary>
    public static bool TryMount(string folder)
    {
        if (!OperatingSystem.IsLinux()) return false;
        using Process mount = Process.Start(new ProcessStartInfo("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]) { RedirectStandardError = true })!;
        mount.WaitForExit();
        return mount.ExitCode == 0;
    }

    public static void FFmpeg(params string[] arguments) => Tool("ffmpeg", ["-nostdin", "-loglevel", "error", "-y", .. arguments]);

    /// <summary>What ffprobe says about a file.</summary>
    public static JsonElement Probe(string file) =>
        JsonDocument.Parse(Tool("ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", file)).RootElement;

    private static string MakeBundle()
    {
        string folder = Directory.CreateTempSubdirectory("ts-cli-tests").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        string bundle = Path.Combine(folder, "bundle");
        Tool("dotnet", "run", Path.Combine(Root, "scripts", "random-bundle.cs"), "--", bundle);
        return bundle;
    }

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}

/// <summary>A folder for one test, gone afterwards.</summary>
internal abstract class WithFolder
{
    protected string Folder { get; private set; } = "";

    [SetUp]
    public void MakeFolder()
    {
        Cli.Require();
        Folder = Directory.CreateTempSubdirectory("ts-cli").FullName;
    }

    [TearDown]
    public void RemoveFolder()
    {
        if (Folder.Length > 0) Directory.Delete(Folder, recursive: true);
    }

    protected string At(string name) => Path.Combine(Folder, name);

    /// <summary>generate with the small bundle, few steps and no cache of others.</summary>
    protected CliResult Generate(params string[] arguments) => Generate(arguments, []);

    protected CliResult Generate(string[] arguments, Dictionary<string, string?> environment) =>
        Cli.Run(["generate", .. arguments, "--bundle", Cli.Bundle, .. arguments.Contains("--steps") ? (string[])[] : ["--steps", "2"]],
                new Dictionary<string, string?>(environment) { ["XDG_CACHE_HOME"] = environment.GetValueOrDefault("XDG_CACHE_HOME") ?? At("cache") });

    protected string[] Files() => [.. Directory.GetFiles(Folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
}
