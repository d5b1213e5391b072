using ThinkSound.Reasoning.Recogniser;
using static ThinkSound.Reasoning.Tests.Recogniser.RecogniserParts;

namespace ThinkSound.Reasoning.Tests.Recogniser;

/// <summary>Measures, on pictures with known motion.</summary>
public sealed class MotionMeterTests
{
    [Test]
    public void A_still_picture_does_not_move()
    {
        PictureFacts facts = Measure(48, _ => (40, 30));
        Assert.That((facts.IsStill, facts.MovingShare, facts.Moving, facts.Period, facts.Frames), Is.EqualTo((true, 0.0, (TimeRange?)null, (Period?)null, 48)));
        double expected = (60 + 160.0 * 256 / (Width * Height)) / 255; // 16 × 16 pixels are 160 levels brighter
        Assert.That(facts.Brightness, Is.EqualTo(expected).Within(1e-3));
    }

    [TestCase(1)]
    [TestCase(-1)]
    public void Motion_has_a_place_and_a_direction(int way)
    {
        // Two pixels a frame along the lower edge, after half a second of rest.
        PictureFacts facts = Measure(48, n => (way > 0 ? 4 + 1.8 * Math.Max(0, n - 12) : 76 - 1.8 * Math.Max(0, n - 12), 54));
        Assert.That(facts.Direction, Is.EqualTo(way));
        Assert.That(Math.Abs(facts.Travel), Is.EqualTo(1.8 * 35 / Width).Within(0.1));
        Assert.That(facts.Place.Y, Is.GreaterThan(0.7));
        Assert.That(facts.Moving!.Value.Start.TotalSeconds, Is.EqualTo(0.5).Within(0.1));
        Assert.That(facts.MovingShare, Is.EqualTo(0.75).Within(0.05));
    }

    [Test]
    public void To_and_fro_has_a_period_and_no_direction()
    {
        // There and back in one second: the speed, and so the motion, repeats every half.
        PictureFacts facts = Measure(96, n => (40 + 24 * Math.Sin(2 * Math.PI * n / 24), 30));
        Assert.That(facts.Direction, Is.Zero);
        Assert.That(facts.Period!.Value.Seconds, Is.EqualTo(0.5).Within(0.04));
    }

    [Test]
    public void A_cut_is_no_motion()
    {
        PictureFacts facts = Measure(48, _ => (40, 30), n => n < 24 ? (byte)60 : (byte)180);
        Assert.That(facts.Cuts.Select(cut => cut.TotalSeconds), Is.EqualTo(new[] { 1.0 }).Within(1e-6));
        Assert.That((facts.MovingShare, facts.IsStill), Is.EqualTo((0.0, false)));
    }

    [Test]
    public void One_frame_and_two_frames_are_enough()
    {
        Assert.That(Measure(1, _ => (0, 0)).IsStill, Is.True);
        PictureFacts two = Measure(2, n => (20 * n, 20));
        Assert.That((two.IsStill, two.Period, two.Direction), Is.EqualTo((false, (Period?)null, 0)));
    }

    [Test]
    public void Noise_has_no_period()
    {
        var random = new Random(1);
        Assert.That(Period.Find([.. Enumerable.Range(0, 240).Select(_ => random.NextDouble())], 24), Is.Null);
        Assert.That(Period.Find(new double[240], 24), Is.Null);
    }
}
