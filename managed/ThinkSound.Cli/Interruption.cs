using System.Runtime.InteropServices;

namespace ThinkSound.Cli;

/// <summary>Ctrl-C and its kin: the first asks the work to stop within one step, the second ends the program.</summary>
internal sealed partial class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Interruption(Terminal terminal)
    {
        _registrations = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal => PosixSignalRegistration.Create(signal, Stop))];

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            if (_source.IsCancellationRequested) ExitNow(ExitCode.Cancelled);
            terminal.WriteLine("stopping … (again to stop at once)");
            _source.Cancel();
        }
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Ends the process without running what libraries do at its end, because their threads may still be at work.</summary>
    public static void ExitNow(int code)
    {
        Console.Out.Flush();
        if (OperatingSystem.IsWindows()) Environment.Exit(code);
        else Exit(code);
    }

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _source.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
