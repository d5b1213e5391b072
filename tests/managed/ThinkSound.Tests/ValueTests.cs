using ThinkSound.Interop;
using ThinkSound.Networks;

namespace ThinkSound.Tests;

/// <summary>What can be wrong with values before any native code sees them.</summary>
public sealed class ValueTests
{
    [TestCase(0, 64, 0)]
    [TestCase(2, 0, 0)]
    [TestCase(2, 64, 127)]
    public void Features_of_another_size_than_their_shape_are_refused(int rows, int width, int values) =>
        Assert.That(() => new Features(rows, width, new float[values]), Throws.InstanceOf<ArgumentException>());

    [Test]
    public void Features_give_their_rows()
    {
        var features = new Features(2, 3, new float[] { 1, 2, 3, 4, 5, 6 });
        Assert.That(features.Row(1).ToArray(), Is.EqualTo(new float[] { 4, 5, 6 }));
    }

    [Test]
    public void A_latent_of_another_size_than_its_shape_is_refused() =>
        Assert.That(() => new Latent(64, 10, new float[639]), Throws.ArgumentException.With.Message.Contains("640 values, not 639"));

    [Test]
    public void Frames_know_how_many_bytes_they_need()
    {
        // The last row need not have its gap: 1 · 100 + 1 · 10 + 6 bytes.
        Assert.That(() => new VideoFrames(new byte[116], 2, 2, 2, rowBytes: 10, frameBytes: 100), Throws.Nothing);
        Assert.That(() => new VideoFrames(new byte[115], 2, 2, 2, rowBytes: 10, frameBytes: 100),
                    Throws.ArgumentException.With.Message.Contains("need 116 bytes, not 115"));
        Assert.That(() => new VideoFrames(new byte[100], 1, 4, 2, rowBytes: 11), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new VideoFrames(new byte[100], 1, 4, 2, frameBytes: 23), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new VideoFrames(new byte[100], 0, 4, 2), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => new VideoFrames(new byte[100], 1, 16385, 1), Throws.InstanceOf<ArgumentException>());
        var tight = new VideoFrames(new byte[48], 2, 4, 2);
        Assert.That((tight.RowBytes, tight.FrameBytes), Is.EqualTo((12L, 24L)));
    }

    [Test]
    public void Frames_in_NV12_know_how_many_bytes_each_plane_needs()
    {
        // 3 × 3: luma 1 · 50 + 2 · 8 + 3 bytes, chroma 1 · 40 + 1 · 12 + 4.
        VideoFrames Of(int luma, int chroma, long chromaRow = 12) => VideoFrames.FromNv12(new byte[luma], new byte[chroma], 2, 3, 3, YuvColor.Bt709, 8, 50, chromaRow, 40);
        Assert.That(() => Of(69, 56), Throws.Nothing);
        Assert.That(() => Of(68, 56), Throws.ArgumentException.With.Message.Contains("need 69 bytes, not 68").And.Message.Contains("luma"));
        Assert.That(() => Of(69, 55), Throws.ArgumentException.With.Message.Contains("need 56 bytes, not 55").And.Message.Contains("chroma"));
        Assert.That(() => Of(69, 56, 3), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => VideoFrames.FromNv12(new byte[9], new byte[8], 1, 3, 3, (YuvColor)4), Throws.InstanceOf<ArgumentException>());
        VideoFrames tight = VideoFrames.FromNv12(new byte[18], new byte[16], 2, 3, 3, YuvColor.Bt601);
        Assert.That((tight.RowBytes, tight.FrameBytes, tight.ChromaRowBytes, tight.ChromaFrameBytes), Is.EqualTo((3L, 9L, 4L, 8L)));

        // A decoder's surface: 4 rows of 16 bytes for 3 rows of 3, then 2 rows of chroma.
        VideoFrames surface = VideoFrames.FromNv12(new byte[96], 1, 3, 3, YuvColor.Bt709, rowBytes: 16, surfaceHeight: 4);
        Assert.That((surface.FrameBytes, surface.Chroma.Length, surface.ChromaRowBytes), Is.EqualTo((96L, 32, 16L)));
        Assert.That(() => VideoFrames.FromNv12(new byte[83], 1, 3, 3, YuvColor.Bt709, 16, 4), Throws.ArgumentException.With.Message.Contains("chroma"));
        Assert.That(() => VideoFrames.FromNv12(new byte[63], 1, 3, 3, YuvColor.Bt709, 16, 4), Throws.ArgumentException.With.Message.Contains("luma"));
        Assert.That(() => VideoFrames.FromNv12(new byte[96], 1, 3, 3, YuvColor.Bt709, 3), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => VideoFrames.FromNv12(new byte[96], 1, 3, 3, YuvColor.Bt709, 16, 2), Throws.InstanceOf<ArgumentException>());
    }

    [TestCase(YuvColor.Bt601, 16, 128, 128, 0, 0, 0)]
    [TestCase(YuvColor.Bt709, 235, 128, 128, 255, 255, 255)]
    [TestCase(YuvColor.Bt601Full, 255, 128, 128, 255, 255, 255)]
    [TestCase(YuvColor.Bt601, 81, 90, 240, 253, 0, 0)]
    [TestCase(YuvColor.Bt709Full, 0, 255, 255, 200, 0, 235)]
    public void NV12_becomes_the_RGB_that_the_header_defines(YuvColor color, int luma, int cb, int cr, int r, int g, int b)
    {
        VideoFrames rgb = VideoFrames.FromNv12(new[] { (byte)luma }, new[] { (byte)cb, (byte)cr }, 1, 1, 1, color).ToRgb();
        Assert.That(rgb.Pixels.ToArray(), Is.EqualTo(new[] { (byte)r, (byte)g, (byte)b }));
        Assert.That((rgb.Format, rgb.ToRgb()), Is.EqualTo((PixelFormat.Rgb24, rgb)));
    }

    [Test]
    public void A_clip_tells_its_length_and_gives_its_channels()
    {
        var clip = new AudioClip(2, 4, new float[] { 1, 2, 3, 4, -5, 6, 7, 8 });
        Assert.That((clip.Samples, clip.Duration), Is.EqualTo((4, TimeSpan.FromSeconds(1))));
        Assert.That(clip.Channel(1).ToArray(), Is.EqualTo(new float[] { -5, 6, 7, 8 }));
        Assert.That(clip.ToInterleaved(), Is.EqualTo(new float[] { 1, -5, 2, 6, 3, 7, 4, 8 }));
        Assert.That(clip.Peak(), Is.EqualTo(8));
        Assert.That(clip.WithGain(0.5f).Planar.ToArray(), Is.EqualTo(new[] { 0.5f, 1, 1.5f, 2, -2.5f, 3, 3.5f, 4 }));
        Assert.That(() => new AudioClip(2, 44100, new float[3]), Throws.ArgumentException);
    }

    [Test]
    public void A_streamed_block_knows_its_time()
    {
        var block = new PcmBlock(22050, 44100, new float[8]);
        Assert.That((block.Samples, block.Time), Is.EqualTo((4, TimeSpan.FromSeconds(0.5))));
    }

    [TestCase(1f, 1f)]
    [TestCase(2.5f, 0.4f)]
    [TestCase(0.25f, 4f)]
    [TestCase(0.0101f, 1 / 0.0101f)]     // −39.9 dBFS: still the reference's rule, to the bit
    [TestCase(0.00421697f, 10f)]         // −47.5 dBFS, half way from −40 to −55: half of 40 dB
    [TestCase(0.0017f, 1f)]              // −55.4 dBFS
    [TestCase(1e-6f, 1f)]
    [TestCase(0f, 1f)]
    public void Peak_raises_what_is_meant_to_be_heard_and_leaves_silence_alone(float peak, float gain)
    {
        float found = new AudioClip(2, 44100, new[] { 0, peak / 2, -peak, 0 }).GainFor(Loudness.Peak);
        Assert.That(found, peak is 0.00421697f ? Is.EqualTo(gain).Within(1e-5 * gain) : Is.EqualTo(gain));
    }

    [Test]
    public void A_louder_clip_stays_the_louder_one()
    {
        double before = 0;
        for (double db = -80; db <= 0; db += 0.1)
        {
            float peak = (float)Math.Pow(10, db / 20);
            double made = peak * new AudioClip(1, 44100, new[] { peak }).GainFor(Loudness.Peak);
            Assert.That(made, Is.GreaterThanOrEqualTo(before - 1e-6), $"{db} dBFS");
            before = made;
        }
    }

    [TestCase("none", LoudnessRule.None, 0)]
    [TestCase("PEAK", LoudnessRule.Peak, 0)]
    [TestCase("lufs=-23", LoudnessRule.Lufs, -23)]
    [TestCase("lufs=-14.5", LoudnessRule.Lufs, -14.5)]
    public void Loudness_is_read_and_written(string text, LoudnessRule rule, double lufs)
    {
        Assert.That(Loudness.TryParse(text, out Loudness loudness));
        Assert.That((loudness.Rule, loudness.Lufs), Is.EqualTo((rule, lufs)));
        Assert.That(Loudness.TryParse(loudness.ToString(), out Loudness again) && again == loudness);
    }

    [TestCase(null)]
    [TestCase("")]
    [TestCase("lufs")]
    [TestCase("lufs=")]
    [TestCase("lufs=-71")]
    [TestCase("lufs=3")]
    [TestCase("lufs=NaN")]
    [TestCase("loud")]
    public void What_is_no_loudness_is_refused(string? text) => Assert.That(Loudness.TryParse(text, out _), Is.False);

    [Test]
    public void Text_with_a_NUL_inside_is_refused_because_C_would_cut_it()
    {
        using var arguments = new NativeArguments();
        unsafe
        {
            Assert.That(arguments.String(null, "caption") == null);
            Assert.That(Utf8.Read(arguments.String("Donner – ⛈", "caption")), Is.EqualTo("Donner – ⛈"));
        }
        Assert.That(() => { unsafe { arguments.String("rain\0snow", "caption"); } },
                    Throws.ArgumentException.With.Property("ParamName").EqualTo("caption"));
    }

    [Test]
    public void An_engine_without_a_bundle_is_refused() =>
        Assert.That(() => ThinkSoundEngine.Load(new EngineOptions()), Throws.ArgumentException.With.Message.Contains("BundlePath"));

    [Test]
    public void A_float_tensor_keeps_its_values()
    {
        Tensor tensor = Tensor.Of("x", [1, 2, 3, 4, 5, 6], 2, 3);
        Assert.That(tensor.AsFloats().ToArray(), Is.EqualTo(new float[] { 1, 2, 3, 4, 5, 6 }));
        Assert.That(tensor.Shape, Is.EqualTo(new long[] { 2, 3 }));
        Assert.That(() => (tensor with { Type = TensorType.Int32 }).AsFloats().Length, Throws.InvalidOperationException);
    }
}
