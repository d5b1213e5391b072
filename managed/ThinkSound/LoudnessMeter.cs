using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>Loudness and peak of a sound that comes piece by piece: what <see cref="AudioClip.MeasureLoudness"/> and
/// <see cref="AudioClip.GainFor"/> say of the whole. One caller at a time.</summary>
public sealed class LoudnessMeter : IDisposable
{
    private readonly ts_loudness_meter _handle;

    /// <summary>A meter that has heard nothing.</summary>
    /// <param name="channels">1 to 8.</param>
    /// <param name="sampleRate">Hz, 32 000 and more.</param>
    /// <exception cref="ArgumentException">Out of range.</exception>
    public LoudnessMeter(int channels, int sampleRate)
    {
        CoreLibrary.EnsureLoaded();
        Channels = channels;
        Status.Check(Native.ts_loudness_meter_create(NativeConditions.ToUnsigned(channels, nameof(channels)),
                                                     NativeConditions.ToUnsigned(sampleRate, nameof(sampleRate)), out _handle));
    }

    /// <summary>Of every piece.</summary>
    public int Channels { get; }

    /// <summary>The largest sample so far, without its sign.</summary>
    public float Peak { get; private set; }

    /// <summary>Listens to the next samples.</summary>
    /// <exception cref="ArgumentException">Another number of channels, or samples that are NaN or infinite.</exception>
    public unsafe void Push(AudioClip piece)
    {
        ArgumentNullException.ThrowIfNull(piece);
        if (piece.Channels != Channels) throw new ArgumentException($"{piece.Channels} channels, the meter has {Channels}", nameof(piece));
        fixed (float* samples = piece.Planar.Span) Status.Check(Native.ts_loudness_meter_push(_handle, samples, (ulong)piece.Samples));
        Peak = Math.Max(Peak, piece.Peak());
    }

    /// <summary>Integrated loudness after ITU-R BS.1770-4 of all so far, in LUFS; −infinity for silence or less than 0.4 s.</summary>
    public unsafe double MeasureLoudness()
    {
        double lufs = 0;
        Status.Check(Native.ts_loudness_meter_read(_handle, &lufs));
        return lufs;
    }

    /// <summary>The factor that brings all so far to <paramref name="loudness"/>, as <see cref="AudioClip.GainFor"/>.</summary>
    public float GainFor(Loudness loudness) => loudness.GainOf(Peak, MeasureLoudness);

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();
}
