namespace ThinkSound;

/// <summary>What a search for a native library found.</summary>
/// <param name="FileName">What was looked for.</param>
/// <param name="Path">Where the loaded library lies; null if none is loaded.</param>
/// <param name="Attempts">Every place looked at.</param>
/// <param name="Problem">Why it cannot be used and what to do; null if it can.</param>
public sealed record NativeLibraryProbe(string FileName, string? Path, IReadOnlyList<NativeLibraryAttempt> Attempts,
                                        string? Problem)
{
    /// <summary>Loaded and fitting.</summary>
    public bool IsUsable => Problem is null;
}

/// <summary>One place where a native library was looked for.</summary>
/// <param name="Path">The file.</param>
/// <param name="Problem">Why it was not taken; null for the one that was.</param>
public sealed record NativeLibraryAttempt(string Path, string? Problem);
