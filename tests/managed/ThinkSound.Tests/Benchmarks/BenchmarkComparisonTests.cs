using ThinkSound.Benchmarks;
using static ThinkSound.Tests.Benchmarks.BenchmarkReportTests;

namespace ThinkSound.Tests.Benchmarks;

public class BenchmarkComparisonTests
{
    [TestCase(1.00, 0.01, 10, Verdict.Same)]
    [TestCase(1.01, 0.001, 100, Verdict.Same)]    // certain, but too small for anybody to care
    [TestCase(1.10, 0.01, 10, Verdict.Slower)]
    [TestCase(0.90, 0.01, 10, Verdict.Faster)]
    [TestCase(1.10, 0.20, 10, Verdict.Same)]      // lost in the noise
    [TestCase(1.50, 0.01, 2, Verdict.Unknown)]
    public void A_difference_counts_when_it_exceeds_the_noise(double ratio, double noise, int count, Verdict verdict)
    {
        var random = new Random(3);
        StageComparison stage = BenchmarkComparison.Of(Report(Stage("s", Draw(1))), Report(Stage("s", Draw(ratio)))).Stages.Single();
        Assert.That(stage.Verdict, Is.EqualTo(verdict), $"{stage}");

        double[] Draw(double centre) => [.. Enumerable.Range(0, count).Select(_ => centre * (1 + noise * (2 * random.NextDouble() - 1)))];
    }

    [Test]
    public void One_disturbed_sample_hides_nothing()
    {
        double[] before = [1, 1.001, 0.999, 1.002, 9], after = [1.1, 1.101, 1.099, 1.1, 1.1];
        Assert.That(BenchmarkComparison.Of(Report(Stage("s", before)), Report(Stage("s", after))).Stages.Single().Verdict, Is.EqualTo(Verdict.Slower));
    }

    [TestCase(5)]
    [TestCase(20)]
    public void Equal_stages_are_called_different_less_than_once_in_a_hundred(int count)
    {
        var random = new Random(5);
        int wrong = Enumerable.Range(0, 1000).Count(_ => BenchmarkComparison.Of(Report(Stage("s", Draw())), Report(Stage("s", Draw()))).Stages.Single().Verdict != Verdict.Same);
        Assert.That(wrong, Is.LessThan(10));

        double[] Draw() => [.. Enumerable.Range(0, count).Select(_ => 1 + 0.05 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
    }

    [Test]
    public void Stages_of_one_report_only_or_of_other_units_are_not_compared_and_conditions_are_told()
    {
        BenchmarkReport before = Report(Stage("a", [1, 1, 1]), Stage("b", [1, 1, 1]), Stage("c", [1, 1, 1]));
        BenchmarkReport after = Report(Stage("a", [1, 1, 1]), Stage("c", [1, 1, 1]) with { Unit = "two" });
        after = after with { Environment = after.Environment with { Threads = 4 }, Settings = after.Settings with { Steps = 12 } };
        BenchmarkComparison comparison = BenchmarkComparison.Of(before, after);
        Assert.That(comparison.Stages.Select(stage => stage.Name), Is.EqualTo(new[] { "a" }));
        Assert.That(comparison.Differences, Is.EqualTo(new[] { "threads: 2 and 4", "steps: 24 and 12" }));
    }
}
