using ThinkSound.Media;

namespace ThinkSound.Reasoning;

/// <summary>Work that tells its steps by a call, as an enumeration of them. Leaving the loop early cancels the work and waits for
/// its end.</summary>
internal static class StepStream
{
    private const int StepsAhead = 16;

    /// <summary>Tells a step; goes on when there is room for it.</summary>
    public delegate ValueTask Tell(ReasoningStep step);

    public static IAsyncEnumerable<ReasoningStep> Run(Func<Tell, CancellationToken, Task> work, CancellationToken cancellationToken) =>
        WorkStream.Run<ReasoningStep>(StepsAhead, (steps, stop) => Task.Run(() => work(step => steps.WriteAsync(step, stop), stop), CancellationToken.None), cancellationToken);
}
