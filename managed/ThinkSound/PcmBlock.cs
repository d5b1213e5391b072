namespace ThinkSound;

/// <summary>A piece of sound as it is decoded, without gain.</summary>
/// <param name="offset">Samples per channel before it.</param>
/// <param name="sampleRate">Hz.</param>
/// <param name="interleaved">Left, right, left, right, …</param>
public sealed class PcmBlock(long offset, int sampleRate, ReadOnlyMemory<float> interleaved)
{
    /// <summary>Samples per channel before this block.</summary>
    public long Offset { get; } = offset;
    /// <summary>Hz.</summary>
    public int SampleRate { get; } = sampleRate;
    /// <summary>Left, right, left, right, …, nominally −1 to 1.</summary>
    public ReadOnlyMemory<float> Interleaved { get; } = interleaved;
    /// <summary>Samples per channel.</summary>
    public int Samples => Interleaved.Length / 2;
    /// <summary>When it begins.</summary>
    public TimeSpan Time => TimeSpan.FromSeconds((double)Offset / SampleRate);
}

/// <summary>Sizes of a stream.</summary>
public sealed record StreamOptions
{
    /// <summary>Samples per channel of a block at most.</summary>
    public int BlockSamples { get; init; } = 4096;

    /// <summary>Samples per channel that wait for the reader at most: a smaller ring makes the decoder wait. 0 has room for
    /// the whole clip.</summary>
    public int RingSamples { get; init; }
}
