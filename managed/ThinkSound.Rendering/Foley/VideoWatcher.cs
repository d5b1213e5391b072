using System.Diagnostics;
using ThinkSound.Media;

namespace ThinkSound.Rendering.Foley;

/// <summary>What one watching leaves for the next, if that is of the same video.</summary>
internal sealed class WatcherBuffers
{
    public FrameBuffer? Clip { get; set; }
    public FrameBuffer? Sync { get; set; }
}

/// <summary>A stretch of video through both vision towers in one pass of decoding. A few frames are held at a time, however
/// long or large the video is.</summary>
internal sealed class VideoWatcher
{
    // Towers work on 8 frames or one segment at a time; more in hand saves nothing on a CPU and little elsewhere.
    private const int ClipFrames = 8, SegmentFrames = 16, SegmentHop = 8, SyncFrames = 72;
    private const long BufferBytes = 64 << 20, LargestSegmentBytes = 512 << 20;

    private readonly ThinkSoundSession _session;
    private readonly ClipLengths _lengths;
    private readonly VideoReader _reader;
    private readonly int _clipRate = -1, _syncRate = -1; // which rate of the reader, -1 without that tower
    private readonly FrameBuffer? _clip, _sync;
    private readonly List<int> _clipCounts = [];         // how often each frame in _clip is shown
    private readonly List<float> _clipFeatures = [], _syncFeatures = [];
    private readonly CancellationToken _cancel;
    private readonly List<FrameRate> _rates = [];        // as they are read
    private readonly List<long> _held = [];              // frames of each rate after the scene, which its last one stands for
    private long _syncRepeats;                           // of the last frame, not yet in _sync

    private VideoWatcher(ThinkSoundSession session, ClipLengths lengths, string path, TimeSpan start, TimeSpan? sceneEnd, StreamInfo video, ConditionStreams streams, WatcherBuffers? buffers,
                         CancellationToken cancel)
    {
        (_session, _lengths, _cancel) = (session, lengths, cancel);
        EngineInfo info = session.Engine.Info;
        if (Watches(BundleComponents.ClipVision, ConditionStreams.Clip)) _clipRate = Add(info.ClipFps, lengths.ClipLength);
        if (Watches(BundleComponents.Synchformer, ConditionStreams.Sync)) _syncRate = Add(info.SyncFps, lengths.SyncFrames);
        _reader = VideoReader.Open(path, new VideoReadOptions { Rates = _rates, Start = start, MaxSide = MaxSide(video.Width, video.Height) }, cancel);
        long frameBytes = 3L * _reader.Width * _reader.Height;
        buffers ??= new WatcherBuffers();
        if (_clipRate >= 0) buffers.Clip = _clip = FrameBuffer.Reuse(buffers.Clip, _reader.Width, _reader.Height, (int)Math.Clamp(BufferBytes / frameBytes, 1, ClipFrames));
        if (_syncRate >= 0) buffers.Sync = _sync = FrameBuffer.Reuse(buffers.Sync, _reader.Width, _reader.Height, (int)Math.Clamp(BufferBytes / frameBytes, SegmentFrames, SyncFrames) / SegmentHop * SegmentHop);

        bool Watches(BundleComponents tower, ConditionStreams stream) => info.Components.HasFlag(tower) && streams.HasFlag(stream);

        int Add(double rate, int count)
        {
            // Frame n is what is shown before (n + ½)/rate.
            long inScene = sceneEnd is { } end ? Math.Clamp((long)Math.Floor((end - start).TotalSeconds * rate + 0.5), 1, count) : count;
            _rates.Add(new FrameRate(rate, inScene));
            _held.Add(count - inScene);
            return _rates.Count - 1;
        }
    }

    /// <summary>Watches the stretch that <paramref name="lengths"/> describes. Where the video ends early, its last frame stays.</summary>
    /// <param name="session">Of an engine with at least one vision tower.</param>
    /// <param name="lengths">Frames at each rate.</param>
    /// <param name="path">The video.</param>
    /// <param name="start">Time of the first frame.</param>
    /// <param name="sceneEnd">Where the scene ends, if nothing beyond it shall be seen: its last frame stays.</param>
    /// <param name="video">The file's video stream.</param>
    /// <param name="streams">Which towers watch, of those that the engine has.</param>
    /// <param name="report">Told the part that is done, and the time left.</param>
    /// <param name="cancel">Stops within one batch.</param>
    /// <param name="buffers">Of the watching before, and for the next; null for neither.</param>
    /// <returns>The features, and how many damaged frames were concealed.</returns>
    public static async Task<(VideoFeatures Features, int Damaged)> WatchAsync(
        ThinkSoundSession session, ClipLengths lengths, string path, TimeSpan start, TimeSpan? sceneEnd, StreamInfo video, ConditionStreams streams,
        Action<double, TimeSpan?> report, CancellationToken cancel, WatcherBuffers? buffers = null)
    {
        var watcher = new VideoWatcher(session, lengths, path, start, sceneEnd, video, streams, buffers, cancel);
        using (watcher._reader)
        {
            VideoFeatures features = await watcher.RunAsync(report).ConfigureAwait(false);
            return (features, watcher._reader.NumWarnings);
        }
    }

    /// <summary>The longer side above which frames are scaled down on their way in, so that a segment of 16 stays below half a
    /// gigabyte; 0 for all that fit, which up to 4K is every video. The towers see 224 pixels anyway.</summary>
    internal static int MaxSide(int width, int height)
    {
        double largest = (double)LargestSegmentBytes / SegmentFrames / 3, pixels = (double)width * height;
        return pixels <= largest ? 0 : Math.Max(1, (int)(Math.Max(width, height) * Math.Sqrt(largest / pixels)));
    }

    private async Task<VideoFeatures> RunAsync(Action<double, TimeSpan?> report)
    {
        long began = Stopwatch.GetTimestamp();
        report(0, null);
        while (TakeFrame())
        {
            if (_clip is { IsFull: true }) await EncodeClip().ConfigureAwait(false);
            while (_syncRepeats > 0)
            {
                if (_sync!.IsFull) await EncodeSync().ConfigureAwait(false);
                _sync.Repeat();
                _syncRepeats--;
            }
            if (_sync is { IsFull: true }) await EncodeSync().ConfigureAwait(false);
            double done = Fraction();
            TimeSpan elapsed = Stopwatch.GetElapsedTime(began);
            report(done, done > 0.02 ? elapsed / done * (1 - done) : null);
        }
        if (_clip is { Count: > 0 }) await EncodeClip().ConfigureAwait(false);
        if (_sync is { Count: >= SegmentFrames }) await EncodeSync().ConfigureAwait(false);
        report(1, TimeSpan.Zero);
        EngineInfo info = _session.Engine.Info;
        return new VideoFeatures(Collect(_clipFeatures, info.ClipDim), Collect(_syncFeatures, info.SyncDim));
    }

    /// <summary>Copies the next frame into the buffers that want it, which have room for one.</summary>
    private bool TakeFrame()
    {
        if (!_reader.TryRead(out VideoFrame frame)) return false;
        foreach (FrameUse use in frame.Uses)
        {
            long count = use.Count + (use.First + use.Count == _rates[use.Rate].NumFrames ? _held[use.Rate] : 0);
            if (use.Rate == _clipRate)
            {
                // Frames are independent: one that is shown several times is encoded once.
                _clip!.Add(frame.Pixels, frame.RowBytes);
                _clipCounts.Add((int)count);
            }
            else
            {
                _sync!.Add(frame.Pixels, frame.RowBytes);
                _syncRepeats = count - 1;
            }
        }
        return true;
    }

    private async Task EncodeClip()
    {
        Features features = await _session.EncodeClipFramesAsync(_clip!.View(_clip.Count), null, _cancel).ConfigureAwait(false);
        for (int i = 0; i < features.Rows; i++)
            for (int n = 0; n < _clipCounts[i]; n++) _clipFeatures.AddRange(features.Row(i));
        _clip.Keep(0);
        _clipCounts.Clear();
    }

    private async Task EncodeSync()
    {
        // Only whole segments; what is left over begins the next batch, after the 8 frames that it shares with this one.
        int count = _sync!.Count / SegmentHop * SegmentHop;
        Features features = await _session.EncodeSyncFramesAsync(_sync.View(count), null, _cancel).ConfigureAwait(false);
        _syncFeatures.AddRange(features.Data.Span);
        _sync.Keep(_sync.Count - count + SegmentHop);
    }

    private double Fraction()
    {
        double clip = _clip is null ? 0 : (double)_clipFeatures.Count / _session.Engine.Info.ClipDim / _lengths.ClipLength;
        double sync = _sync is null ? 0 : (double)_syncFeatures.Count / _session.Engine.Info.SyncDim / _lengths.SyncLength;
        return Math.Min(1, (clip + sync) / ((_clip is null ? 0 : 1) + (_sync is null ? 0 : 1)));
    }

    private static Features? Collect(List<float> values, int width) =>
        values.Count == 0 ? null : new Features(values.Count / width, width, values.ToArray());
}
