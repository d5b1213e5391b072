using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using ThinkSound.Interop;
using ThinkSound.Media.Interop;

namespace ThinkSound.Media;

/// <summary>How sound is encoded.</summary>
public enum AudioCodec
{
    /// <summary>What suits the container.</summary>
    Auto = 0,
    /// <summary>AAC.</summary>
    Aac = 1,
    /// <summary>Opus, resampled to 48 kHz.</summary>
    Opus = 2,
    /// <summary>FLAC, lossless.</summary>
    Flac = 3,
    /// <summary>Vorbis.</summary>
    Vorbis = 4,
    /// <summary>MP3.</summary>
    Mp3 = 5,
    /// <summary>PCM: wav, mov, mkv.</summary>
    Pcm = 6,
}

/// <summary>What becomes of the sound that a video already has.</summary>
public enum KeepAudio
{
    /// <summary>Replaced by the new sound.</summary>
    Replace = 0,
    /// <summary>Mixed with the new sound.</summary>
    Mix = 1,
    /// <summary>Kept as a further track.</summary>
    Track = 2,
}

/// <summary>What is written and where.</summary>
public sealed record MediaWriterOptions
{
    /// <summary>The file to make; its ending names the format unless <see cref="Format"/> does. Null writes to <see cref="Output"/>.</summary>
    public string? Path { get; init; }
    /// <summary>Takes the bytes in order instead of a file; <see cref="Format"/> is then needed.</summary>
    public Stream? Output { get; init; }
    /// <summary>"mp4", "mov", "mkv", "webm", "wav", "flac", "ogg", "opus", "mp3", "m4a".</summary>
    public string? Format { get; init; }
    /// <summary>Replace an existing file when the new one is complete.</summary>
    public bool Overwrite { get; init; }
    /// <summary>Hz of the samples that will be written.</summary>
    public int SampleRate { get; init; } = 44_100;
    /// <summary>Channels of the samples that will be written.</summary>
    public int NumChannels { get; init; } = 2;
    /// <summary>How the sound is encoded.</summary>
    public AudioCodec Codec { get; init; }
    /// <summary>Bits of PCM and FLAC: 16, 24; PCM also 32 for floats.</summary>
    public int Bits { get; init; } = 16;
    /// <summary>Bits per second of AAC, Opus, Vorbis, MP3; 0 is 96 000 a channel.</summary>
    public int BitRate { get; init; }
    /// <summary>Factor on the new sound.</summary>
    public float Gain { get; init; } = 1;
    /// <summary>Video whose streams are copied; null makes a sound file.</summary>
    public string? Source { get; init; }
    /// <summary>Time in the source at which the new sound begins.</summary>
    public TimeSpan Start { get; init; }
    /// <summary>What becomes of the source's own sound.</summary>
    public KeepAudio KeepAudio { get; init; }
    /// <summary>Factor on the source's own sound under <see cref="KeepAudio.Mix"/>.</summary>
    public float SourceGain { get; init; } = 1;
    /// <summary>Keep only <see cref="Start"/> … <see cref="Start"/> + <see cref="Duration"/> of the source. The picture is copied
    /// from the key frame before; mp4 and mov hide what comes too early, mkv and webm show it.</summary>
    public bool Cut { get; init; }
    /// <summary>Under <see cref="Cut"/>: how much is kept; zero is to the end.</summary>
    public TimeSpan Duration { get; init; }
    /// <summary>Samples per channel, if known beforehand: lets a WAV that goes to <see cref="Output"/> carry its true length.</summary>
    public long NumSamples { get; init; }
    /// <summary>Written into the file's metadata.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();
}

/// <summary>What has been written.</summary>
/// <param name="Container">"mp4".</param>
/// <param name="Codec">"aac".</param>
/// <param name="NumBytes">Of the finished file.</param>
/// <param name="NumSamples">Of new sound, per channel.</param>
/// <param name="Warnings">What could not be kept and why.</param>
public sealed record MediaWriteResult(string Container, string Codec, long NumBytes, long NumSamples, IReadOnlyList<string> Warnings)
{
    /// <summary>Streams of the source that the container cannot carry.</summary>
    public int NumDroppedStreams { get; init; }
}

/// <summary>A sound file, or a video with new sound, in the making: under a temporary name until <see cref="Finish"/>, so that
/// nothing half-written is ever left. One caller at a time.</summary>
public sealed unsafe class MediaWriter : IDisposable
{
    private readonly tsm_writer _handle;
    private readonly MediaLibrary.CancelSource _cancel;
    private readonly CancellationToken _token;
    private readonly Target? _target;
    private readonly GCHandle _targetHandle;

    private MediaWriter(tsm_writer handle, MediaLibrary.CancelSource cancel, CancellationToken token, Target? target, GCHandle targetHandle) =>
        (_handle, _cancel, _token, _target, _targetHandle) = (handle, cancel, token, target, targetHandle);

    /// <summary>Begins a file.</summary>
    /// <exception cref="ArgumentException">Unknown format, or a codec or video that the container cannot carry; the file exists.</exception>
    /// <exception cref="FileAccessException">The folder cannot be written to.</exception>
    /// <exception cref="MediaException">The source is no video.</exception>
    public static MediaWriter Create(MediaWriterOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Path is null == options.Output is null) throw new ArgumentException("give either a path or an output stream", nameof(options));
        MediaLibrary.EnsureLoaded();
        using var arguments = new NativeArguments();
        var cancel = new MediaLibrary.CancelSource(cancellationToken);
        Target? target = options.Output is { } output ? new Target(output) : null;
        GCHandle targetHandle = GCHandle.Alloc(target);
        try
        {
            tsm_writer_options native = ToNative(options, arguments);
            native.cancel = MediaLibrary.CancelSource.Callback;
            native.user_data = cancel.UserData;
            if (target is not null)
            {
                native.write = &Write;
                native.write_data = (void*)GCHandle.ToIntPtr(targetHandle);
            }
            ts_status status = NativeMedia.tsm_writer_create(&native, out tsm_writer handle);
            target?.Failure?.Throw();
            MediaLibrary.Check(status, cancellationToken);
            return new MediaWriter(handle, cancel, cancellationToken, target, targetHandle);
        }
        catch
        {
            cancel.Dispose();
            targetHandle.Free();
            throw;
        }
    }

    /// <summary>Takes the next samples, planar: <paramref name="planar"/> holds all of channel 0, then of channel 1, …</summary>
    /// <exception cref="FileAccessException">Disk full, or another refusal of the system; the message names the file.</exception>
    public void Write(ReadOnlySpan<float> planar, int numChannels)
    {
        if (numChannels <= 0 || planar.Length % numChannels != 0) throw new ArgumentException("planar samples come in whole channels", nameof(planar));
        fixed (float* samples = planar) Check(NativeMedia.tsm_writer_write(_handle, samples, (ulong)(planar.Length / numChannels), 0));
    }

    /// <summary>Takes the next samples, interleaved: left, right, left, right, …</summary>
    /// <exception cref="FileAccessException">Disk full, or another refusal of the system; the message names the file.</exception>
    public void WriteInterleaved(ReadOnlySpan<float> interleaved, int numChannels)
    {
        if (numChannels <= 0 || interleaved.Length % numChannels != 0) throw new ArgumentException("interleaved samples come in whole frames", nameof(interleaved));
        fixed (float* samples = interleaved) Check(NativeMedia.tsm_writer_write(_handle, samples, (ulong)(interleaved.Length / numChannels), 1));
    }

    /// <summary>A whole clip into one file, on another thread.</summary>
    /// <param name="clip">The sound; its rate, channels and length take the place of the options'.</param>
    /// <param name="options">What and where.</param>
    /// <param name="cancellationToken">Stops it, and leaves nothing.</param>
    public static Task<MediaWriteResult> SaveAsync(AudioClip clip, MediaWriterOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clip);
        ArgumentNullException.ThrowIfNull(options);
        options = options with { SampleRate = clip.SampleRate, NumChannels = clip.Channels, NumSamples = clip.Samples };
        return NativeThread.Run(() =>
        {
            using MediaWriter writer = Create(options, cancellationToken);
            writer.Write(clip.Planar.Span, clip.Channels);
            return writer.Finish();
        });
    }

    /// <summary>Completes the file and gives it its name.</summary>
    /// <exception cref="FileAccessException">Disk full, or another refusal of the system; nothing is left behind.</exception>
    public MediaWriteResult Finish()
    {
        tsm_writer_result result = tsm_writer_result.create();
        Check(NativeMedia.tsm_writer_finish(_handle, &result));
        string[] warnings = Utf8.Read(result.warnings, 1024).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return new MediaWriteResult(Utf8.Read(result.container, 16), Utf8.Read(result.codec, 16), (long)result.num_bytes, (long)result.num_samples, warnings)
        {
            NumDroppedStreams = (int)result.num_dropped_streams,
        };
    }

    /// <summary>Of a file that is not finished nothing is left on disk.</summary>
    public void Dispose()
    {
        if (_handle.IsClosed) return;
        _handle.Dispose();
        _cancel.Dispose();
        _targetHandle.Free();
    }

    private void Check(ts_status status)
    {
        _target?.Failure?.Throw();
        MediaLibrary.Check(status, _token);
    }

    private static tsm_writer_options ToNative(MediaWriterOptions options, NativeArguments arguments)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.SampleRate, nameof(options.SampleRate));
        ArgumentOutOfRangeException.ThrowIfNegative(options.NumChannels, nameof(options.NumChannels));
        ArgumentOutOfRangeException.ThrowIfNegative(options.Bits, nameof(options.Bits));
        ArgumentOutOfRangeException.ThrowIfNegative(options.BitRate, nameof(options.BitRate));
        ArgumentOutOfRangeException.ThrowIfNegative(options.NumSamples, nameof(options.NumSamples));
        tsm_writer_options native = tsm_writer_options.create();
        native.sample_rate = (uint)options.SampleRate;
        native.num_channels = (uint)options.NumChannels;
        native.codec = (tsm_codec)options.Codec;
        native.path = arguments.String(options.Path, nameof(options.Path));
        native.format = arguments.String(options.Format, nameof(options.Format));
        native.overwrite = options.Overwrite ? 1 : 0;
        native.bits = (uint)options.Bits;
        native.bit_rate = (uint)options.BitRate;
        native.gain = options.Gain;
        native.source_gain = options.SourceGain;
        native.cut = options.Cut ? 1 : 0;
        native.duration_s = options.Duration.TotalSeconds;
        native.source = arguments.String(options.Source, nameof(options.Source));
        native.start_s = options.Start.TotalSeconds;
        native.keep_audio = (tsm_keep_audio)options.KeepAudio;
        native.num_samples = (ulong)options.NumSamples;
        native.num_tags = (uint)options.Tags.Count;
        native.tags = arguments.Array<tsm_tag>(options.Tags.Count);
        int i = 0;
        foreach ((string key, string value) in options.Tags)
            native.tags[i++] = new tsm_tag { key = arguments.String(key, nameof(options.Tags)), value = arguments.String(value, nameof(options.Tags)) };
        return native;
    }

    /// <summary>A managed stream behind the native writer, and what it threw.</summary>
    private sealed class Target(Stream stream)
    {
        public Stream Stream { get; } = stream;
        public ExceptionDispatchInfo? Failure { get; set; }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(void* userData, byte* data, ulong count)
    {
        var target = (Target)GCHandle.FromIntPtr((nint)userData).Target!;
        try
        {
            for (ulong done = 0; done < count;)
            {
                int part = (int)Math.Min(count - done, 1 << 20);
                target.Stream.Write(new ReadOnlySpan<byte>(data + done, part));
                done += (ulong)part;
            }
            return 0;
        }
        catch (Exception e)
        {
            target.Failure = ExceptionDispatchInfo.Capture(e); // rethrown once native code has returned
            return 1;
        }
    }
}
