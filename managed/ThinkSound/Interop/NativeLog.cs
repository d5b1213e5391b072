using Microsoft.Extensions.Logging;

namespace ThinkSound.Interop;

/// <summary>One native library's log on its way to a logger. Each library has a callback of its own, which hands its lines to
/// <see cref="Write"/>.</summary>
internal sealed unsafe class NativeLog
{
    private readonly Lock _lock = new();
    private ILogger? _logger;

    /// <summary>Makes <paramref name="logger"/> the one that lines go to.</summary>
    /// <param name="logger">Null for none.</param>
    /// <param name="minimum">Lines below this level are not made.</param>
    /// <param name="setLog">Has the library call back for lines from a level on; of null it no longer does when it returns.</param>
    public void Use(ILogger? logger, LogLevel minimum, Action<ts_log_level?> setLog)
    {
        bool isOff = logger is null || minimum == LogLevel.None;
        lock (_lock)
        {
            setLog(null); // off while it changes
            _logger = isOff ? null : logger;
            if (!isOff) setLog(ToNative(minimum));
        }
    }

    /// <summary>A line from the library, on whichever thread works.</summary>
    public void Write(ts_log_level level, byte* message)
    {
        LogLevel managed = level switch
        {
            ts_log_level.TS_LOG_DEBUG => LogLevel.Debug,
            ts_log_level.TS_LOG_INFO => LogLevel.Information,
            ts_log_level.TS_LOG_WARNING => LogLevel.Warning,
            _ => LogLevel.Error,
        };
        try
        {
            if (_logger is { } logger && logger.IsEnabled(managed))
                logger.Log(managed, default, Utf8.Read(message), null, static (line, _) => line);
        }
        catch (Exception)
        {
            // A line of log belongs to no call, so there is nobody to rethrow to, and nothing may cross into native code.
        }
    }

    private static ts_log_level ToNative(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => ts_log_level.TS_LOG_DEBUG,
        LogLevel.Information => ts_log_level.TS_LOG_INFO,
        LogLevel.Warning => ts_log_level.TS_LOG_WARNING,
        _ => ts_log_level.TS_LOG_ERROR,
    };
}
