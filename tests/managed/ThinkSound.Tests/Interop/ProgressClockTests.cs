using ThinkSound.Interop;

namespace ThinkSound.Tests.Interop;

public sealed class ProgressClockTests
{
    private static readonly PlannedStage[] Plan =
        [new(GenerateStage.Text, 1), new(GenerateStage.Sample, 240), new(GenerateStage.Decode, 10)];

    private readonly HandTime _time = new();

    [Test]
    public void A_first_run_knows_only_the_stage_it_is_in()
    {
        var clock = new ProgressClock(_time, new StageTimes(), Plan);
        Assert.That(clock.Report(GenerateStage.Sample, 0, 24).StageRemaining, Is.Null);
        _time.Pass(1);
        GenerateProgress one = clock.Report(GenerateStage.Sample, 1, 24);
        Assert.That(one.StageRemaining, Is.EqualTo(TimeSpan.FromSeconds(23)));
        Assert.That(one.Remaining, Is.Null, "nobody knows yet how long decoding takes");
        Assert.That(one.Elapsed, Is.EqualTo(TimeSpan.FromSeconds(1)));
        Assert.That(one.Fraction, Is.EqualTo(1.0 / 24));
    }

    [Test]
    public void A_slow_first_step_is_left_out_once_others_are_measured()
    {
        var clock = new ProgressClock(_time, new StageTimes(), Plan);
        clock.Report(GenerateStage.Sample, 0, 24);
        _time.Pass(10);
        clock.Report(GenerateStage.Sample, 1, 24);
        _time.Pass(1);
        clock.Report(GenerateStage.Sample, 2, 24);
        _time.Pass(1);
        Assert.That(clock.Report(GenerateStage.Sample, 3, 24).StageRemaining, Is.EqualTo(TimeSpan.FromSeconds(21)));
    }

    [Test]
    public void A_second_run_knows_the_whole_way_in_proportion_to_its_work()
    {
        var history = new StageTimes();
        RunOnce(new ProgressClock(_time, history, Plan));

        // Twice the length: 48 s of sampling, 4 s of decoding.
        var clock = new ProgressClock(_time, history, [new(GenerateStage.Text, 1), new(GenerateStage.Sample, 480), new(GenerateStage.Decode, 20)]);
        Assert.That(clock.Report(GenerateStage.Text, 0, 1).Remaining, Is.EqualTo(TimeSpan.FromSeconds(0.5 + 48 + 4)).Within(TimeSpan.FromMilliseconds(1)));
        Assert.That(clock.Report(GenerateStage.Sample, 0, 24).Remaining, Is.EqualTo(TimeSpan.FromSeconds(52)).Within(TimeSpan.FromMilliseconds(1)));
        _time.Pass(60); // longer than expected, and still no step done
        GenerateProgress late = clock.Report(GenerateStage.Sample, 0, 24);
        Assert.That(late.StageRemaining, Is.EqualTo(TimeSpan.Zero));
        Assert.That(late.Remaining, Is.EqualTo(TimeSpan.FromSeconds(4)).Within(TimeSpan.FromMilliseconds(1)));
    }

    [Test]
    public void The_end_of_the_last_stage_is_the_end()
    {
        GenerateProgress end = RunOnce(new ProgressClock(_time, new StageTimes(), Plan));
        Assert.That((end.StageRemaining, end.Remaining), Is.EqualTo(((TimeSpan?)TimeSpan.Zero, (TimeSpan?)TimeSpan.Zero)));
        Assert.That(end.Fraction, Is.EqualTo(1));
    }

    [Test]
    public void A_stage_of_no_steps_divides_by_nothing()
    {
        GenerateProgress none = new ProgressClock(_time, new StageTimes(), Plan).Report(GenerateStage.Text, 0, 0);
        Assert.That((none.Fraction, none.StageRemaining), Is.EqualTo((0.0, (TimeSpan?)TimeSpan.Zero)));
    }

    // 0.5 s of text, 24 steps of 1 s, 2 chunks of 1 s.
    private GenerateProgress RunOnce(ProgressClock clock)
    {
        clock.Report(GenerateStage.Text, 0, 1);
        _time.Pass(0.5);
        clock.Report(GenerateStage.Text, 1, 1);
        GenerateProgress last = default;
        foreach (var (stage, steps) in new[] { (GenerateStage.Sample, 24), (GenerateStage.Decode, 2) })
        {
            clock.Report(stage, 0, steps);
            for (int step = 1; step <= steps; step++)
            {
                _time.Pass(1);
                last = clock.Report(stage, step, steps);
            }
        }
        return last;
    }

    private sealed class HandTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => _now;

        public void Pass(double seconds) => _now += (long)(seconds * TimestampFrequency);
    }
}
