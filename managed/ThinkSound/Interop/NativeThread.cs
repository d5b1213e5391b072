namespace ThinkSound.Interop;

/// <summary>Runs calls that take seconds on threads of their own, so that they do not starve the pool.</summary>
internal static class NativeThread
{
    public static Task<T> Run<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
                              TaskScheduler.Default);

    public static Task Run(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach,
                              TaskScheduler.Default);
}
