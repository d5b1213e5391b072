using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace ThinkSound.Hosting;

/// <summary>The engine of a host: loaded once, when first asked for, and disposed of with the host. Any thread.</summary>
public sealed class ThinkSoundEngineProvider : IAsyncDisposable, IDisposable
{
    private readonly IOptions<ThinkSoundOptions> _options;
    private readonly ILogger? _logger;
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _disposing = new();
    private Task<ThinkSoundEngine>? _engine;
    private bool _isDisposed;

    /// <param name="options">What to load.</param>
    /// <param name="loggers">Where the native log goes, under the category "ThinkSound"; null leaves it off.</param>
    public ThinkSoundEngineProvider(IOptions<ThinkSoundOptions> options, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _logger = loggers?.CreateLogger("ThinkSound");
    }

    /// <summary>The engine; the first caller starts loading, the others wait for the same one. After a failure the next caller
    /// tries again.</summary>
    /// <param name="cancellationToken">Stops this caller's waiting only.</param>
    public Task<ThinkSoundEngine> GetEngineAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_engine is null or { IsFaulted: true }) _engine = Load();
            return _engine.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Disposes of the engine. One that is being loaded stops within one tensor.</summary>
    public async ValueTask DisposeAsync()
    {
        Task<ThinkSoundEngine>? engine;
        lock (_lock)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            engine = _engine;
        }
        if (engine is null) return;
        await _disposing.CancelAsync().ConfigureAwait(false);
        await engine.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        if (engine.IsCompletedSuccessfully) (await engine.ConfigureAwait(false)).Dispose();
        if (_logger is not null) ThinkSoundRuntime.UseLogger(null); // the host's loggers go with it
    }

    /// <summary>As <see cref="DisposeAsync"/>.</summary>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    private async Task<ThinkSoundEngine> Load()
    {
        await Task.Yield(); // the options and the native library are looked up outside of the lock
        ThinkSoundOptions options = _options.Value;
        if (_logger is not null) ThinkSoundRuntime.UseLogger(_logger, options.MinimumLogLevel);
        return await ThinkSoundEngine.LoadAsync(options.ToEngineOptions(), null, _disposing.Token).ConfigureAwait(false);
    }
}
