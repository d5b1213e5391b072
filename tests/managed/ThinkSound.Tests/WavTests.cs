using System.Buffers.Binary;
using System.Text;

namespace ThinkSound.Tests;

public sealed class WavTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("ts-wav").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Sixteen_bits_are_clamped_scaled_and_cut_towards_zero()
    {
        float[] left = [0, 1, -1, 0.5f, -0.5f, 2, -2];
        float[] right = [1e-5f, -1e-5f, 3e-5f, 4e-5f, -4e-5f, float.NaN, 0.99999f];
        Wav wav = Write(new AudioClip(2, 44100, left.Concat(right).ToArray()), new WavOptions { Loudness = Loudness.None });

        Assert.That((wav.Format, wav.Channels, wav.SampleRate, wav.Bits), Is.EqualTo((1, 2, 44100, 16)));
        var samples = Enumerable.Range(0, 14).Select(i => (int)BinaryPrimitives.ReadInt16LittleEndian(wav.Data.AsSpan(2 * i))).ToArray();
        Assert.That(samples.Where((_, i) => i % 2 == 0), Is.EqualTo(new[] { 0, 32767, -32767, 16383, -16383, 32767, -32767 }));
        Assert.That(samples.Where((_, i) => i % 2 == 1), Is.EqualTo(new[] { 0, 0, 0, 1, -1, 0, 32766 }));
    }

    [Test]
    public void Twenty_four_bits_are_rounded_and_say_so_in_an_extensible_header()
    {
        Wav wav = Write(new AudioClip(1, 48000, new[] { 1f, -1f, 0.25f }), new WavOptions { Format = WavFormat.Int24, Loudness = Loudness.None });
        Assert.That((wav.Format, wav.Channels, wav.SampleRate, wav.Bits, wav.Subformat), Is.EqualTo((0xfffe, 1, 48000, 24, 1)));
        Assert.That(wav.Data, Is.EqualTo(new byte[] { 0xff, 0xff, 0x7f, 0x01, 0x00, 0x80, 0x00, 0x00, 0x20 }));
        Assert.That(wav.FileLength % 2, Is.Zero, "an odd chunk is padded");
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(4095)]
    [TestCase(4096)]
    [TestCase(4097)]
    [TestCase(10000)]
    public void Float_carries_the_very_samples(int count)
    {
        var random = new Random(1);
        float[] planar = [.. Enumerable.Range(0, 2 * count).Select(_ => random.NextSingle() * 4 - 2)];
        var clip = new AudioClip(2, 44100, planar);
        Wav wav = Write(clip, new WavOptions { Format = WavFormat.Float32, Loudness = Loudness.None });
        Assert.That((wav.Format, wav.Bits), Is.EqualTo((3, 32)));
        Assert.That(wav.FactSamples, Is.EqualTo(count));
        Assert.That(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(wav.Data).ToArray(), Is.EqualTo(clip.ToInterleaved()));
    }

    [Test]
    public void The_peak_rule_brings_the_largest_sample_to_full_scale_and_leaves_silence_alone()
    {
        Wav loud = Write(new AudioClip(1, 44100, new[] { 0.1f, -0.2f }), new WavOptions());
        Assert.That(loud.Data, Is.EqualTo(new byte[] { 0xff, 0x3f, 0x01, 0x80 })); // 16383 and −32767
        Wav silent = Write(new AudioClip(1, 44100, new[] { 0f, 0f }), new WavOptions());
        Assert.That(silent.Data, Is.EqualTo(new byte[4]));
    }

    [TestCase("rain")]
    [TestCase("Rain – ☔ 雨")]
    [TestCase("odd")]
    public void A_comment_is_kept_in_utf8(string comment)
    {
        Wav wav = Write(new AudioClip(1, 44100, new[] { 0f }), new WavOptions { Comment = comment });
        Assert.That(wav.Comment, Is.EqualTo(comment));
    }

    [TestCase("ton – ☔", 1)]
    [TestCase("long", 60)] // so long that no further ending would fit
    public async Task A_file_appears_whole_and_replaces_the_old_one(string word, int times)
    {
        string path = Path.Combine(_folder, string.Concat(Enumerable.Repeat(word, times)) + ".wav");
        await File.WriteAllTextAsync(path, "old");
        var clip = new AudioClip(2, 44100, new float[2000]);
        await clip.SaveWavAsync(path);
        Assert.That(Wav.Read(await File.ReadAllBytesAsync(path)).Data, Has.Length.EqualTo(4000));
        Assert.That(Directory.GetFiles(_folder), Is.EqualTo(new[] { path }), "nothing else is left behind");
    }

    [Test]
    public void A_write_that_fails_leaves_nothing_behind_and_the_old_file_alone()
    {
        var clip = new AudioClip(1, 44100, new float[10]);
        Assert.That(() => clip.SaveWav(Path.Combine(_folder, "missing", "out.wav")), Throws.InstanceOf<IOException>().With.Message.Contains("out.wav: its folder"));
        // The place is taken by a folder: the move fails after the temporary file was written.
        string taken = Path.Combine(_folder, "taken.wav");
        Directory.CreateDirectory(taken);
        Assert.That(() => clip.SaveWav(taken), Throws.InstanceOf<Exception>().And.Not.InstanceOf<NullReferenceException>());
        Assert.That(Directory.GetFiles(_folder), Is.Empty);
        Assert.That(Directory.Exists(taken));
    }

    [Test]
    public void A_stream_that_cannot_seek_will_do()
    {
        using var pipe = new OneWay();
        new AudioClip(2, 44100, new float[20]).WriteWav(pipe, new WavOptions { Loudness = Loudness.None });
        Assert.That(Wav.Read(pipe.Written.ToArray()).Data, Has.Length.EqualTo(40));
    }

    private static Wav Write(AudioClip clip, WavOptions options)
    {
        using var stream = new MemoryStream();
        clip.WriteWav(stream, options);
        return Wav.Read(stream.ToArray());
    }

    private sealed class OneWay : Stream
    {
        public MemoryStream Written { get; } = new();
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override void Flush() { }
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => Written.Write(buffer, offset, count);
    }

    /// <summary>A reader of its own, strict about lengths.</summary>
    private sealed record Wav(int Format, int Channels, int SampleRate, int Bits, int Subformat, int? FactSamples, string? Comment,
                              byte[] Data, int FileLength)
    {
        public static Wav Read(byte[] file)
        {
            Assert.That(Encoding.ASCII.GetString(file, 0, 4), Is.EqualTo("RIFF"));
            Assert.That(BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(4)), Is.EqualTo(file.Length - 8));
            Assert.That(Encoding.ASCII.GetString(file, 8, 4), Is.EqualTo("WAVE"));
            int format = 0, channels = 0, rate = 0, bits = 0, subformat = 0;
            int? fact = null;
            string? comment = null;
            byte[]? data = null;
            for (int at = 12; at < file.Length;)
            {
                string name = Encoding.ASCII.GetString(file, at, 4);
                int length = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
                ReadOnlySpan<byte> chunk = file.AsSpan(at + 8, length);
                if (name == "fmt ")
                {
                    format = BinaryPrimitives.ReadUInt16LittleEndian(chunk);
                    channels = BinaryPrimitives.ReadUInt16LittleEndian(chunk[2..]);
                    rate = BinaryPrimitives.ReadInt32LittleEndian(chunk[4..]);
                    bits = BinaryPrimitives.ReadUInt16LittleEndian(chunk[14..]);
                    if (format == 0xfffe) subformat = BinaryPrimitives.ReadUInt16LittleEndian(chunk[24..]);
                    int align = BinaryPrimitives.ReadUInt16LittleEndian(chunk[12..]);
                    Assert.That(align, Is.EqualTo(channels * bits / 8));
                    Assert.That(BinaryPrimitives.ReadInt32LittleEndian(chunk[8..]), Is.EqualTo(rate * align));
                }
                else if (name == "fact")
                {
                    fact = BinaryPrimitives.ReadInt32LittleEndian(chunk);
                }
                else if (name == "LIST")
                {
                    Assert.That(Encoding.ASCII.GetString(chunk[..8]), Is.EqualTo("INFOICMT"));
                    int textLength = BinaryPrimitives.ReadInt32LittleEndian(chunk[8..]);
                    Assert.That(chunk[11 + textLength], Is.Zero, "the comment ends with NUL");
                    comment = Encoding.UTF8.GetString(chunk.Slice(12, textLength - 1));
                }
                else
                {
                    Assert.That(name, Is.EqualTo("data"));
                    data = chunk.ToArray();
                }
                at += 8 + length + length % 2;
            }
            return new Wav(format, channels, rate, bits, subformat, fact, comment, data!, file.Length);
        }
    }
}
