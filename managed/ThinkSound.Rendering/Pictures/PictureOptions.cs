namespace ThinkSound.Rendering.Pictures;

/// <summary>What is drawn on a picture beside the sound, and how large it is. Immutable; vary it with <c>with</c>.</summary>
public sealed record PictureOptions
{
    /// <summary>Pixels across, 320 to 16 384.</summary>
    public int Width { get; init; } = 1600;
    /// <summary>Pixels down, 240 to 16 384.</summary>
    public int Height { get; init; } = 900;
    /// <summary>First line, large.</summary>
    public string? Title { get; init; }
    /// <summary>Second line, small.</summary>
    public string? Subtitle { get; init; }
    /// <summary>A film strip above the sound: evenly spaced frames of its video, frame i of n from the middle of the i-th n-th
    /// of the sound. <see cref="FilmStrip.Read"/> gives as many as fit.</summary>
    public IReadOnlyList<PictureFrame> Frames { get; init; } = [];
    /// <summary>Rows of moments between strip and sound, such as onsets and the events that should have caused them.</summary>
    public IReadOnlyList<PictureMarks> Marks { get; init; } = [];
}

/// <summary>A frame of a video.</summary>
/// <param name="Width">Pixels across.</param>
/// <param name="Height">Pixels down.</param>
/// <param name="Rgb">8 bits each, sRGB, rows without gaps, top row first: 3·width·height bytes.</param>
public sealed record PictureFrame(int Width, int Height, ReadOnlyMemory<byte> Rgb);

/// <summary>Moments of one kind: a tick each in a row of their own, and a thin line through the sound below.</summary>
/// <param name="Name">Written beside the row.</param>
/// <param name="Times">From the begin of the sound; those outside it are left out.</param>
public sealed record PictureMarks(string Name, IReadOnlyList<TimeSpan> Times);
