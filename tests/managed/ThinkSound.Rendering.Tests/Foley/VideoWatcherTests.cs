using ThinkSound.Media;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Tests.Foley;

public class VideoWatcherTests
{
    // Products over another number of frames may be tiled, and so summed, in another order. Features are of order 1; those
    // of another frame or segment differ by 1e-2 and more.
    private const float FloatNoise = 1e-4f;

    // Whole seconds, a start between frames, an end past the picture's, and the rule of the reference, whose 25 frames a
    // second do not come in whole segments.
    [TestCase(0, 3.0, LengthRule.Exact)]
    [TestCase(0.51, 1.3, LengthRule.Exact)]
    [TestCase(2, 2.5, LengthRule.Exact)]
    [TestCase(0, 2.9, LengthRule.Reference)]
    public async Task Batches_give_the_features_of_all_frames_at_once(double start, double duration, LengthRule rule)
    {
        Parts.Require();
        string path = Parts.Sample("stream-of-water.mp4");
        StreamInfo video = MediaInfo.Open(path).Video!;
        using ThinkSoundEngine engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = Parts.Bundle, Device = "cpu" });
        using ThinkSoundSession session = engine.CreateSession();
        ClipLengths lengths = engine.GetLengths(TimeSpan.FromSeconds(duration), rule);

        List<double> told = [];
        var (features, damaged) = await VideoWatcher.WatchAsync(session, lengths, path, TimeSpan.FromSeconds(start), null, video, ConditionStreams.Video, (done, _) => told.Add(done), default);

        Features clip = await session.EncodeClipFramesAsync(Read(engine.Info.ClipFps, lengths.ClipLength));
        Features sync = await session.EncodeSyncFramesAsync(Read(engine.Info.SyncFps, lengths.SyncFrames));
        Assert.Multiple(() =>
        {
            Assert.That(features.Clip!.Data.ToArray(), Is.EqualTo(clip.Data.ToArray()).Within(FloatNoise));
            Assert.That(features.Sync!.Data.ToArray(), Is.EqualTo(sync.Data.ToArray()).Within(FloatNoise));
            Assert.That(features.Clip.Rows, Is.EqualTo(lengths.ClipLength));
            if (rule == LengthRule.Exact) Assert.That(features.Sync.Rows, Is.EqualTo(lengths.SyncLength));
            Assert.That(damaged, Is.Zero);
            Assert.That(told, Is.Ordered.And.All.InRange(0.0, 1.0));
            Assert.That(told[^1], Is.EqualTo(1));
        });

        VideoFrames Read(double fps, int count)
        {
            using var reader = VideoReader.Open(path, new VideoReadOptions { Rates = [new FrameRate(fps, count)], Start = TimeSpan.FromSeconds(start) });
            int bytes = 3 * reader.Width * reader.Height;
            var pixels = new byte[bytes * count];
            int next = 0;
            while (reader.TryRead(out VideoFrame frame))
                for (int i = 0; i < frame.Uses[0].Count; i++) frame.CopyTo(pixels.AsSpan(bytes * next++, bytes));
            Assert.That(next, Is.EqualTo(count));
            return new VideoFrames(pixels, count, reader.Width, reader.Height);
        }
    }

    [Test]
    public async Task Beyond_its_scene_nothing_is_seen_and_its_last_frame_stays()
    {
        Parts.Require();
        using ThinkSoundEngine engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = Parts.Bundle, Device = "cpu" });
        using ThinkSoundSession session = engine.CreateSession();
        VideoFeatures whole = await Watch(session, 2), scene = await Watch(session, 2, sceneEnd: TimeSpan.FromSeconds(1));
        Assert.That((scene.Clip!.Rows, scene.Sync!.Rows), Is.EqualTo((whole.Clip!.Rows, whole.Sync!.Rows)));
        for (int row = 0; row < whole.Clip.Rows; row++) // frame n is what is shown before (n + ½)/8 s
            Assert.That(scene.Clip.Row(row).ToArray(), Is.EqualTo(whole.Clip.Row(Math.Min(row, 7)).ToArray()).Within(FloatNoise), $"frame {row}");
        Assert.That(scene.Sync.Row(0).ToArray(), Is.EqualTo(whole.Sync.Row(0).ToArray()).Within(FloatNoise));
        Assert.That(scene.Sync.Row(scene.Sync.Rows - 1).ToArray(), Is.Not.EqualTo(whole.Sync.Row(whole.Sync.Rows - 1).ToArray()).Within(FloatNoise));
    }

    [Test]
    public async Task A_model_with_one_tower_watches_with_that_one()
    {
        Parts.Require();
        foreach (BundleComponents tower in (BundleComponents[])[BundleComponents.ClipVision, BundleComponents.Synchformer])
        {
            using ThinkSoundEngine engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = Parts.Bundle, Device = "cpu", Components = tower });
            using ThinkSoundSession session = engine.CreateSession();
            VideoFeatures features = await Watch(session, 1);
            Assert.That((features.Clip is null, features.Sync is null), Is.EqualTo((tower != BundleComponents.ClipVision, tower != BundleComponents.Synchformer)));
        }
    }

    [Test]
    public async Task One_stream_alone_is_what_its_tower_sees_among_both()
    {
        Parts.Require();
        using ThinkSoundEngine engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = Parts.Bundle, Device = "cpu" });
        using ThinkSoundSession session = engine.CreateSession();
        VideoFeatures all = await Watch(session, 1), sync = await Watch(session, 1, streams: ConditionStreams.Sync);
        Assert.That((all.Clip is null, sync.Clip), Is.EqualTo((false, (Features?)null)));
        Assert.That(sync.Sync!.Data.ToArray(), Is.EqualTo(all.Sync!.Data.ToArray()));
    }

    [TestCase(3840, 2160, 0)]
    [TestCase(64, 48, 0)]
    [TestCase(7680, 4320, 4459)] // √(2²⁹ / 16 / 3 / (7680 · 4320)) of its side
    [TestCase(4320, 7680, 4459)]
    public void Frames_are_scaled_down_only_where_a_segment_would_not_fit(int width, int height, int side) =>
        Assert.That(VideoWatcher.MaxSide(width, height), Is.EqualTo(side));

    /// <summary>The first seconds of a video, as an engine's towers see them.</summary>
    private static async Task<VideoFeatures> Watch(ThinkSoundSession session, double seconds, TimeSpan? sceneEnd = null, ConditionStreams streams = ConditionStreams.Video)
    {
        string path = Parts.Sample("stream-of-water.mp4");
        ClipLengths lengths = session.Engine.GetLengths(TimeSpan.FromSeconds(seconds));
        var (features, _) = await VideoWatcher.WatchAsync(session, lengths, path, TimeSpan.Zero, sceneEnd, MediaInfo.Open(path).Video!, streams, (_, _) => { }, default);
        return features;
    }
}
