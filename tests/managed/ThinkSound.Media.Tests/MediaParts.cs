using System.Runtime.CompilerServices;

namespace ThinkSound.Media.Tests;

/// <summary>The native media library and the repository's sample videos, for tests that need the real thing.</summary>
internal static class MediaParts
{
    private static readonly string Scratch = MakeScratch();

    /// <summary>Skips the test, visibly, where the native library has not been built. One that is there and does not fit fails.</summary>
    public static void Require()
    {
        NativeLibraryProbe probe = MediaLibrary.Probe();
        if (probe.IsUsable) return;
        if (probe.Path is null && probe.Attempts.All(a => a.Problem is { } p && (p.StartsWith("no such", StringComparison.Ordinal) ||
                                                                                 p.StartsWith("not in", StringComparison.Ordinal))))
            Assert.Ignore(probe.Problem!);
        Assert.Fail(probe.Problem!);
    }

    public static string Sample(string name, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "samples", name));

    /// <summary>A path in a folder of this run, which is removed at its end.</summary>
    public static string Temporary(string name) => Path.Combine(Scratch, name);

    /// <summary>An empty folder.</summary>
    public static string Folder(string name) => Directory.CreateDirectory(Path.Combine(Scratch, name + "-" + Guid.NewGuid().ToString("N"))).FullName;

    /// <summary>Stereo at 44.1 kHz, silent but for one sample of 0.9 in each channel.</summary>
    public static AudioClip Impulse(double seconds, int left, int right)
    {
        int samples = (int)Math.Round(44100 * seconds);
        var planar = new float[2 * samples];
        planar[left] = 0.9f;
        planar[samples + right] = 0.9f;
        return new AudioClip(2, 44100, planar);
    }

    /// <summary>Where a channel is loudest.</summary>
    public static int LoudestSample(AudioClip clip, int channel)
    {
        ReadOnlySpan<float> samples = clip.Channel(channel);
        int loudest = 0;
        for (int i = 1; i < samples.Length; i++)
            if (Math.Abs(samples[i]) > Math.Abs(samples[loudest])) loudest = i;
        return loudest;
    }

    private static string MakeScratch()
    {
        string folder = Directory.CreateTempSubdirectory("ts-media-managed").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }
}
