using System.Diagnostics;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Cli;

/// <summary>Progress of one job: a line that is drawn over where somebody watches, else a plain line when a stage ends and
/// every ten seconds.</summary>
internal sealed class ProgressLines(Terminal terminal, string title, int outputs) : IProgress<FoleyProgress>
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(10), LiveInterval = TimeSpan.FromMilliseconds(80);

    private readonly Lock _lock = new();
    private (FoleyStage Stage, int Output)? _stage;
    private long _stageBegan, _lastLine;

    public void Report(FoleyProgress value)
    {
        lock (_lock)
        {
            long now = Stopwatch.GetTimestamp();
            bool isNew = _stage != (value.Stage, value.Output);
            if (isNew)
            {
                FinishStage(now);
                (_stage, _stageBegan, _lastLine) = ((value.Stage, value.Output), now, now);
            }
            if (terminal.IsLive)
            {
                if (!isNew && value.Fraction < 1 && Stopwatch.GetElapsedTime(_lastLine, now) < LiveInterval) return;
                terminal.WriteLive(Describe(value));
                _lastLine = now;
            }
            else if (Stopwatch.GetElapsedTime(_lastLine, now) >= PlainInterval)
            {
                terminal.WriteLine(Describe(value));
                _lastLine = now;
            }
        }
    }

    /// <summary>The stage that runs is over, and nothing follows.</summary>
    public void EndStage()
    {
        lock (_lock)
        {
            FinishStage(Stopwatch.GetTimestamp());
            _stage = null;
        }
    }

    private void FinishStage(long now)
    {
        if (_stage is not { } stage) return;
        TimeSpan took = Stopwatch.GetElapsedTime(_stageBegan, now);
        if (terminal.IsLive) terminal.EndLive();
        terminal.WriteLine($"{title}{Name(stage.Stage, stage.Output)}  {Units.Time(took)}");
    }

    private string Describe(FoleyProgress value)
    {
        string left = value.Remaining is { } remaining ? $", {Units.TimeLeft(remaining)} left" : "";
        return $"{title}{Name(value.Stage, value.Output)}  {Bar(value.Fraction)} {value.Detail}{left}";
    }

    private string Name(FoleyStage stage, int output)
    {
        string name = stage switch
        {
            FoleyStage.Load => "loading the model",
            FoleyStage.Watch => "watching the video",
            FoleyStage.Text => "reading the words",
            FoleyStage.Sample => "sampling",
            FoleyStage.Decode => "decoding",
            _ => "writing",
        };
        return (outputs > 1 && output >= 0 ? $"{output + 1}/{outputs} {name}" : name).PadRight(18);
    }

    private static string Bar(double fraction)
    {
        const int width = 20;
        int full = (int)Math.Round(width * Math.Clamp(fraction, 0, 1));
        return new string('█', full) + new string('░', width - full);
    }
}
