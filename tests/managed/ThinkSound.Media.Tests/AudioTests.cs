namespace ThinkSound.Media.Tests;

public sealed class AudioTests
{
    [SetUp]
    public void NeedsTheLibrary() => MediaParts.Require();

    [TestCase("flower.mp4", 48000, 2, 5.055)]
    [TestCase("friday.mp4", 44100, 2, 6.153288)]
    [TestCase("stream-of-water.mp4", 44100, 1, 3.157914)]
    public async Task Read_gives_the_whole_sound_as_stored(string name, int sampleRate, int channels, double seconds)
    {
        AudioClip clip = await AudioFile.ReadAsync(MediaParts.Sample(name));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(clip.SampleRate, Is.EqualTo(sampleRate));
            Assert.That(clip.Channels, Is.EqualTo(channels));
            Assert.That(clip.Duration.TotalSeconds, Is.EqualTo(seconds).Within(1e-5));
        }
    }

    [Test]
    public void A_range_is_the_same_part_of_the_whole()
    {
        string path = MediaParts.Sample("friday.mp4");
        AudioClip whole = AudioFile.Read(path);
        AudioClip part = AudioFile.Read(path, new AudioReadOptions { Start = TimeSpan.FromSeconds(1.5), Duration = TimeSpan.FromSeconds(0.25) });
        Assert.That(part.Samples, Is.EqualTo(11025));
        for (int channel = 0; channel < 2; channel++)
            Assert.That(part.Channel(channel).SequenceEqual(whole.Channel(channel).Slice(66150, 11025)), $"channel {channel}");
    }

    [Test]
    public void AudioReader_tells_what_it_reads()
    {
        using AudioReader reader = AudioReader.Open(MediaParts.Sample("stream-of-water.mp4"));
        using (Assert.EnterMultipleScope())
        {
            Assert.That(reader.ChannelLayout, Is.EqualTo("mono"));
            Assert.That(reader.FirstTime, Is.EqualTo(TimeSpan.Zero));
            Assert.That(reader.NumWarnings, Is.Zero);
            Assert.That(() => reader.Read([]), Throws.ArgumentException);
        }
    }

    [Test]
    public void A_file_without_sound_and_a_cancelled_read_throw()
    {
        using (Assert.EnterMultipleScope())
        {
            Assert.That(() => AudioFile.Read(MediaParts.Sample("wet-hawk.mp4")), Throws.TypeOf<MediaException>().With.Message.Contains("has no sound"));
            Assert.That(() => AudioFile.Read(MediaParts.Sample("friday.mp4"), null, new CancellationToken(canceled: true)),
                        Throws.InstanceOf<OperationCanceledException>());
            Assert.That(() => AudioFile.Read(MediaParts.Sample("friday.mp4"), new AudioReadOptions { Start = TimeSpan.FromSeconds(-1) }), Throws.ArgumentException);
        }
    }
}
