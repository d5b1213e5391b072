using System.Diagnostics;
using System.Globalization;

namespace ThinkSound.Rendering.Foley;

/// <summary>What one job tells while it runs, and what it took.</summary>
internal sealed class FoleyRun(IProgress<FoleyProgress>? progress, Action<string>? notice, Action<CandidateFits>? chosen = null)
{
    private readonly Dictionary<FoleyStage, double> _seconds = [];
    private readonly List<string> _warnings = [];
    private readonly List<(int Output, CandidateFits Fits)> _choices = [];
    private readonly long _began = Stopwatch.GetTimestamp();
    private int _output = -1;
    private WindowProgress? _window;

    /// <summary>Passes on how far an engine is loaded.</summary>
    public IProgress<GenerateProgress> Loading => new LoadProgress(this);

    public void BeginOutput(int index) => _output = index;

    /// <summary>What follows is done for a window of a long sound: it is told as part of the whole.</summary>
    public void BeginWindow(WindowProgress window)
    {
        (_window, _output) = (window, 0);
        Report(FoleyStage.Load, 0, "", null);
    }

    public void EndWindows() => _window = null;

    public void Report(FoleyStage stage, double fraction, string detail, TimeSpan? remaining)
    {
        if (_window is not null) progress?.Report(_window.Of(stage, fraction, Math.Max(0, _output), Stopwatch.GetElapsedTime(_began)));
        else progress?.Report(new FoleyProgress(stage, stage is FoleyStage.Load or FoleyStage.Watch ? -1 : _output, fraction, detail, remaining));
    }

    public void Warn(string text)
    {
        if (_warnings.Contains(text)) return;
        _warnings.Add(text);
        notice?.Invoke(text);
    }

    /// <summary>Tells of a choice for the output at hand; null where there was none.</summary>
    public void Choose(CandidateFits? fits)
    {
        if (fits is null) return;
        _choices.Add((_output, fits));
        chosen?.Invoke(fits);
    }

    public IReadOnlyList<CandidateFits> ChoicesOf(int output) => [.. _choices.Where(choice => choice.Output == output).Select(choice => choice.Fits)];

    public async Task<T> Time<T>(FoleyStage stage, Func<Task<T>> work)
    {
        Report(stage, 0, "", null);
        long began = Stopwatch.GetTimestamp();
        try
        {
            return await work().ConfigureAwait(false);
        }
        finally
        {
            Add(stage, Stopwatch.GetElapsedTime(began).TotalSeconds);
        }
    }

    /// <summary>Reports and times the stages of a generation.</summary>
    public async Task<AudioClip> Generate(Func<IProgress<GenerateProgress>, Task<AudioClip>> generation)
    {
        var stages = new Stages(this);
        AudioClip clip = await generation(stages).ConfigureAwait(false);
        stages.End();
        return clip;
    }

    public IReadOnlyDictionary<FoleyStage, double> TakeSeconds()
    {
        var taken = _seconds.OrderBy(pair => pair.Key).ToDictionary();
        _seconds.Clear();
        return taken;
    }

    public IReadOnlyList<string> TakeWarnings() => [.. _warnings];

    /// <summary>What was done for this job before it began.</summary>
    public void Add(IReadOnlyDictionary<FoleyStage, double> seconds)
    {
        foreach (var (stage, took) in seconds) Add(stage, took);
    }

    private void Add(FoleyStage stage, double seconds) => _seconds[stage] = _seconds.GetValueOrDefault(stage) + seconds;

    private sealed class LoadProgress(FoleyRun run) : IProgress<GenerateProgress>
    {
        public void Report(GenerateProgress value) =>
            run.Report(FoleyStage.Load, value.Fraction, value.Fraction.ToString("P0", CultureInfo.InvariantCulture), value.StageRemaining);
    }

    /// <summary>The stages of one generation, as its session reports them.</summary>
    private sealed class Stages(FoleyRun run) : IProgress<GenerateProgress>
    {
        private FoleyStage? _stage;
        private long _began = Stopwatch.GetTimestamp();

        public void Report(GenerateProgress value)
        {
            FoleyStage stage = value.Stage switch { GenerateStage.Sample => FoleyStage.Sample, GenerateStage.Decode => FoleyStage.Decode, _ => FoleyStage.Text };
            if (stage != _stage) Begin(stage);
            string unit = stage switch { FoleyStage.Sample => "steps", FoleyStage.Decode => "chunks", _ => "texts" };
            run.Report(stage, value.Fraction, $"{value.Step} of {value.Steps} {unit}", value.StageRemaining);
        }

        public void End() => Begin(null);

        private void Begin(FoleyStage? stage)
        {
            long now = Stopwatch.GetTimestamp();
            if (_stage is { } over) run.Add(over, Stopwatch.GetElapsedTime(_began, now).TotalSeconds);
            (_stage, _began) = (stage, now);
        }
    }
}
