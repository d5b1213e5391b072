using ThinkSound.Media;

namespace ThinkSound.Reasoning.Recogniser;

/// <summary>A stretch of video, or a region of it, as the recogniser and the measures see it.</summary>
/// <param name="Recognition">What the heads of the model say.</param>
/// <param name="Facts">What is measured in the frames.</param>
internal sealed record VideoReading(Recognition Recognition, PictureFacts Facts)
{
    private const int MeasuredSide = 192, LargestSide = 1280; // pixels; the towers see 224 of them
    private const int ClipFrames = 8, SyncFrames = 24, SegmentHop = 8;
    private static readonly TimeSpan LongestStill = TimeSpan.FromSeconds(2); // more of it shows the same

    /// <summary>It is of one object, and was held against its scene.</summary>
    public bool IsObject { get; init; }

    /// <summary>Measures first, which is quick, then watches.</summary>
    /// <param name="engine">With both towers and a recogniser.</param>
    /// <param name="path">The video.</param>
    /// <param name="start">Where the stretch begins.</param>
    /// <param name="watched">How long it is; above 0.</param>
    /// <param name="region">Of the picture; null for all.</param>
    /// <param name="watch">Watches the same stretch of the whole picture; null, or null from it, for nobody.</param>
    /// <param name="progress">Told how much is watched.</param>
    /// <param name="cancel">Stops within a block of frames.</param>
    public static async Task<VideoReading> OfAsync(ThinkSoundEngine engine, string path, TimeSpan start, TimeSpan watched, VideoRegion? region,
                                                   Func<IProgress<ReasoningProgress>?, CancellationToken, Task<VideoFeatures?>>? watch,
                                                   IProgress<ReasoningProgress>? progress, CancellationToken cancel)
    {
        PictureFacts facts = await MeasureAsync(path, start, watched, region, cancel).ConfigureAwait(false);
        VideoFeatures? seen = watch is null ? null : await watch(progress, cancel).ConfigureAwait(false);
        using ThinkSoundSession session = engine.CreateSession();
        var (clip, sync) = seen is { Clip: { } ofClip, Sync: { } ofSync } ? (ofClip, ofSync) : await WatchAsync(session, path, start, watched, region, progress, cancel).ConfigureAwait(false);
        return new VideoReading(await session.RecogniseAsync(clip, sync, cancel).ConfigureAwait(false), facts);
    }

    /// <summary>The reading of one object, held against the scene that it was found in (<see cref="Weighed"/>).</summary>
    public async Task<VideoReading> InAsync(ThinkSoundEngine engine, SceneVideo scene, IProgress<ReasoningProgress>? progress, CancellationToken cancel)
    {
        TimeSpan length = scene.Range.End - scene.Range.Start;
        Dictionary<string, float> shown = await ClassesAsync(engine, scene.Path, scene.Range.Start, length, progress, cancel).ConfigureAwait(false);
        Dictionary<string, float> still = scene.Still is { } show
            ? await ClassesAsync(engine, await show(cancel).ConfigureAwait(false), TimeSpan.Zero, length < LongestStill ? length : LongestStill, progress, cancel).ConfigureAwait(false)
            : [];
        return this with { IsObject = true, Recognition = Recognition with { Classes = Weighed(Recognition.Classes, shown, still) } };
    }

    /// <summary>What the scene does not show, the object is hardly, and neither is it what is there while nothing happens. The likeliest
    /// class stays as likely as it was; the others are as likely beside it as the products of three: their own probability, the root of
    /// the scene's (an object may be what is less sure in the scene), and what four fifths of the still picture's leave of 1 (much is
    /// recognised at rest, too).</summary>
    /// <param name="own">Of the object; some class.</param>
    /// <param name="scene">Probabilities in the scene.</param>
    /// <param name="still">Probabilities while nothing happens.</param>
    /// <returns>The likeliest first.</returns>
    internal static IReadOnlyList<Recognised> Weighed(IReadOnlyList<Recognised> own, IReadOnlyDictionary<string, float> scene, IReadOnlyDictionary<string, float> still)
    {
        const float atRest = 0.8f;
        float Weight(Recognised one) => one.Probability * MathF.Sqrt(scene.GetValueOrDefault(one.Name)) * (1 - atRest * still.GetValueOrDefault(one.Name));
        Recognised[] ranked = [.. own.OrderByDescending(Weight)];
        float most = ranked.Length > 0 ? Weight(ranked[0]) : 0;
        return most > 0 ? [.. ranked.Select(one => one with { Probability = ranked[0].Probability * (Weight(one) / most) })] : own;
    }

    private static async Task<Dictionary<string, float>> ClassesAsync(ThinkSoundEngine engine, string path, TimeSpan start, TimeSpan length,
                                                                      IProgress<ReasoningProgress>? progress, CancellationToken cancel)
    {
        using ThinkSoundSession session = engine.CreateSession();
        var (clip, sync) = await WatchAsync(session, path, start, length, null, progress, cancel).ConfigureAwait(false);
        Recognition recognition = await session.RecogniseAsync(clip, sync, cancel).ConfigureAwait(false);
        return recognition.Classes.ToDictionary(recognised => recognised.Name, recognised => recognised.Probability);
    }

    /// <summary>The measures alone: no model is needed.</summary>
    public static async Task<PictureFacts> MeasureAsync(string path, TimeSpan start, TimeSpan watched, VideoRegion? region, CancellationToken cancel)
    {
        var meter = new MotionMeter();
        double larger = region is { } part ? Math.Max(part.Width, part.Height) : 1;
        var options = new VideoReadOptions
        {
            Rates = [new FrameRate(MotionMeter.Rate, Math.Max(1, (long)Math.Round(watched.TotalSeconds * MotionMeter.Rate)))],
            Start = start, MaxSide = (int)Math.Min(LargestSide, MeasuredSide / larger),
        };
        await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(path, options, cancel).ConfigureAwait(false))
        {
            using (frame)
            {
                Area area = Area.Of(region, frame.Width, frame.Height);
                double time = Math.Clamp((frame.Time - start).TotalSeconds, 0, watched.TotalSeconds);
                meter.Add(frame.Pixels.Span[area.Offset(frame.Width)..], 3 * frame.Width, area.Width, area.Height, time);
            }
        }
        return meter.Finish(watched);
    }

    private static async Task<(Features Clip, Features Sync)> WatchAsync(ThinkSoundSession session, string path, TimeSpan start, TimeSpan watched, VideoRegion? region,
                                                                         IProgress<ReasoningProgress>? progress, CancellationToken cancel)
    {
        EngineInfo info = session.Engine.Info;
        // As many as a generation of this length takes; a tower needs a frame, the other a segment of 16.
        int numClip = Math.Max(1, (int)Math.Round(info.ClipFps * watched.TotalSeconds));
        int numSync = SegmentHop * (1 + Math.Max(1, (int)Math.Round(info.SyncFps * watched.TotalSeconds / SegmentHop)));
        var options = new VideoReadOptions
        {
            Rates = [new FrameRate(info.ClipFps, numClip), new FrameRate(info.SyncFps, numSync)], Start = start, MaxSide = LargestSide,
        };
        List<float> clip = [], sync = [];
        BlockShape[] shapes = [new BlockShape(ClipFrames), new BlockShape(SyncFrames, SegmentHop)];
        await foreach (FrameBlock block in VideoFile.ReadBlocksAsync(path, options, shapes, cancel).ConfigureAwait(false))
        {
            VideoFrames frames = Area.Of(region, block.Frames.Width, block.Frames.Height).Cut(block.Frames);
            Features features = block.Rate == 0
                ? await session.EncodeClipFramesAsync(frames, null, cancel).ConfigureAwait(false)
                : await session.EncodeSyncFramesAsync(frames, null, cancel).ConfigureAwait(false);
            (block.Rate == 0 ? clip : sync).AddRange(features.Data.Span);
            int done = sync.Count / info.SyncDim, all = numSync - SegmentHop;
            progress?.Report(new ReasoningProgress(ReasoningActivity.Watching, Math.Min(1, (double)done / all), $"{done} of {all} frames"));
        }
        return (Collect(clip, info.ClipDim), Collect(sync, info.SyncDim));
    }

    private static Features Collect(List<float> values, int width) => new(values.Count / width, width, values.ToArray());

    /// <summary>A rectangle of pixels.</summary>
    private readonly record struct Area(int Left, int Top, int Width, int Height)
    {
        public static Area Of(VideoRegion? region, int width, int height)
        {
            if (region is not { } part) return new Area(0, 0, width, height);
            int left = Math.Min((int)(part.X * width), width - 1), top = Math.Min((int)(part.Y * height), height - 1);
            int right = Math.Clamp((int)Math.Ceiling((part.X + part.Width) * width), left + 1, width);
            int bottom = Math.Clamp((int)Math.Ceiling((part.Y + part.Height) * height), top + 1, height);
            return new Area(left, top, right - left, bottom - top);
        }

        public int Offset(int width) => 3 * (Top * width + Left);

        /// <summary>The same frames, of which only the rectangle is seen; nothing is copied.</summary>
        public VideoFrames Cut(VideoFrames frames) =>
            new(frames.Pixels[Offset(frames.Width)..], frames.Count, Width, Height, frames.RowBytes, frames.FrameBytes);
    }
}
