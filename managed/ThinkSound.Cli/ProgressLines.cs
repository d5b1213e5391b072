using ThinkSound.Rendering.Foley;

namespace ThinkSound.Cli;

/// <summary>Progress of one job; see <see cref="ActivityLines"/>.</summary>
internal sealed class ProgressLines(Terminal terminal, string title, int outputs) : IProgress<FoleyProgress>
{
    private readonly ActivityLines _lines = new(terminal, title);

    public void Report(FoleyProgress value) =>
        _lines.Report(outputs > 1 && value.Output >= 0 ? $"{value.Output + 1}/{outputs} {value.Activity}" : value.Activity, value.Fraction, value.Detail, value.Remaining);

    /// <summary>The stage that runs is over, and nothing follows.</summary>
    public void EndStage() => _lines.End();
}
