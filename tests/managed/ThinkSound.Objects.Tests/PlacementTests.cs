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
    public void Shaking_masks_do_not_shake_the_level()
    {
        var (_, level) = ObjectPlacement.Of(Of(96, _ => 0.5, u => 0.04 * (1 + 0.1 * ((int)(u * 95) % 2 == 0 ? 1 : -1))), 0.7, 12);
        Assert.That(level.Select(point => point.Value).DefaultIfEmpty(0).Min(), Is.GreaterThan(-0.9)); // ±0.44 dB of the raw size
    }

    [Test]
    public void Values_out_of_range_are_refused()
    {
        ObjectTrack track = Of(3, _ => 0.5, _ => 0.1);
        Assert.That(() => ObjectPlacement.Of(track, 1.5, 6), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => ObjectPlacement.Of(track, 0.7, double.NaN), Throws.TypeOf<ArgumentOutOfRangeException>());
    }
}
