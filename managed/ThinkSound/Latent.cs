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

    /// <summary>A copy of the steps from <paramref name="begin"/> on. Where they lie before the first or after the last, it
    /// holds zeros: so a sound is moved in time, and room made to extend it.</summary>
    /// <param name="begin">May be negative.</param>
    /// <param name="length">Steps of the copy, at least 1.</param>
    public Latent Slice(int begin, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        var slice = new float[checked(Channels * length)];
        int first = Math.Clamp(begin, 0, Length), end = (int)Math.Clamp((long)begin + length, first, Length);
        for (int channel = 0; channel < Channels && end > first; channel++)
            Data.Span.Slice(channel * Length + first, end - first).CopyTo(slice.AsSpan(channel * length + Math.Max(0, first - begin)));
        return new Latent(Channels, length, slice);
    }
}

/// <summary>Masks for <see cref="GenerateOptions.KnownMask"/>: one value a latent step, 1 = kept, 0 = made anew.</summary>
public static class LatentMask
{
    /// <summary>Keeps everything but the steps from <paramref name="begin"/> up to <paramref name="end"/>.</summary>
    /// <param name="length">Steps of the latent.</param>
    /// <param name="begin">First step that is made anew.</param>
    /// <param name="end">The step after the last of them.</param>
    /// <param name="ramp">Steps on either side, inside the range, over which the mask falls from 1 to 0. Where two ramps meet,
    /// the middle is varied rather than made anew.</param>
    public static float[] Free(int length, int begin, int end, int ramp = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        ArgumentOutOfRangeException.ThrowIfNegative(begin);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, begin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, length);
        ArgumentOutOfRangeException.ThrowIfNegative(ramp);
        var mask = new float[length];
        Array.Fill(mask, 1f);
        for (int n = begin; n < end; n++)
        {
            int inside = Math.Min(begin == 0 ? int.MaxValue : n - begin + 1, end == length ? int.MaxValue : end - n); // from the nearer edge
            mask[n] = inside > ramp ? 0 : 1 - inside / (ramp + 1f);
        }
        return mask;
    }
}
