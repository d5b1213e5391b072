using System.Diagnostics;

namespace ThinkSound.Cli;

/// <summary>Progress of some work: a line that is drawn over where somebody watches, else a plain line when an activity ends and
/// every ten seconds.</summary>
internal sealed class ActivityLines(Terminal terminal, string title)
{
    private static readonly TimeSpan PlainInterval = TimeSpan.FromSeconds(10), LiveInterval = TimeSpan.FromMilliseconds(80);

    private readonly Lock _lock = new();
    private string? _name;
    private long _began, _lastLine;

    /// <summary>How far an activity is; a new name begins the next.</summary>
    public void Report(string name, double fraction, string detail, TimeSpan? remaining)
    {
        lock (_lock)
        {
            long now = Stopwatch.GetTimestamp();
            bool isNew = _name != name;
            if (isNew)
            {
                Finish(now);
                (_name, _began, _lastLine) = (name, now, now);
            }
            if (terminal.IsLive)
            {
                if (!isNew && fraction < 1 && Stopwatch.GetElapsedTime(_lastLine, now) < LiveInterval) return;
                terminal.WriteLive(Describe(name, fraction, detail, remaining));
                _lastLine = now;
            }
            else if (Stopwatch.GetElapsedTime(_lastLine, now) >= PlainInterval)
            {
                terminal.WriteLine(Describe(name, fraction, detail, remaining));
                _lastLine = now;
            }
        }
    }

    /// <summary>The activity that runs is over, and nothing follows.</summary>
    public void End()
    {
        lock (_lock)
        {
            Finish(Stopwatch.GetTimestamp());
            _name = null;
        }
    }

    private void Finish(long now)
    {
        if (_name is null) return;
        TimeSpan took = Stopwatch.GetElapsedTime(_began, now);
        if (terminal.IsLive) terminal.EndLive();
        terminal.WriteLine($"{title}{_name,-18}  {Units.Time(took)}");
    }

    private string Describe(string name, double fraction, string detail, TimeSpan? remaining)
    {
        string left = remaining is { } time ? $", {Units.TimeLeft(time)} left" : "";
        return $"{title}{name,-18}  {Bar(fraction)} {detail}{left}";
    }

    private static string Bar(double fraction)
    {
        const int width = 20;
        int full = (int)Math.Round(width * Math.Clamp(fraction, 0, 1));
        return new string('█', full) + new string('░', width - full);
    }
}
