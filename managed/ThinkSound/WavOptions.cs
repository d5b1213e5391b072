namespace ThinkSound;

/// <summary>How a WAV file is written.</summary>
public sealed record WavOptions
{
    /// <summary>How a sample is stored.</summary>
    public WavFormat Format { get; init; } = WavFormat.Int16;

    /// <summary>How loud it is made; the peak rule of the reference by default.</summary>
    public Loudness Loudness { get; init; } = Loudness.Peak;

    /// <summary>Written as the file's comment, e.g. prompt, seed and model.</summary>
    public string? Comment { get; init; }
}

/// <summary>How a WAV file stores a sample.</summary>
public enum WavFormat
{
    /// <summary>16 bits. Clamped to −1 … 1, times 32 767, cut towards zero, as the reference does.</summary>
    Int16 = 0,
    /// <summary>24 bits. Clamped to −1 … 1, times 8 388 607, rounded.</summary>
    Int24 = 1,
    /// <summary>The samples themselves, 32-bit float, not clamped.</summary>
    Float32 = 2,
}
