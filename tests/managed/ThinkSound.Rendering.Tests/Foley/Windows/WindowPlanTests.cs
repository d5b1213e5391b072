using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Tests.Foley.Windows;

public class WindowPlanTests
{
    private const int Window = 172, Overlap = 43, Least = 22; // 8 s, 2 s and 1 s

    [Test]
    public void What_fits_one_window_is_one() =>
        Assert.That(WindowPlan.Of(Window, Window, Overlap, [50, 100], Least), Is.EqualTo(new[] { new LatentWindow(0, Window, 0) }));

    [Test]
    public void Windows_overlap_and_the_last_is_whole() =>
        Assert.That(WindowPlan.Of(400, Window, Overlap, [], Least), Is.EqualTo(new[]
        {
            new LatentWindow(0, 172, 0), new LatentWindow(129, 301, 43), new LatentWindow(228, 400, 73), // more is known of the last than was asked for
        }));

    [Test]
    public void Windows_meet_at_the_last_cut_that_they_reach_and_carry_nothing_over_it() =>
        Assert.That(WindowPlan.Of(500, Window, Overlap, [30, 100, 150, 290], Least), Is.EqualTo(new[]
        {
            new LatentWindow(0, 150, 0), new LatentWindow(150, 290, 0), new LatentWindow(290, 462, 0), new LatentWindow(328, 500, 134),
        }), "30 would leave a window of less than half");

    [Test]
    public void A_cut_too_near_the_end_is_no_joint() =>
        Assert.That(WindowPlan.Of(180, Window, Overlap, [165], Least), Is.EqualTo(new[] { new LatentWindow(0, 172, 0), new LatentWindow(8, 180, 164) }));

    [Test]
    public void Any_plan_covers_every_step_once_and_knows_what_it_carries_over()
    {
        var random = new Random(1);
        for (int round = 0; round < 2000; round++)
        {
            int window = random.Next(2 * Least, 400), overlap = random.Next(0, window / 2 + 1), length = random.Next(Least, 5000);
            int[] cuts = [.. Enumerable.Range(0, random.Next(0, 40)).Select(_ => random.Next(1, length + 1)).Order()];
            IReadOnlyList<LatentWindow> plan = WindowPlan.Of(length, window, overlap, cuts, Least);
            string what = $"{length} in {window} by {overlap} at {string.Join(' ', cuts)}: {string.Join(' ', plan)}";
            int made = 0;
            foreach (LatentWindow one in plan)
            {
                Assert.That(one.Begin + one.Known, Is.EqualTo(made), what);
                Assert.That(one.End, Is.GreaterThan(made), what);
                Assert.That(one.Length, Is.InRange(Least, window).Or.EqualTo(length), what);
                Assert.That(one.Known == 0 || one.Known >= overlap || one.End == length, what);
                Assert.That(one.Known > 0 || one.Begin == 0 || overlap == 0 || cuts.Contains(one.Begin), what);
                made = one.End;
            }
            Assert.That(made, Is.EqualTo(length), what);
            for (int k = 1; k < plan.Count; k++) // what is known lies in the window before, whole
                Assert.That(plan[k].Known == 0 || plan[k].Begin >= plan[k - 1].Begin, what);
        }
    }

    [TestCase(10, 100, 0)]
    [TestCase(100, 43, 0)]
    [TestCase(100, 100, 51)]
    [TestCase(100, 100, -1)]
    public void What_makes_no_sense_is_refused(int length, int window, int overlap) =>
        Assert.That(() => WindowPlan.Of(length, window, overlap, [], Least), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void A_duration_of_so_many_steps_asks_for_so_many_steps()
    {
        Parts.Require();
        using ThinkSoundEngine engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = Parts.Bundle, Device = "cpu", Components = BundleComponents.VaeDecoder });
        WindowGrid grid = WindowGrid.Of(engine);
        for (int steps = Least; steps < 1200; steps++)
            Assert.That(engine.GetLengths(grid.Duration(steps)).LatentLength, Is.EqualTo(steps));
        foreach (double seconds in (double[])[1, 3.00167, 8, 59.9999, 60])
        {
            ClipLengths lengths = engine.GetLengths(TimeSpan.FromSeconds(seconds));
            Assert.That((grid.Steps(TimeSpan.FromSeconds(seconds)), grid.Samples(TimeSpan.FromSeconds(seconds))), Is.EqualTo((lengths.LatentLength, lengths.Samples)));
        }
    }
}
