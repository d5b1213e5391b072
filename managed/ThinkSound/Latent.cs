namespace ThinkSound;

/// <summary>A sound in the space in which the model works, or noise of that shape: channels × time.</summary>
public sealed class Latent
{
    /// <summary>Wraps <paramref name="data"/> without copying it.</summary>
    /// <param name="channels">64 for ThinkSound: <see cref="EngineInfo.LatentDim"/>.</param>
    /// <param name="length">Steps of <see cref="EngineInfo.Hop"/> samples.</param>
    /// <param name="data">Channel after channel, <paramref name="channels"/> · <paramref name="length"/> values.</param>
    public Latent(int channels, int length, ReadOnlyMemory<float> data)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        if (data.Length != (long)channels * length)
            throw new ArgumentException($"a latent of {channels} × {length} needs {(long)channels * length} values, not {data.Length}", nameof(data));
        (Channels, Length, Data) = (channels, length, data);
    }

    /// <summary>64 for ThinkSound.</summary>
    public int Channels { get; }
    /// <summary>Steps in time.</summary>
    public int Length { get; }
    /// <summary>Channel after channel.</summary>
    public ReadOnlyMemory<float> Data { get; }
}
