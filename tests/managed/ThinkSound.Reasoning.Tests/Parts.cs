using System.Diagnostics;
using System.Runtime.CompilerServices;
using ThinkSound.Media;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Reasoning.Tests;

/// <summary>Sample videos, and real tokenizers with small vocabularies.</summary>
internal static class Parts
{
    public static string Root { get; } = FindRoot();

    private static readonly Lazy<ITokenCounter> MadeTokens = new(() => TokenCounter.OfVocabularies(
        Path.Combine(Root, "tests", "golden", "tokenizers", "t5_small", "spiece.model"),
        Path.Combine(Root, "tests", "golden", "tokenizers", "clip", "bpe_simple_vocab_16e6.txt.gz")));

    private static readonly string Scratch = MakeScratch();

    /// <summary>Real tokenizers with small vocabularies: about two pieces a word.</summary>
    public static ITokenCounter Tokens => MadeTokens.Value;

    public static string Sample(string name) => Path.Combine(Root, "samples", name);

    /// <summary>A path in a folder of this run, which is removed at its end.</summary>
    public static string Temporary(string name) => Path.Combine(Scratch, name);

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

    /// <summary>A video made by FFmpeg's own sources.</summary>
    public static string MakeVideo(string name, string source, params string[] options)
    {
        string path = Temporary(name);
        string[] arguments = ["-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, .. options, path];
        using Process process = Process.Start(new ProcessStartInfo("ffmpeg", arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, errors);
        return path;
    }

    /// <summary>What one enumeration of steps came to.</summary>
    public static async Task<List<ReasoningStep>> Collect(IAsyncEnumerable<ReasoningStep> steps)
    {
        var all = new List<ReasoningStep>();
        await foreach (ReasoningStep step in steps) all.Add(step);
        return all;
    }

    /// <summary>The words of one kind, of the last attempt.</summary>
    public static string TextOf(this IEnumerable<ReasoningStep> steps, ReasoningStepKind kind)
    {
        int last = steps.Max(step => step.Attempt);
        return string.Concat(steps.Where(step => step.Kind == kind && step.Attempt == last).Select(step => step.Text));
    }

    private static string MakeScratch()
    {
        string folder = Directory.CreateTempSubdirectory("ts-reasoning").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    private static string FindRoot([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", ".."));
}
