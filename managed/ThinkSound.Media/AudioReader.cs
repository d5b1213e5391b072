using ThinkSound.Interop;
using ThinkSound.Media.Interop;

namespace ThinkSound.Media;

/// <summary>Which part of a file's sound is read.</summary>
public sealed record AudioReadOptions
{
    /// <summary>Where sample 0 is taken from.</summary>
    public TimeSpan Start { get; init; }
    /// <summary>At most so much; zero reads to the end.</summary>
    public TimeSpan Duration { get; init; }
    /// <summary>Which stream; null takes the one that <see cref="MediaInfo.Audio"/> names.</summary>
    public int? Stream { get; init; }
    /// <summary>Time 0 is the first sample of sound even if there is video.</summary>
    public bool OwnClock { get; init; }
}

/// <summary>Sound of a file at its own rate and channels, from the file's time 0 (its first video frame). One caller at a time.</summary>
public sealed unsafe class AudioReader : IDisposable
{
    private readonly tsm_audio_reader _handle;
    private readonly MediaLibrary.CancelSource _cancel;
    private readonly CancellationToken _token;

    private AudioReader(tsm_audio_reader handle, MediaLibrary.CancelSource cancel, CancellationToken token)
    {
        (_handle, _cancel, _token) = (handle, cancel, token);
        tsm_audio_info info = tsm_audio_info.create();
        MediaLibrary.Check(NativeMedia.tsm_audio_reader_get_info(_handle, &info));
        (SampleRate, NumChannels) = ((int)info.sample_rate, (int)info.num_channels);
        ChannelLayout = Utf8.Read(info.channel_layout, 32);
        FirstTime = TimeSpan.FromSeconds(info.first_time_s);
    }

    /// <summary>Opens the sound of a file. Encoder delay is taken off; what begins late is preceded by silence.</summary>
    /// <param name="path">The file.</param>
    /// <param name="start">Where sample 0 is taken from.</param>
    /// <param name="duration">At most so much; zero reads to the end.</param>
    /// <param name="cancellationToken">Asked while opening and reading.</param>
    /// <exception cref="ResourceNotFoundException">No such file.</exception>
    /// <exception cref="MediaException">No sound in it, or nothing decodes.</exception>
    public static AudioReader Open(string path, TimeSpan start = default, TimeSpan duration = default, CancellationToken cancellationToken = default) =>
        Open(path, new AudioReadOptions { Start = start, Duration = duration }, cancellationToken);

    /// <summary>As the other, with a choice of stream and clock.</summary>
    public static AudioReader Open(string path, AudioReadOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        MediaLibrary.EnsureLoaded();
        using var arguments = new NativeArguments();
        var cancel = new MediaLibrary.CancelSource(cancellationToken);
        try
        {
            tsm_audio_options native = tsm_audio_options.create();
            native.start_s = options.Start.TotalSeconds;
            native.duration_s = options.Duration.TotalSeconds;
            native.stream = options.Stream ?? -1;
            native.own_clock = options.OwnClock ? 1 : 0;
            native.interleaved = 1;
            native.cancel = MediaLibrary.CancelSource.Callback;
            native.user_data = cancel.UserData;
            MediaLibrary.Check(NativeMedia.tsm_audio_reader_open(arguments.String(path, nameof(path)), &native, out tsm_audio_reader handle), cancellationToken);
            return new AudioReader(handle, cancel, cancellationToken);
        }
        catch
        {
            cancel.Dispose();
            throw;
        }
    }

    /// <summary>Hz, as stored.</summary>
    public int SampleRate { get; }
    /// <summary>Channels, as stored.</summary>
    public int NumChannels { get; }
    /// <summary>"mono", "stereo", "5.1".</summary>
    public string ChannelLayout { get; }
    /// <summary>When the track's first sample is heard; what lies before it is silence.</summary>
    public TimeSpan FirstTime { get; }
    /// <summary>Damaged packets that were left out so far; silence stands for them.</summary>
    public int NumWarnings => (int)NativeMedia.tsm_audio_reader_num_warnings(_handle);

    /// <summary>Fills <paramref name="interleaved"/> with whole frames of <see cref="NumChannels"/> samples; returns how many
    /// samples per channel there were, 0 at the end.</summary>
    public int Read(Span<float> interleaved)
    {
        if (interleaved.Length < NumChannels) throw new ArgumentException("there must be room for one sample of every channel", nameof(interleaved));
        ulong count;
        fixed (float* samples = interleaved)
            MediaLibrary.Check(NativeMedia.tsm_audio_reader_read(_handle, samples, (ulong)(interleaved.Length / NumChannels), &count), _token);
        return (int)count;
    }

    /// <summary>The whole sound as planar rows [channel][sample].</summary>
    public float[][] ReadToEnd()
    {
        var channels = new List<float>[NumChannels];
        for (int i = 0; i < NumChannels; i++) channels[i] = [];
        float[] block = new float[NumChannels * 16384];
        for (int count; (count = Read(block)) > 0;)
            for (int i = 0; i < count * NumChannels; i++) channels[i % NumChannels].Add(block[i]);
        return [.. channels.Select(channel => channel.ToArray())];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle.IsClosed) return;
        _handle.Dispose();
        _cancel.Dispose();
    }
}
