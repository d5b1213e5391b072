using ThinkSound.Interop;
using ThinkSound.Media.Interop;

namespace ThinkSound.Media;

/// <summary>A constant rate at which frames are wanted. Frame n of it is the last frame of the file that is shown before
/// (n + ½) / rate, as FFmpeg's <c>fps</c> filter has it; frames are repeated or left out, never blended.</summary>
/// <param name="FramesPerSecond">Above 0.</param>
/// <param name="NumFrames">How many; the file's last frame is repeated where it has fewer. 0 reads to the file's end.</param>
public readonly record struct FrameRate(double FramesPerSecond, long NumFrames = 0);

/// <summary>How a video is read.</summary>
public sealed record VideoReadOptions
{
    /// <summary>Rates served by one pass of decoding, 1 to 8.</summary>
    public required IReadOnlyList<FrameRate> Rates { get; init; }
    /// <summary>Time of frame 0 of every rate.</summary>
    public TimeSpan Start { get; init; }
    /// <summary>Larger frames are scaled down to this longer side; 0 keeps them.</summary>
    public int MaxSide { get; init; }
    /// <summary>Which stream; null takes the one that <see cref="MediaInfo.Video"/> names.</summary>
    public int? Stream { get; init; }
    /// <summary>Turned and with square pixels, as a viewer sees it; false leaves frames as stored.</summary>
    public bool AsShown { get; init; } = true;
    /// <summary>Threads of the decoder; 0 is as many as there are processors.</summary>
    public int NumThreads { get; init; }
}

/// <summary>One rate takes a frame for its frames <see cref="First"/> … <see cref="First"/> + <see cref="Count"/> − 1.</summary>
/// <param name="Rate">Index into <see cref="VideoReadOptions.Rates"/>.</param>
/// <param name="First">First frame of that rate.</param>
/// <param name="Count">At least 1.</param>
public readonly record struct FrameUse(int Rate, long First, long Count);

/// <summary>A frame as the reader holds it; valid until the next one is read.</summary>
public readonly ref struct VideoFrame
{
    internal unsafe VideoFrame(tsm_frame* frame)
    {
        Width = (int)frame->width;
        Height = (int)frame->height;
        RowBytes = (int)frame->row_bytes;
        Time = TimeSpan.FromSeconds(frame->time_s);
        Pixels = new ReadOnlySpan<byte>(frame->pixels, checked(RowBytes * (Height - 1) + 3 * Width));
        var uses = new FrameUse[frame->num_uses];
        for (int i = 0; i < uses.Length; i++) uses[i] = new((int)frame->uses[i].rate, (long)frame->uses[i].first, (long)frame->uses[i].count);
        Uses = uses;
    }

    /// <summary>RGB, 8 bits each, sRGB, top row first, rows <see cref="RowBytes"/> apart.</summary>
    public ReadOnlySpan<byte> Pixels { get; }
    /// <summary>Pixels across.</summary>
    public int Width { get; }
    /// <summary>Pixels down.</summary>
    public int Height { get; }
    /// <summary>From row to row, at least 3·width.</summary>
    public int RowBytes { get; }
    /// <summary>When the file shows it.</summary>
    public TimeSpan Time { get; }
    /// <summary>Which frames of which rates it stands for.</summary>
    public IReadOnlyList<FrameUse> Uses { get; }

    /// <summary>Copies the picture without padding between rows: 3·width·height bytes.</summary>
    public void CopyTo(Span<byte> packed)
    {
        int row = 3 * Width;
        if (RowBytes == row) Pixels.CopyTo(packed);
        else for (int y = 0; y < Height; y++) Pixels.Slice(y * RowBytes, row).CopyTo(packed[(y * row)..]);
    }
}

/// <summary>How reading a video went.</summary>
/// <param name="NumWarnings">Damaged packets and frames that were concealed or left out.</param>
/// <param name="NumDecoded">Frames that the decoder gave.</param>
/// <param name="NumDelivered">Frames that were handed out.</param>
/// <param name="NumRepeated">Per rate: frames past the file's end, filled by repeating the last.</param>
public sealed record VideoStatistics(int NumWarnings, long NumDecoded, long NumDelivered, IReadOnlyList<long> NumRepeated);

/// <summary>Frames of a video at one or several constant rates, in one pass of decoding and constant memory. One caller at a time.</summary>
public sealed unsafe class VideoReader : IDisposable
{
    private readonly tsm_video_reader _handle;
    private readonly MediaLibrary.CancelSource _cancel;
    private readonly CancellationToken _token;

    private VideoReader(tsm_video_reader handle, MediaLibrary.CancelSource cancel, CancellationToken token)
    {
        (_handle, _cancel, _token) = (handle, cancel, token);
        tsm_video_info info = tsm_video_info.create();
        MediaLibrary.Check(NativeMedia.tsm_video_reader_get_info(_handle, &info));
        (Width, Height) = ((int)info.width, (int)info.height);
    }

    /// <summary>Opens the video of a file.</summary>
    /// <exception cref="ResourceNotFoundException">No such file.</exception>
    /// <exception cref="MediaException">No video in it, or nothing decodes.</exception>
    /// <exception cref="ArgumentException">Start past the end, or rates that make no sense.</exception>
    public static VideoReader Open(string path, VideoReadOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxSide, nameof(options.MaxSide));
        ArgumentOutOfRangeException.ThrowIfNegative(options.NumThreads, nameof(options.NumThreads));
        MediaLibrary.EnsureLoaded();
        using var arguments = new NativeArguments();
        var cancel = new MediaLibrary.CancelSource(cancellationToken);
        try
        {
            tsm_video_options native = tsm_video_options.create();
            native.num_rates = (uint)options.Rates.Count;
            native.rates = arguments.Array<tsm_output_rate>(options.Rates.Count);
            for (int i = 0; i < options.Rates.Count; i++) native.rates[i] = ToNative(options.Rates[i]);
            native.start_s = options.Start.TotalSeconds;
            native.max_side = (uint)options.MaxSide;
            native.stream = options.Stream ?? -1;
            native.as_shown = options.AsShown ? 1 : 0;
            native.num_threads = (uint)options.NumThreads;
            native.cancel = MediaLibrary.CancelSource.Callback;
            native.user_data = cancel.UserData;
            MediaLibrary.Check(NativeMedia.tsm_video_reader_open(arguments.String(path, nameof(path)), &native, out tsm_video_reader handle), cancellationToken);
            return new VideoReader(handle, cancel, cancellationToken);
        }
        catch
        {
            cancel.Dispose();
            throw;
        }
    }

    /// <summary>Pixels across, of every frame.</summary>
    public int Width { get; }
    /// <summary>Pixels down, of every frame.</summary>
    public int Height { get; }

    /// <summary>The next frame that at least one rate wants; false when every rate has all its frames.</summary>
    /// <exception cref="MediaException">Nothing decodes.</exception>
    /// <exception cref="OperationCanceledException">The token given to <see cref="Open"/> was cancelled.</exception>
    public bool TryRead(out VideoFrame frame)
    {
        tsm_frame native = tsm_frame.create();
        MediaLibrary.Check(NativeMedia.tsm_video_reader_next(_handle, &native), _token);
        frame = native.pixels is null ? default : new VideoFrame(&native);
        return native.pixels is not null;
    }

    /// <summary>Damaged packets and frames that were concealed or left out so far.</summary>
    public int NumWarnings => GetStatistics().NumWarnings;

    /// <summary>What has been read so far, and how.</summary>
    public VideoStatistics GetStatistics()
    {
        tsm_video_stats stats = tsm_video_stats.create();
        MediaLibrary.Check(NativeMedia.tsm_video_reader_get_stats(_handle, &stats));
        var repeated = new long[8];
        for (int i = 0; i < repeated.Length; i++) repeated[i] = (long)stats.num_repeated[i];
        return new VideoStatistics((int)stats.num_warnings, (long)stats.num_decoded, (long)stats.num_converted, repeated);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_handle.IsClosed) return;
        _handle.Dispose();
        _cancel.Dispose();
    }

    /// <summary>As a fraction: whole rates exactly, others (29.97) to a millionth.</summary>
    private static tsm_output_rate ToNative(FrameRate rate)
    {
        if (!(rate.FramesPerSecond > 0 && rate.FramesPerSecond <= 1000)) throw new ArgumentException($"{rate.FramesPerSecond} frames per second is outside 0 … 1000");
        if (rate.NumFrames < 0) throw new ArgumentException($"{rate.NumFrames} frames");
        bool isWhole = rate.FramesPerSecond == Math.Floor(rate.FramesPerSecond);
        return new tsm_output_rate
        {
            fps_num = isWhole ? (uint)rate.FramesPerSecond : (uint)Math.Round(rate.FramesPerSecond * 1_000_000),
            fps_den = isWhole ? 1u : 1_000_000u,
            num_frames = (ulong)rate.NumFrames,
        };
    }
}
