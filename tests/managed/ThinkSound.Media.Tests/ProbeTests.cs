using Microsoft.Extensions.Logging;

namespace ThinkSound.Media.Tests;

public sealed class ProbeTests
{
    [SetUp]
    public void NeedsTheLibrary() => MediaParts.Require();

    [TestCase("flower.mp4", 960, 540, 5.005, 150, 48000, 2)]
    [TestCase("friday.mp4", 640, 480, 6.166666667, 185, 44100, 2)]
    [TestCase("stream-of-water.mp4", 480, 360, 3.001666667, 90, 44100, 1)]
    [TestCase("wet-hawk.mp4", 960, 540, 10.16, 254, 0, 0)]
    [TestCase("big-buck-bunny-0-30.webm", 1280, 720, 30.0, 720, 44100, 2)]
    public async Task ProbeAsync_tells_size_length_and_sound_of_the_samples(string name, int width, int height, double seconds, long frames,
                                                                            int sampleRate, int channels)
    {
        MediaInfo info = await VideoFile.ProbeAsync(MediaParts.Sample(name));
        StreamInfo video = info.Video!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((video.Width, video.Height), Is.EqualTo((width, height)));
            Assert.That(video.Duration.TotalSeconds, Is.EqualTo(seconds).Within(0.0011)); // WebM counts milliseconds
            Assert.That(video.NumFrames, Is.EqualTo(frames).Within(1));
            Assert.That(video.Start, Is.EqualTo(TimeSpan.Zero));
            Assert.That(video.BitDepth, Is.EqualTo(8));
            Assert.That(video.RotationDegrees, Is.Zero);
            Assert.That(info.Audio?.SampleRate ?? 0, Is.EqualTo(sampleRate));
            Assert.That(info.Audio?.NumChannels ?? 0, Is.EqualTo(channels));
            Assert.That(info.NumBytes, Is.EqualTo(new FileInfo(MediaParts.Sample(name)).Length));
            Assert.That(info.IsTruncated, Is.False);
            Assert.That(info.Streams.Select(s => s.Index), Is.EqualTo(Enumerable.Range(0, info.Streams.Count)));
        }
    }

    [Test]
    public void ProbeAsync_names_the_file_and_the_fix()
    {
        string text = MediaParts.Temporary("notes.mp4");
        File.WriteAllText(text, "These are only words.\n");
        string empty = MediaParts.Temporary("empty.mp4");
        File.WriteAllBytes(empty, []);
        string missing = MediaParts.Temporary("missing.mp4");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => VideoFile.ProbeAsync(missing), Throws.TypeOf<ResourceNotFoundException>().With.Message.Contains(missing));
            Assert.That(() => VideoFile.ProbeAsync(text), Throws.TypeOf<MediaException>().With.Message.Contains("text file"));
            Assert.That(() => VideoFile.ProbeAsync(empty), Throws.TypeOf<MediaException>().With.Message.Contains("empty (0 bytes)"));
            Assert.That(() => VideoFile.ProbeAsync(""), Throws.ArgumentException);
            Assert.That(() => VideoFile.ProbeAsync(MediaParts.Sample("flower.mp4"), new CancellationToken(canceled: true)),
                        Throws.InstanceOf<OperationCanceledException>());
        }
    }

    [Test]
    public void The_library_tells_its_FFmpeg_and_what_it_encodes()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(MediaLibrary.FFmpegVersion, Does.StartWith("libavformat "));
            Assert.That(MediaLibrary.Version, Is.Not.Empty);
            Assert.That(MediaLibrary.CanEncode(AudioCodec.Aac), Is.True);
            Assert.That(MediaLibrary.CanEncode(AudioCodec.Auto), Is.False);
        }
    }

    [Test]
    public async Task FFmpegs_log_arrives_at_the_logger_and_stops_when_it_is_taken_away()
    {
        var lines = new Lines();
        byte[] bytes = await File.ReadAllBytesAsync(MediaParts.Sample("friday.mp4"));
        for (int i = bytes.Length / 2; i < bytes.Length / 2 + 20_000; i++) bytes[i] = 0x55;
        string damaged = MediaParts.Temporary("damaged.mp4");
        await File.WriteAllBytesAsync(damaged, bytes);
        MediaLibrary.UseLogger(lines);
        await ReadAll(damaged);
        MediaLibrary.UseLogger(null);
        int heard = lines.Count;
        Assert.That(heard, Is.Positive);
        await ReadAll(damaged);
        Assert.That(lines.Count, Is.EqualTo(heard));

        static async Task ReadAll(string path)
        {
            await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(path, new VideoReadOptions { Rates = [new FrameRate(8)] })) frame.Dispose();
        }
    }

    private sealed class Lines : ILogger
    {
        private int _count;
        public int Count => Volatile.Read(ref _count);
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).Length > 0) Interlocked.Increment(ref _count);
        }
    }
}
