namespace ThinkSound.Projects;

/// <summary>Sound in the making, in blocks. It is there for good after <see cref="Finish"/>; without, it leaves nothing. One caller at
/// a time.</summary>
public sealed class StemWriter : IDisposable
{
    private readonly ContentFile _file;
    private readonly Timeline _timeline;
    private readonly long _start;
    private long _numSamples;

    internal StemWriter(ContentFile file, Timeline timeline, long start) => (_file, _timeline, _start) = (file, timeline, start);

    /// <summary>Samples per channel so far.</summary>
    public long NumSamples => _numSamples;

    /// <summary>Appends whole frames of left and right.</summary>
    /// <exception cref="ProjectException">The disk is full.</exception>
    public void Write(ReadOnlySpan<float> interleaved)
    {
        if (interleaved.Length % _timeline.Channels != 0)
            throw new ArgumentException($"{interleaved.Length} values do not divide into {_timeline.Channels} channels", nameof(interleaved));
        foreach (float sample in interleaved)
            if (!float.IsFinite(sample)) throw new ArgumentException("a sample is no finite number", nameof(interleaved));
        _file.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(interleaved));
        _numSamples += interleaved.Length / _timeline.Channels;
    }

    /// <summary>Appends a clip of the project's rate and channels.</summary>
    public void Write(AudioClip clip)
    {
        ArgumentNullException.ThrowIfNull(clip);
        if (clip.SampleRate != _timeline.SampleRate || clip.Channels != _timeline.Channels)
            throw new ArgumentException($"a clip of {clip.Channels} channels at {clip.SampleRate} Hz does not go into a project of {_timeline.Channels} at {_timeline.SampleRate} Hz", nameof(clip));
        Write(clip.ToInterleaved());
    }

    /// <summary>Keeps it.</summary>
    /// <exception cref="ProjectException">The disk is full.</exception>
    public StemAudio Finish() => new() { Hash = _file.Keep(), Start = _start, NumSamples = _numSamples };

    /// <summary>Gives it up unless it is kept already.</summary>
    public void Dispose() => _file.Dispose();
}
