using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>A finished sound: planar 32-bit samples, nominally −1 to 1. Immutable as long as its array is left alone.</summary>
public sealed class AudioClip
{
    /// <summary>Wraps <paramref name="planar"/> without copying it.</summary>
    /// <param name="channels">At least 1.</param>
    /// <param name="sampleRate">Hz.</param>
    /// <param name="planar">Channel after channel; a multiple of <paramref name="channels"/> values.</param>
    public AudioClip(int channels, int sampleRate, ReadOnlyMemory<float> planar)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(channels);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sampleRate);
        if (planar.Length % channels != 0)
            throw new ArgumentException($"{planar.Length} values do not divide into {channels} channels", nameof(planar));
        (Channels, SampleRate, Planar) = (channels, sampleRate, planar);
    }

    /// <summary>Channels: 2 for what the model makes.</summary>
    public int Channels { get; }
    /// <summary>Hz: 44 100 for what the model makes.</summary>
    public int SampleRate { get; }
    /// <summary>Channel after channel.</summary>
    public ReadOnlyMemory<float> Planar { get; }
    /// <summary>Samples per channel.</summary>
    public int Samples => Planar.Length / Channels;
    /// <summary>Length in time.</summary>
    public TimeSpan Duration => TimeSpan.FromSeconds((double)Samples / SampleRate);
    /// <summary>The samples of one channel.</summary>
    public ReadOnlySpan<float> Channel(int index) => Planar.Span.Slice(index * Samples, Samples);

    /// <summary>The largest sample, without its sign; 0 for an empty clip.</summary>
    public float Peak()
    {
        float peak = 0;
        foreach (float sample in Planar.Span) peak = Math.Max(peak, Math.Abs(sample));
        return peak;
    }

    /// <summary>Left, right, left, right, …: as devices and streams want it.</summary>
    public float[] ToInterleaved()
    {
        var interleaved = new float[Planar.Length];
        for (int channel = 0; channel < Channels; channel++)
        {
            ReadOnlySpan<float> samples = Channel(channel);
            for (int i = 0; i < samples.Length; i++) interleaved[i * Channels + channel] = samples[i];
        }
        return interleaved;
    }

    /// <summary>Integrated loudness after ITU-R BS.1770-4, in LUFS; −infinity for silence or less than 0.4 s.</summary>
    public unsafe double MeasureLoudness()
    {
        CoreLibrary.EnsureLoaded();
        double lufs = 0;
        fixed (float* samples = Planar.Span)
            Status.Check(Native.ts_measure_loudness(samples, (uint)Channels, (ulong)Samples, (uint)SampleRate, &lufs));
        return lufs;
    }

    /// <summary>The factor that brings this clip to <paramref name="loudness"/>; 1 for silence, of which <see cref="Loudness.Peak"/> says
    /// what counts as it.</summary>
    public float GainFor(Loudness loudness) => loudness.GainOf(Peak(), MeasureLoudness);

    /// <summary>A copy with every sample multiplied.</summary>
    public AudioClip WithGain(float gain)
    {
        var scaled = new float[Planar.Length];
        ReadOnlySpan<float> samples = Planar.Span;
        for (int i = 0; i < scaled.Length; i++) scaled[i] = gain * samples[i];
        return new AudioClip(Channels, SampleRate, scaled);
    }

    /// <summary>A copy at another rate, by the reference's windowed sinc.</summary>
    /// <param name="sampleRate">Hz.</param>
    public unsafe AudioClip Resample(int sampleRate)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sampleRate);
        CoreLibrary.EnsureLoaded();
        fixed (float* samples = Planar.Span)
        {
            ulong count = 0;
            Status.Check(Native.ts_resample(samples, (uint)Channels, (ulong)Samples, (uint)SampleRate, (uint)sampleRate, null, 0, &count));
            var resampled = new float[checked((int)((ulong)Channels * count))];
            fixed (float* first = resampled)
                Status.Check(Native.ts_resample(samples, (uint)Channels, (ulong)Samples, (uint)SampleRate, (uint)sampleRate, first,
                                                (ulong)resampled.Length, &count));
            return new AudioClip(Channels, sampleRate, resampled);
        }
    }

    /// <summary>Writes a WAV file: beside its place first, then moved there, so that no reader ever sees half of it.</summary>
    /// <param name="path">An existing file is replaced.</param>
    /// <param name="options">Format and loudness; null takes the defaults.</param>
    /// <exception cref="IOException">The folder cannot be written, or the disk is full; the old file is then still there.</exception>
    public void SaveWav(string path, WavOptions? options = null) => WavWriter.Save(this, path, options ?? new WavOptions());

    /// <summary>As <see cref="SaveWav"/>, on another thread.</summary>
    public Task SaveWavAsync(string path, WavOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => SaveWav(path, options), cancellationToken);

    /// <summary>Writes a WAV to a stream, which need not be seekable.</summary>
    public void WriteWav(Stream stream, WavOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(stream);
        WavWriter.Write(this, stream, options ?? new WavOptions());
    }
}
