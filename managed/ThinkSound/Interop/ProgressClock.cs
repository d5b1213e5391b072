using System.Collections.Concurrent;

namespace ThinkSound.Interop;

/// <summary>What stages cost on one engine: seconds per unit of work, as last measured. Any thread.</summary>
internal sealed class StageTimes
{
    private readonly ConcurrentDictionary<GenerateStage, double> _secondsPerUnit = new();

    public void Record(GenerateStage stage, double units, TimeSpan took)
    {
        if (units > 0) _secondsPerUnit[stage] = took.TotalSeconds / units;
    }

    public TimeSpan? Estimate(GenerateStage stage, double units) =>
        _secondsPerUnit.TryGetValue(stage, out double seconds) ? TimeSpan.FromSeconds(seconds * units) : null;
}

/// <summary>A stage that a call goes through, and how much work it is there. Units compare only within a stage.</summary>
internal readonly record struct PlannedStage(GenerateStage Stage, double Units);

/// <summary>Turns the steps of one call into time left.</summary>
internal sealed class ProgressClock(TimeProvider time, StageTimes history, IReadOnlyList<PlannedStage> plan)
{
    private readonly long _began = time.GetTimestamp();
    private GenerateStage? _stage;
    private long _stageBegan;
    private int _firstStep;
    private long _firstDone;   // when the first step of the stage was done: it warms up caches and memory, later ones do not
    private int _firstDoneStep;

    public GenerateProgress Report(GenerateStage stage, int step, int steps)
    {
        long now = time.GetTimestamp();
        if (_stage != stage)
        {
            (_stage, _stageBegan, _firstStep) = (stage, now, step);
            _firstDoneStep = -1;
        }
        else if (step > _firstStep && _firstDoneStep < 0)
        {
            (_firstDone, _firstDoneStep) = (now, step);
        }
        if (step >= steps && step > _firstStep) history.Record(stage, Units(stage), time.GetElapsedTime(_stageBegan, now));
        TimeSpan? stageRemaining = StageRemaining(stage, step, steps, now);
        return new GenerateProgress(stage, step, steps, time.GetElapsedTime(_began, now), stageRemaining,
                                    stageRemaining + LaterStages(stage));
    }

    private TimeSpan? StageRemaining(GenerateStage stage, int step, int steps, long now)
    {
        if (step >= steps) return TimeSpan.Zero;
        if (step <= _firstStep)
        {
            // Nothing measured yet. An earlier run tells, but never less than nothing.
            TimeSpan? left = history.Estimate(stage, Units(stage)) - time.GetElapsedTime(_stageBegan, now);
            return left < TimeSpan.Zero ? TimeSpan.Zero : left;
        }
        bool isWarm = step - _firstDoneStep >= 2;
        TimeSpan took = time.GetElapsedTime(isWarm ? _firstDone : _stageBegan, now);
        return took / (step - (isWarm ? _firstDoneStep : _firstStep)) * (steps - step);
    }

    private TimeSpan? LaterStages(GenerateStage stage)
    {
        TimeSpan? sum = TimeSpan.Zero;
        bool isLater = false;
        foreach (PlannedStage planned in plan)
        {
            if (isLater) sum += history.Estimate(planned.Stage, planned.Units); // null, once one is unknown, stays null
            if (planned.Stage == stage) isLater = true;
        }
        return sum;
    }

    private double Units(GenerateStage stage)
    {
        foreach (PlannedStage planned in plan)
            if (planned.Stage == stage) return planned.Units;
        return 0;
    }
}
