using System.Diagnostics;
using ThinkSound.Reasoning.Recogniser;

namespace ThinkSound.Reasoning.Tests.Recogniser;

/// <summary>Made-up numbers of a recogniser, pictures with known motion, a small model with random weights.</summary>
internal static class RecogniserParts
{
    public const int Width = 96, Height = 72;

    private static readonly Lazy<ThinkSoundEngine> Loaded = new(() => ThinkSoundEngine.Load(new EngineOptions { BundlePath = MakeBundle(), Components = RecogniserReasoner.Components, Threads = 2 }));

    public static ThinkSoundEngine Engine => Loaded.Value;

    /// <summary>Onsets at these times, at 96 cells a second.</summary>
    public static Recognition Heads((string Name, float P)[] classes, (string Name, float P)[] materials, double seconds, params double[] onsets)
    {
        var track = new float[(int)Math.Round(seconds * 96)];
        foreach (double onset in onsets) track[(int)(onset * 96)] = 0.9f;
        return new Recognition
        {
            Classes = [.. classes.Select(entry => new Recognised(entry.Name, entry.P)).OrderByDescending(entry => entry.Probability)],
            Materials = [.. materials.Select(entry => new Recognised(entry.Name, entry.P)).OrderByDescending(entry => entry.Probability)],
            OnsetTrack = track, OnsetRate = 96,
        };
    }

    /// <summary>Something moves from begin to end, in the middle.</summary>
    public static PictureFacts Moving(double seconds) => new()
    {
        Frames = (int)(seconds * 24), Watched = TimeSpan.FromSeconds(seconds), Brightness = 0.4, Motion = [.. Enumerable.Repeat(2.0, (int)(seconds * 24))], MovingShare = 1,
        Moving = new TimeRange(TimeSpan.Zero, TimeSpan.FromSeconds(seconds)), Area = 0.1, Place = (0.5, 0.5), Travel = 0, Cuts = [], Period = null,
    };

    public static PictureFacts Still(double seconds) => Moving(seconds) with { Motion = new double[(int)(seconds * 24)], MovingShare = 0, Moving = null, Area = 0 };

    public static Evidence Known(Recognition? heads, PictureFacts? facts, string? words = null, double seconds = 4) => new()
    {
        Subject = new ReasoningSubject { Duration = TimeSpan.FromSeconds(seconds) },
        Video = heads is null ? null : new VideoReading(heads, facts!),
        Words = words is null ? null : UserWords.Of(words),
    };

    /// <summary>A bright square of 16 pixels on grey, whose left upper corner is where the function of the frame says; measured at 24 frames a second.</summary>
    public static PictureFacts Measure(int frames, Func<int, (double X, double Y)> place, Func<int, byte>? ground = null)
    {
        var meter = new MotionMeter();
        for (int n = 0; n < frames; n++)
        {
            var pixels = new byte[3 * Width * Height];
            Array.Fill(pixels, ground?.Invoke(n) ?? (byte)60);
            var (left, top) = place(n);
            for (int y = (int)top; y < (int)top + 16; y++)
                for (int x = (int)left; x < (int)left + 16; x++)
                    if (x is >= 0 and < Width && y is >= 0 and < Height) pixels.AsSpan(3 * (y * Width + x), 3).Fill(220);
            meter.Add(pixels, 3 * Width, Width, Height, n / 24.0);
        }
        return meter.Finish(TimeSpan.FromSeconds(frames / 24.0));
    }

    private static string MakeBundle()
    {
        string folder = Parts.Temporary("bundle");
        using Process process = Process.Start(new ProcessStartInfo("dotnet", ["run", Path.Combine(Parts.Root, "scripts", "random-bundle.cs"), "--", folder]) { RedirectStandardOutput = true })!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? folder : throw new InvalidOperationException($"scripts/random-bundle.cs failed:\n{output}");
    }
}
