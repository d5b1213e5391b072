namespace ThinkSound.Rendering.Foley;

/// <summary>How a sound is made that is longer than one window: window by window, each going on from what the last one left.
/// Immutable; vary it with <c>with</c>.</summary>
public sealed record WindowOptions
{
    /// <summary>Shortest <see cref="Length"/>.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(2);

    /// <summary>Longest <see cref="Length"/>.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>Length of a window, 2 to 60 seconds; null takes the length of the clips that the model learned from.</summary>
    public TimeSpan? Length { get; init; }

    /// <summary>How much of the last window the next one is given, up to half a window: it is kept as it is, and what follows is
    /// made to go with it.</summary>
    public TimeSpan Overlap { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Let windows meet at the cuts of the video where they can; there nothing is carried over.</summary>
    public bool FollowCuts { get; init; } = true;
}

/// <summary>A window of a long sound.</summary>
/// <param name="Start">From the begin of the sound.</param>
/// <param name="Duration">How much it covers.</param>
/// <param name="Known">How much of it, from its start, the window before has made; zero in the first, and after a cut.</param>
public readonly record struct FoleyWindow(TimeSpan Start, TimeSpan Duration, TimeSpan Known);
