namespace ThinkSound.Media.Tests;

public sealed class VideoTests
{
    private static readonly VideoReadOptions BothRates = new() { Rates = [new FrameRate(8, 40), new FrameRate(25, 125)] };

    [SetUp]
    public void NeedsTheLibrary() => MediaParts.Require();

    [Test]
    public void VideoReader_serves_both_rates_in_order_and_without_gaps()
    {
        using VideoReader reader = VideoReader.Open(MediaParts.Sample("flower.mp4"), BothRates);
        long[] next = [0, 0];
        TimeSpan time = TimeSpan.MinValue;
        while (reader.TryRead(out VideoFrame frame))
        {
            Assert.That(frame.Time, Is.GreaterThan(time));
            time = frame.Time;
            Assert.That(frame.Uses, Is.Not.Empty);
            foreach (FrameUse use in frame.Uses)
            {
                Assert.That(use.First, Is.EqualTo(next[use.Rate]));
                next[use.Rate] += use.Count;
            }
        }
        VideoStatistics statistics = reader.GetStatistics();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(next, Is.EqualTo(new long[] { 40, 125 }));
            Assert.That(statistics.NumDecoded, Is.LessThanOrEqualTo(151)); // one pass
            Assert.That(statistics.NumWarnings, Is.Zero);
            Assert.That((reader.Width, reader.Height), Is.EqualTo((960, 540)));
        }
    }

    [Test]
    public async Task ReadFramesAsync_gives_the_frames_of_the_reader_in_memory_of_their_own()
    {
        string path = MediaParts.Sample("stream-of-water.mp4");
        var options = new VideoReadOptions { Rates = [new FrameRate(25, 80)], MaxSide = 120 };
        var expected = new List<byte[]>();
        using (VideoReader reader = VideoReader.Open(path, options))
            while (reader.TryRead(out VideoFrame frame))
            {
                var packed = new byte[3 * frame.Width * frame.Height];
                frame.CopyTo(packed);
                expected.Add(packed);
            }
        var frames = new List<BufferedFrame>();
        await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(path, options)) frames.Add(frame); // kept, all at once
        Assert.That(frames, Has.Count.EqualTo(expected.Count));
        for (int i = 0; i < frames.Count; i++) Assert.That(frames[i].Pixels.Span.SequenceEqual(expected[i]), $"frame {i}");
        foreach (BufferedFrame frame in frames) frame.Dispose();
        Assert.That(() => frames[0].Pixels, Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task ReadBlocksAsync_gives_contiguous_blocks_that_overlap_as_asked()
    {
        string path = MediaParts.Sample("stream-of-water.mp4");
        var options = new VideoReadOptions { Rates = [new FrameRate(8, 21), new FrameRate(25, 72)], MaxSide = 64 };
        List<byte[]>[] singles = [[], []];
        await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(path, options))
            using (frame)
                foreach (FrameUse use in frame.Uses)
                    for (long i = 0; i < use.Count; i++) singles[use.Rate].Add(frame.Pixels.ToArray());

        var blocks = new List<(int Rate, long First, int Count)>();
        await foreach (FrameBlock block in VideoFile.ReadBlocksAsync(path, options, [new BlockShape(8), new BlockShape(24, Overlap: 8)]))
        {
            blocks.Add((block.Rate, block.First, block.Frames.Count));
            int frameBytes = (int)block.Frames.FrameBytes;
            for (int i = 0; i < block.Frames.Count; i++)
            {
                byte[] expected = singles[block.Rate][(int)block.First + i];
                Assert.That(block.Frames.Pixels.Span.Slice(i * frameBytes, frameBytes).SequenceEqual(expected), $"{block.Rate}: {block.First} + {i}");
            }
        }
        using (Assert.EnterMultipleScope())
        {
            Assert.That(blocks.Where(b => b.Rate == 0).Select(b => (b.First, b.Count)), Is.EqualTo(new[] { (0L, 8), (8L, 8), (16L, 5) }));
            // 72 = 24 + 3 · 16: every segment of 16 frames, hop 8, lies within one block.
            Assert.That(blocks.Where(b => b.Rate == 1).Select(b => (b.First, b.Count)), Is.EqualTo(new[] { (0L, 24), (16L, 24), (32L, 24), (48L, 24) }));
        }
    }

    [Test]
    public async Task ReadFramesAsync_left_early_stops_decoding()
    {
        string path = MediaParts.Sample("big-buck-bunny-0-30.webm");
        await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(path, new VideoReadOptions { Rates = [new FrameRate(25)] }))
        {
            frame.Dispose();
            break;
        }
        Assert.Pass("the loop's end waited for the decoder, which would need seconds for the rest");
    }

    [Test]
    public async Task ReadFramesAsync_cancelled_midway_throws_with_the_callers_token()
    {
        using var cancel = new CancellationTokenSource();
        var thrown = await Assert.CatchAsync<OperationCanceledException>(async () =>
        {
            await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(MediaParts.Sample("flower.mp4"), BothRates, cancel.Token))
            {
                frame.Dispose();
                await cancel.CancelAsync();
            }
        });
        Assert.That(thrown!.CancellationToken, Is.EqualTo(cancel.Token));
    }

    [Test]
    public void Bad_options_and_files_are_refused()
    {
        string path = MediaParts.Sample("friday.mp4");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => VideoReader.Open(path, new VideoReadOptions { Rates = [] }), Throws.ArgumentException);
            Assert.That(() => VideoReader.Open(path, new VideoReadOptions { Rates = [new FrameRate(0)] }), Throws.ArgumentException);
            Assert.That(() => VideoReader.Open(path, new VideoReadOptions { Rates = [new FrameRate(8)], Start = TimeSpan.FromSeconds(-1) }), Throws.ArgumentException);
            Assert.That(() => VideoReader.Open(path, new VideoReadOptions { Rates = [new FrameRate(8)], MaxSide = -1 }), Throws.InstanceOf<ArgumentException>().With.Message.Contains("MaxSide"));
            Assert.That(() => VideoReader.Open(path, new VideoReadOptions { Rates = [new FrameRate(8)], Stream = 0 }), Throws.ArgumentException); // its sound
            Assert.That(() => Read(path, TimeSpan.FromSeconds(60)), Throws.ArgumentException.With.Message.Contains("past the end"));
            Assert.That(() => VideoReader.Open(MediaParts.Temporary("none.mp4"), BothRates), Throws.TypeOf<ResourceNotFoundException>());
        }

        static void Read(string path, TimeSpan start)
        {
            using VideoReader reader = VideoReader.Open(path, new VideoReadOptions { Rates = [new FrameRate(8, 8)], Start = start });
            while (reader.TryRead(out _)) { }
        }
    }

    [Test]
    public void A_reader_may_be_disposed_of_twice()
    {
        VideoReader reader = VideoReader.Open(MediaParts.Sample("friday.mp4"), BothRates);
        reader.Dispose();
        Assert.That(reader.Dispose, Throws.Nothing);
        Assert.That(() => reader.TryRead(out _), Throws.TypeOf<ObjectDisposedException>());
    }
}
