namespace ThinkSound.Projects;

/// <summary>The sound of all tracks together, at any place, in blocks. One caller at a time.
/// <code>
///   mix[n] = Σ over the tracks in their order of float(x[n] · g[n]),   g = gain · level · duck · √(1 ∓ pan)
/// </code>
/// Factors are doubles that depend on the sample's place alone, products are rounded once, the sum is taken in floats from +0 on in
/// the fixed order of the tracks. So a factor of 1 changes no bit, a sample does not depend on how it is read, and where no track
/// changes the mix does not either. Nothing is normalised or limited: a mix may exceed ±1.</summary>
public sealed class Mixer : IDisposable
{
    private const int BlockSamples = 4096;

    private readonly ProjectState _state;
    private readonly (StemReader Stem, TrackGain Gain)[] _tracks;
    private readonly float[] _samples;

    private Mixer(ProjectState state, (StemReader, TrackGain)[] tracks) =>
        (_state, _tracks, _samples) = (state, tracks, new float[BlockSamples * state.Timeline.Channels]);

    /// <summary>A mix of the tracks that are not muted.</summary>
    /// <exception cref="ProjectException">The file of a stem is missing or damaged.</exception>
    public static Mixer Open(ProjectState state, IStemStore stems)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(stems);
        var opened = new List<(StemReader, TrackGain)>();
        try
        {
            foreach (Track track in state.Tracks)
                if (!track.IsMuted) opened.Add((stems.Open(track.Audio), new TrackGain(track, state)));
            return new Mixer(state, [.. opened]);
        }
        catch
        {
            foreach (var (stem, _) in opened) stem.Dispose();
            throw;
        }
    }

    /// <summary>Fills <paramref name="interleaved"/> from sample <paramref name="start"/> of the project on.</summary>
    /// <param name="start">Any sample.</param>
    /// <param name="interleaved">Whole frames of left and right.</param>
    /// <exception cref="ProjectException">The file of a stem cannot be read.</exception>
    public void Read(long start, Span<float> interleaved)
    {
        int channels = _state.Timeline.Channels;
        if (interleaved.Length % channels != 0) throw new ArgumentException($"{interleaved.Length} values do not divide into {channels} channels", nameof(interleaved));
        interleaved.Clear();
        for (int done = 0; done < interleaved.Length; done += _samples.Length)
        {
            Span<float> block = interleaved.Slice(done, Math.Min(_samples.Length, interleaved.Length - done));
            foreach (var (stem, gain) in _tracks) Add(stem, gain, start + done / channels, block);
        }
    }

    /// <summary>A stretch as a clip, channel after channel.</summary>
    /// <param name="start">Sample of the project.</param>
    /// <param name="count">Samples per channel.</param>
    public AudioClip ReadClip(long start, int count)
    {
        var interleaved = new float[checked(count * _state.Timeline.Channels)];
        Read(start, interleaved);
        return Interleaving.ToClip(interleaved, _state.Timeline);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (stem, _) in _tracks) stem.Dispose();
    }

    private void Add(StemReader stem, TrackGain gain, long start, Span<float> sum)
    {
        int channels = _state.Timeline.Channels;
        // Only where the stem is: elsewhere it takes no part, rather than part as a zero.
        int from = (int)Math.Clamp(stem.Audio.Start - start, 0, sum.Length / channels), to = (int)Math.Clamp(stem.Audio.End - start, 0, sum.Length / channels);
        if (from >= to) return;
        Span<float> samples = _samples.AsSpan(0, (to - from) * channels);
        stem.Read(start + from, samples);
        sum = sum.Slice(from * channels, samples.Length);
        for (int i = 0; i < samples.Length; i += channels)
        {
            var (left, right) = gain.At(start + from + i / channels);
            sum[i] += (float)(samples[i] * left);
            sum[i + 1] += (float)(samples[i + 1] * right);
        }
    }
}
