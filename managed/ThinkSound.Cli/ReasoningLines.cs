using ThinkSound.Reasoning;

namespace ThinkSound.Cli;

/// <summary>Shows a thought as it is thought: a heading for each step, its words as they come where somebody watches, else a line when
/// it is over.</summary>
internal sealed class ReasoningLines(Terminal terminal, bool isQuiet) : IProgress<ReasoningProgress>
{
    private readonly Lock _lock = new();
    private string _line = "";
    private (ReasoningStepKind Kind, int Attempt)? _step;

    /// <summary>Has somebody think, shows it, and tells what came of it.</summary>
    public static async Task<Reasoning.Reasoning> ThinkAsync(IReasoner reasoner, ReasoningRequest request, Terminal terminal, bool isQuiet, CancellationToken cancel)
    {
        Reasoning.Reasoning reasoning = await ShowAsync(terminal, isQuiet, lines => reasoner.ReasonToEndAsync(request, lines.Show, lines, cancel));
        if (!isQuiet) terminal.WriteLine($"thought by {ReasonCommand.By(reasoning)}: {reasoning.ChainOfThought}");
        foreach (Shortening shortening in reasoning.Shortened)
        {
            // The recogniser's thought is put together to fit; what was left out of anybody else's words is worth a warning.
            bool isOwn = reasoning.Provider == RecogniserReasoner.Name && shortening.Encoder == TextEncoder.T5;
            if (!isOwn) terminal.Warn(ReasonCommand.Describe(shortening));
            else if (!isQuiet) terminal.WriteLine(ReasonCommand.Describe(shortening));
        }
        return reasoning;
    }

    /// <summary>Shows what is thought meanwhile, its last line also where it fails.</summary>
    public static async Task<T> ShowAsync<T>(Terminal terminal, bool isQuiet, Func<ReasoningLines, Task<T>> think)
    {
        var lines = new ReasoningLines(terminal, isQuiet);
        try
        {
            return await think(lines);
        }
        finally
        {
            lines.End();
        }
    }

    /// <summary>The next piece.</summary>
    public void Show(ReasoningStep step)
    {
        if (isQuiet) return;
        lock (_lock)
        {
            if (step.Kind == ReasoningStepKind.Deliberation)
            {
                if (_step is null) terminal.WriteLive("deliberating …");
                return;
            }
            if (_step != (step.Kind, step.Attempt) || step.Kind == ReasoningStepKind.Note) EndStep();
            if (step.Text.Length == 0) return;
            bool isNew = _step is null;
            _step = (step.Kind, step.Attempt);
            string text = step.Text.ReplaceLineEndings(" ");
            if (isNew) text = Heading(step.Kind) + text;
            _line += text;
            if (terminal.IsLive) terminal.WritePart(text);
            if (step.Kind == ReasoningStepKind.Note) EndStep(); // a note is whole, and may tell what is waited for
        }
    }

    /// <summary>What is done before the first word.</summary>
    public void Report(ReasoningProgress value)
    {
        if (isQuiet) return;
        lock (_lock)
        {
            if (_step is not null) return;
            string name = value.Activity switch
            {
                ReasoningActivity.Watching => "looking at the video", ReasoningActivity.Waiting => "waiting for the model",
                ReasoningActivity.Thinking => "thinking", _ => "checking the answer",
            };
            terminal.WriteLive(value.Detail.Length > 0 ? $"{name}  {value.Detail}" : name);
        }
    }

    /// <summary>Ends the step that is shown.</summary>
    public void End()
    {
        lock (_lock) EndStep();
        terminal.EndLive();
    }

    private void EndStep()
    {
        if (_step is null) return;
        if (terminal.IsLive) terminal.WritePart(Environment.NewLine);
        else terminal.WriteLine(_line);
        (_step, _line) = (null, "");
    }

    private static string Heading(ReasoningStepKind kind) => kind switch
    {
        ReasoningStepKind.Seen => "seen      ",
        ReasoningStepKind.Timing => "when      ",
        ReasoningStepKind.Sound => "sound     ",
        ReasoningStepKind.Space => "space     ",
        ReasoningStepKind.Avoid => "avoid     ",
        ReasoningStepKind.Mix => "mix       ",
        _ => "note      ",
    };
}
