using ThinkSound.Projects;

namespace ThinkSound.Objects.Tests;

/// <summary>Pan and level against the law, and what they do to samples.</summary>
internal sealed class PlacementTests
{
    private static ObjectTrack Of(int count, Func<double, double> x, Func<double, double> share, int first = 0) => new()
    {
        FirstFrame = first, Width = 100, Height = 100,
        Frames = [.. Enumerable.Range(0, count).Select(i => new TrackedFrame { IsSeen = true, X = x(i / (count - 1.0)), Y = 0.5, Share = share(i / (count - 1.0)) })],
    };

    private static double At(IReadOnlyList<AutomationPoint> points, double seconds)
    {
        int next = points.TakeWhile(point => point.Time.TotalSeconds < seconds).Count();
        if (next == 0) return points[0].Value;
        if (next == points.Count) return points[^1].Value;
        (AutomationPoint a, AutomationPoint b) = (points[next - 1], points[next]);
        return a.Value + (b.Value - a.Value) * (seconds - a.Time.TotalSeconds) / (b.Time - a.Time).TotalSeconds;
    }

    [Test]
    public void Pan_goes_from_edge_to_edge_in_a_straight_line()
    {
        var (pan, level) = ObjectPlacement.Of(Of(97, u => u, _ => 0.04, first: 24), 0.7, 6);
        Assert.That(pan.Select(point => (point.Time.TotalSeconds, point.Value)), Is.EqualTo([(1.0, -0.7), (5.0, 0.7)]).Within(1e-6));
        Assert.That(level, Is.Empty, "always of one size");
        Assert.That(ObjectPlacement.Of(Of(97, u => u, _ => 0.04), 0, 6).Pan, Is.Empty);
    }

    [Test]
    public void Half_the_size_is_6_dB_less_and_the_range_is_the_floor()
    {
        // Sides from 0.1 to 0.4 of the picture: 12.04 dB.
        ObjectTrack growing = Of(97, _ => 0.5, u => Math.Pow(0.1 + 0.3 * u, 2));
        var (pan, level) = ObjectPlacement.Of(growing, 0.7, 60);
        Assert.That(pan, Is.Empty);
        foreach (double u in (double[])[0, 0.25, 1 / 3.0, 0.5, 0.9, 1])
            Assert.That(At(level, 4 * u), Is.EqualTo(20 * Math.Log10((0.1 + 0.3 * u) / 0.4)).Within(0.1), $"at {u}");
        var (_, floored) = ObjectPlacement.Of(growing, 0.7, 6);
        Assert.That((At(floored, 0), At(floored, 1), At(floored, 4)), Is.EqualTo((-6.0, -6.0, 0.0)).Within(1e-6));
        Assert.That(ObjectPlacement.Of(growing, 0.7, 0).LevelDb, Is.Empty);
    }

    [Test]
    public void Breathing_masks_do_not_shake_the_level()
    {
        // Areas of relative deviation 0.2 are sizes of 0.1, or 0.87 dB. The median of 49 has √(π/2)/√49 = 0.179 of that, 0.156 dB, before the
        // mean takes more of it: within a second of the ends a value in 16000 strays by four of these.
        const double rms = 0.1, limit = 4 * 0.179 * 8.686 * rms;
        var random = new Random(5);
        double[] noise = [.. Enumerable.Range(0, 240).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
        var (_, level) = ObjectPlacement.Of(Of(240, _ => 0.5, u => 0.04 * (1 + 2 * rms * noise[(int)Math.Round(u * 239)])), 0.7, 12);
        double[] inside = [.. Enumerable.Range(24, 192).Select(i => At(level, i / 24.0))];
        double middle = inside.Average();
        Assert.That(inside.Max(value => Math.Abs(value - middle)), Is.LessThan(limit));
    }

    [Test]
    public void A_mask_that_loses_half_of_the_object_for_half_a_second_does_not_lower_it()
    {
        var (_, level) = ObjectPlacement.Of(Of(97, _ => 0.5, u => u is > 0.4 and < 0.52 ? 0.02 : 0.04), 0.7, 12);
        Assert.That(level, Is.Empty);
    }

    [TestCase(1)]
    [TestCase(-1)]
    public void What_comes_nearer_or_goes_is_followed_without_delay(int sign)
    {
        // The size doubles every second, the fastest of 24 dB in four: a ratio of q = 2^(1/24) a picture. The median keeps it; the mean of
        // 25 is (q^12.5 − q^−12.5) / 25 (q^0.5 − q^−0.5) = 1.0218 of it, 0.19 dB, and 0.01 dB are left out as straight.
        var (_, level) = ObjectPlacement.Of(Of(97, _ => 0.5, u => 0.25 * Math.Pow(2, 8 * (sign > 0 ? u - 1 : -u))), 0.7, 60);
        for (int i = 0; i < 97; i++)
            Assert.That(At(level, i / 24.0), Is.EqualTo(20 * Math.Log10(Math.Pow(2, sign > 0 ? (i - 96) / 24.0 : -i / 24.0))).Within(0.2), $"picture {i}");
    }

    [Test]
    public void Values_out_of_range_are_refused()
    {
        ObjectTrack track = Of(3, _ => 0.5, _ => 0.1);
        Assert.That(() => ObjectPlacement.Of(track, 1.5, 6), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ObjectPlacement.Of(track, 0.7, double.NaN), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
