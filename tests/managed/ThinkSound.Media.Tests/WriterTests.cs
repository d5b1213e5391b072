namespace ThinkSound.Media.Tests;

public sealed class WriterTests
{
    private static readonly AudioClip Sound = MediaParts.Impulse(2.5, left: 30_000, right: 70_000);

    [SetUp]
    public void NeedsTheLibrary() => MediaParts.Require();

    [TestCase("flower.mp4", "mp4", "aac")]
    [TestCase("flower.mp4", "mov", "aac")]
    [TestCase("wet-hawk.mp4", "mkv", "aac")]
    [TestCase("big-buck-bunny-0-30.webm", "webm", "opus")]
    public async Task A_video_gets_new_sound_in_its_place_and_keeps_its_picture(string source, string ending, string codec)
    {
        string path = MediaParts.Temporary("video." + ending);
        var options = new MediaWriterOptions
        {
            Path = path, Source = MediaParts.Sample(source), Overwrite = true,
            Tags = new Dictionary<string, string> { ["prompt"] = "wind, 風", ["seed"] = "7" },
        };
        MediaWriteResult written = await MediaWriter.SaveAsync(Sound, options);
        MediaInfo info = await VideoFile.ProbeAsync(path);
        AudioClip heard = await AudioFile.ReadAsync(path);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(written.Codec, Is.EqualTo(codec));
            Assert.That(written.NumSamples, Is.EqualTo(Sound.Samples));
            Assert.That(written.NumBytes, Is.EqualTo(new FileInfo(path).Length));
            Assert.That(written.Warnings, Is.Empty);
            Assert.That(written.NumDroppedStreams, Is.Zero);
            Assert.That(info.Tags["Prompt"], Is.EqualTo("wind, 風"));
            Assert.That(info.Tags["seed"], Is.EqualTo("7"));
            Assert.That(info.Streams, Has.Count.EqualTo(2));
            double scale = heard.SampleRate / 44100.0;
            Assert.That(MediaParts.LoudestSample(heard, 0), Is.EqualTo(30_000 * scale).Within(scale == 1 ? 0 : 1));
            Assert.That(MediaParts.LoudestSample(heard, 1), Is.EqualTo(70_000 * scale).Within(scale == 1 ? 0 : 1));
        }
        Assert.That(await FirstFrame(path), Is.EqualTo(await FirstFrame(MediaParts.Sample(source))));

        static async Task<byte[]> FirstFrame(string path)
        {
            await foreach (BufferedFrame frame in VideoFile.ReadFramesAsync(path, new VideoReadOptions { Rates = [new FrameRate(1000, 1)] }))
                using (frame)
                    return frame.Pixels.ToArray();
            return [];
        }
    }

    [TestCase(KeepAudio.Replace, 1)]
    [TestCase(KeepAudio.Mix, 1)]
    [TestCase(KeepAudio.Track, 2)]
    public async Task The_videos_own_sound_is_replaced_mixed_or_kept(KeepAudio keep, int tracks)
    {
        string path = MediaParts.Temporary($"keep-{keep}.mp4"), source = MediaParts.Sample("friday.mp4");
        var silence = new AudioClip(2, 44100, new float[2 * 44100]);
        await MediaWriter.SaveAsync(silence, new MediaWriterOptions { Path = path, Source = source, KeepAudio = keep, SourceGain = 0.5f });
        MediaInfo info = await VideoFile.ProbeAsync(path);
        float peak = AudioFile.Read(path).Peak(), own = AudioFile.Read(source).Peak();
        using (Assert.EnterMultipleScope())
        {
            Assert.That(info.Streams.Count(s => s.Kind == StreamKind.Audio), Is.EqualTo(tracks));
            Assert.That(info.Audio!.IsDefault, Is.True);
            Assert.That(peak, keep == KeepAudio.Mix ? Is.EqualTo(own / 2).Within(0.05 * own) : Is.LessThan(1e-3f));
        }
    }

    [Test]
    public async Task A_cut_keeps_only_the_part()
    {
        string path = MediaParts.Temporary("cut.mp4");
        await MediaWriter.SaveAsync(Sound, new MediaWriterOptions
        {
            Path = path, Source = MediaParts.Sample("wet-hawk.mp4"), Start = TimeSpan.FromSeconds(3), Duration = TimeSpan.FromSeconds(2.5), Cut = true,
        });
        MediaInfo info = await VideoFile.ProbeAsync(path);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(info.Video!.Duration.TotalSeconds, Is.EqualTo(2.5).Within(0.2));
            Assert.That(MediaParts.LoudestSample(AudioFile.Read(path), 0), Is.EqualTo(30_000));
        }
    }

    [TestCase("wav", true)]
    [TestCase("flac", true)]
    [TestCase("mkv", true)]
    [TestCase("mp4", false)]
    public void A_stream_that_cannot_seek_receives_a_whole_file(string format, bool isLossless)
    {
        using var bytes = new MemoryStream();
        using (var output = new ForwardOnly(bytes))
        using (MediaWriter writer = MediaWriter.Create(new MediaWriterOptions { Output = output, Format = format, NumSamples = Sound.Samples }))
        {
            writer.WriteInterleaved(Sound.ToInterleaved(), 2);
            Assert.That(writer.Finish().NumBytes, Is.EqualTo(bytes.Length));
        }
        string path = MediaParts.Temporary("streamed." + format);
        File.WriteAllBytes(path, bytes.ToArray());
        AudioClip heard = AudioFile.Read(path);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(heard.Samples, Is.EqualTo(Sound.Samples));
            Assert.That(MediaParts.LoudestSample(heard, 0), Is.EqualTo(30_000));
            if (isLossless) Assert.That(heard.Channel(0)[30_000], Is.EqualTo((int)(0.9f * 32767) / 32768f));
        }
    }

    [Test]
    public void What_the_stream_throws_comes_out_as_it_is()
    {
        using var broken = new Broken();
        Assert.That(() =>
        {
            using MediaWriter writer = MediaWriter.Create(new MediaWriterOptions { Output = broken, Format = "ogg" });
            writer.Write(Sound.Planar.Span, 2);
            writer.Finish();
        }, Throws.TypeOf<NotSupportedException>().With.Message.EqualTo("out of ink"));
    }

    [Test]
    public async Task An_existing_file_stays_unless_it_may_be_replaced()
    {
        string path = Path.Combine(MediaParts.Folder("existing"), "a.flac");
        await File.WriteAllTextAsync(path, "precious");
        Assert.That(() => MediaWriter.SaveAsync(Sound, new MediaWriterOptions { Path = path }), Throws.ArgumentException.With.Message.Contains(path + ": exists already"));
        Assert.That(await File.ReadAllTextAsync(path), Is.EqualTo("precious"));
        await MediaWriter.SaveAsync(Sound, new MediaWriterOptions { Path = path, Overwrite = true });
        Assert.That(AudioFile.Read(path).Samples, Is.EqualTo(Sound.Samples));
    }

    [Test]
    public void A_writer_that_is_cancelled_or_not_finished_leaves_nothing()
    {
        string folder = MediaParts.Folder("nothing");
        using (MediaWriter writer = MediaWriter.Create(new MediaWriterOptions { Path = Path.Combine(folder, "a.wav") }))
        {
            writer.Write(Sound.Planar.Span, 2);
            Assert.That(File.Exists(Path.Combine(folder, "a.wav")), Is.False);
        }
        using var cancel = new CancellationTokenSource();
        using (MediaWriter writer = MediaWriter.Create(new MediaWriterOptions { Path = Path.Combine(folder, "b.mp4"), Source = MediaParts.Sample("flower.mp4") }, cancel.Token))
        {
            writer.Write(Sound.Planar.Span, 2);
            cancel.Cancel();
            Assert.That(writer.Finish, Throws.InstanceOf<OperationCanceledException>());
        }
        Assert.That(Directory.GetFileSystemEntries(folder), Is.Empty);
    }

    [Test]
    public void What_cannot_be_written_is_refused_with_the_fix()
    {
        string folder = MediaParts.Folder("refused"), source = MediaParts.Sample("flower.mp4");
        using (Assert.EnterMultipleScope())
        {
            Refuse<ArgumentException>(new() { Path = Path.Combine(folder, "a.xyz") }, "mp4, mov, mkv, webm");
            Refuse<ArgumentException>(new() { Path = Path.Combine(folder, "a.webm"), Source = source }, "h264, which webm does not carry");
            Refuse<ArgumentException>(new() { Path = Path.Combine(folder, "a.wav"), Source = source }, "carries no video");
            Refuse<ArgumentException>(new() { Path = Path.Combine(folder, "a.mp4"), Tags = new Dictionary<string, string> { ["a b"] = "c" } }, "\"a b\"");
            Refuse<ArgumentException>(new(), "either a path or an output");
            Refuse<ArgumentException>(new() { Path = Path.Combine(folder, "a.wav"), SampleRate = -1 }, "SampleRate");
            Refuse<ResourceNotFoundException>(new() { Path = Path.Combine(folder, "none", "a.wav") }, "create it first");
            Refuse<ResourceNotFoundException>(new() { Path = Path.Combine(folder, "a.mp4"), Source = Path.Combine(folder, "none.mp4") }, "no such file");
            Assert.That(Directory.GetFileSystemEntries(folder), Is.Empty);
        }

        static void Refuse<T>(MediaWriterOptions options, string says) where T : Exception =>
            Assert.That(() => MediaWriter.Create(options).Dispose(), Throws.InstanceOf<T>().With.Message.Contains(says));
    }

    [Test]
    public void A_full_disk_is_a_FileAccessException_that_names_the_file()
    {
        if (!File.Exists("/dev/full")) Assert.Ignore("there is no /dev/full here");
        Assert.That(() => MediaWriter.SaveAsync(Sound, new MediaWriterOptions { Path = "/dev/full", Format = "ogg" }),
                    Throws.TypeOf<FileAccessException>().With.Message.Contains("/dev/full").And.Message.Contains("free some space"));
    }

    private sealed class ForwardOnly(Stream inner) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() => inner.Flush();
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
        public override void Write(ReadOnlySpan<byte> buffer) => inner.Write(buffer);
    }

    private sealed class Broken : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer) => throw new NotSupportedException("out of ink");
    }
}
