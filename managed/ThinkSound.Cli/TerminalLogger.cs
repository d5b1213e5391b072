using Microsoft.Extensions.Logging;

namespace ThinkSound.Cli;

/// <summary>The native library's log, for --verbose.</summary>
internal sealed class TerminalLogger(Terminal terminal) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        terminal.WriteLine($"[{logLevel.ToString().ToLowerInvariant()}] {formatter(state, exception)}");
}
