using System.Runtime.InteropServices;
using OpenCvSharp;

namespace ThinkSound.Objects;

/// <summary>OpenCV's native library. It is loaded when an object is first looked for, and not before.</summary>
public static class VisionLibrary
{
    private const string Name = "OpenCvSharpExtern";

    private static readonly Lazy<string?> Problem = new(Load);

    /// <summary>Why it cannot be used and what to do; null if it can. Any thread.</summary>
    public static string? Probe() => Problem.Value;

    /// <exception cref="NativeLibraryException">It cannot be used.</exception>
    internal static void EnsureLoaded()
    {
        if (Problem.Value is { } problem) throw new NativeLibraryException(problem);
    }

    /// <summary>Compiled ahead of time, the program's own folder is not searched for it, so that is done here; once loaded, it is
    /// found by its name.</summary>
    private static string? Load()
    {
        string beside = Path.Combine(AppContext.BaseDirectory, $"lib{Name}.so");
        try
        {
            if (!File.Exists(beside) || !NativeLibrary.TryLoad(beside, out _)) NativeLibrary.Load(Name, typeof(Cv2).Assembly, null);
            _ = Cv2.GetVersionString();
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException or TypeInitializationException or EntryPointNotFoundException)
        {
            return $"OpenCV's library lib{Name}.so does not load, so objects cannot be found or tracked. It comes with the package " +
                   $"OpenCvSharp4.official.runtime.linux-x64 and needs GTK 3 (Debian: libgtk-3-0): {(e.InnerException ?? e).Message}";
        }
    }
}
