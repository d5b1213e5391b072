namespace ThinkSound.Reasoning.Frames;

/// <summary>Which frames of a video a model is shown, and how large. Immutable; vary it with <c>with</c>.</summary>
public sealed record FrameOptions
{
    /// <summary>The most pictures of one request, 1 to 128.</summary>
    public int MaxFrames { get; init; } = 12;

    /// <summary>Larger pictures are scaled down to this longer side, 64 to 4096 pixels.</summary>
    public int MaxSide { get; init; } = 512;

    /// <summary>Quality of the JPEG, 1 to 100.</summary>
    public int Quality { get; init; } = 80;

    /// <summary>Bytes that all pictures together may take, 10 000 to 100 000 000; where they would take more, fewer are sent.</summary>
    public int MaxBytes { get; init; } = 2_000_000;

    /// <summary>How frames are chosen.</summary>
    public FrameChoice Choice { get; init; } = FrameChoice.Even;

    internal void Check()
    {
        Within(MaxFrames, 1, 128, nameof(MaxFrames));
        Within(MaxSide, 64, 4096, nameof(MaxSide));
        Within(Quality, 1, 100, nameof(Quality));
        Within(MaxBytes, 10_000, 100_000_000, nameof(MaxBytes));

        static void Within(int value, int least, int most, string name)
        {
            if (value < least || value > most) throw new ArgumentOutOfRangeException(name, value, $"{name} is {least} to {most}");
        }
    }
}

/// <summary>How frames are chosen.</summary>
public enum FrameChoice
{
    /// <summary>At equal distances.</summary>
    Even,
    /// <summary>Where the picture changes most, besides the first; what is left of the budget at equal distances.</summary>
    Changes,
}
