using System.Runtime.CompilerServices;
using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>Generates one thing at a time; for several at once take several sessions of one engine. Its working memory is
/// taken when first needed and kept for the next call. Disposing of it cancels what runs and waits for that.</summary>
public sealed partial class ThinkSoundSession : IDisposable, IAsyncDisposable
{
    private readonly ts_session _handle;
    private readonly SemaphoreSlim _gate = new(1, 1); // held during a call; for good once disposed of
    private readonly Lock _disposeLock = new();
    private GenerationJob? _job;                      // the last one, to wait for
    private Run? _run;                                // of the last call or job
    private volatile bool _isDisposed;

    internal ThinkSoundSession(ThinkSoundEngine engine, ts_engine engineHandle)
    {
        Engine = engine;
        Status.Check(Native.ts_session_create(engineHandle, out _handle));
    }

    /// <summary>The engine that it works on.</summary>
    public ThinkSoundEngine Engine { get; }

    /// <summary>Generates one clip.</summary>
    /// <param name="conditions">What the sound is made from.</param>
    /// <param name="options">How; null takes the defaults.</param>
    /// <param name="progress">Told of each step, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    /// <returns>The sound as the decoder delivers it, without gain.</returns>
    /// <exception cref="ArgumentException">An option or the shape of an input is out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the session was disposed of.</exception>
    /// <exception cref="UnsupportedException">The bundle lacks a network that this needs.</exception>
    /// <exception cref="DeviceMemoryException">Memory ran out, or the engine's cap was reached.</exception>
    /// <exception cref="InvalidOperationException">The session is at work already.</exception>
    public unsafe Task<AudioClip> GenerateAsync(Conditions conditions, GenerateOptions? options = null,
                                         IProgress<GenerateProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(conditions);
        options = Engine.Complete(options);
        int latentLength = Engine.GetLengths(options.Duration, options.Lengths).LatentLength;
        return Work(Plan(options, latentLength), run =>
        {
            using var arguments = new NativeArguments();
            ts_conditions from = NativeConditions.Of(conditions, Engine.Info, latentLength, arguments);
            ts_generate_options how = NativeConditions.Of(options, Engine.Info, latentLength, arguments);
            ulong samples = 0;
            run.Check(Native.ts_generate(_handle, &from, &how, null, null, null, 0, &samples));
            var audio = new float[checked((int)(2 * samples))];
            fixed (float* first = audio)
                run.Check(Native.ts_generate(_handle, &from, &how, Run.OnProgress, run.UserData, first, (ulong)audio.Length, &samples));
            return new AudioClip(2, Engine.Info.SampleRate, audio);
        }, progress, cancellationToken);
    }

    /// <summary>Generates one clip and delivers it while it is decoded. Leaving the loop early cancels the rest.</summary>
    /// <param name="conditions">What the sound is made from.</param>
    /// <param name="options">How; null takes the defaults. <see cref="GenerateOptions.DecodeChunk"/> sets how soon sound comes.</param>
    /// <param name="stream">Sizes of blocks and ring; null takes the defaults.</param>
    /// <param name="progress">Told of each step, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    /// <returns>The samples of <see cref="GenerateAsync"/>, in order and without gaps.</returns>
    /// <exception cref="ArgumentException">An option or the shape of an input is out of range.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the session was disposed of.</exception>
    /// <exception cref="InvalidOperationException">The session is at work already.</exception>
    public IAsyncEnumerable<PcmBlock> StreamAsync(Conditions conditions, GenerateOptions? options = null, StreamOptions? stream = null,
                                                  IProgress<GenerateProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(conditions);
        stream ??= new StreamOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(stream.BlockSamples, 1, nameof(stream));
        return Read(cancellationToken);

        async IAsyncEnumerable<PcmBlock> Read([EnumeratorCancellation] CancellationToken token)
        {
            // WithCancellation hands in its own token instead.
            using var both = CancellationTokenSource.CreateLinkedTokenSource(token, cancellationToken);
            GenerationJob job = StartJob(conditions, options, progress, stream.RingSamples, both.Token);
            await using (job.ConfigureAwait(false))
            {
                var buffer = new float[2 * stream.BlockSamples];
                long position = 0;
                while (await job.ReadAsync(buffer, both.Token).ConfigureAwait(false) is > 0 and int samples)
                {
                    yield return new PcmBlock(position, Engine.Info.SampleRate, buffer.AsSpan(0, 2 * samples).ToArray());
                    position += samples;
                }
            }
        }
    }

    /// <summary>Starts a generation that goes on by itself: poll it, read it from an audio thread, cancel it. The session is at
    /// work until the job has ended; then <see cref="LastFits"/> are its.</summary>
    /// <param name="conditions">What the sound is made from.</param>
    /// <param name="options">How; null takes the defaults.</param>
    /// <param name="progress">Told of each step, on the job's thread.</param>
    /// <param name="ringSamples">Samples per channel that wait to be read at most; a smaller ring makes the decoder wait for
    /// the reader. 0 has room for the whole clip.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    /// <exception cref="ArgumentException">An option or the shape of an input is out of range.</exception>
    /// <exception cref="InvalidOperationException">The session is at work already.</exception>
    public unsafe GenerationJob StartJob(Conditions conditions, GenerateOptions? options = null, IProgress<GenerateProgress>? progress = null,
                                  int ringSamples = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(conditions);
        options = Engine.Complete(options);
        uint ring = NativeConditions.ToUnsigned(ringSamples, nameof(ringSamples));
        cancellationToken.ThrowIfCancellationRequested();
        int latentLength = Engine.GetLengths(options.Duration, options.Lengths).LatentLength;
        Enter();
        try
        {
            var clock = new ProgressClock(TimeProvider.System, Engine.StageTimes, Plan(options, latentLength));
            var run = new Run(progress, clock, () => _isDisposed, cancellationToken) { DataReady = new SemaphoreSlim(0) };
            try
            {
                using var arguments = new NativeArguments(); // the job copies what it is given
                ts_conditions from = NativeConditions.Of(conditions, Engine.Info, latentLength, arguments);
                ts_generate_options how = NativeConditions.Of(options, Engine.Info, latentLength, arguments);
                run.Check(Native.ts_job_start(_handle, &from, &how, Run.OnProgress, Run.OnPcm, run.UserData, ring, out ts_job handle));
                _run = run;
                return _job = new GenerationJob(handle, run, cancellationToken);
            }
            catch
            {
                run.Dispose();
                throw;
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>What was chosen among the candidates of the last generation, sampling or job that is done; null where it made one
    /// only. Any thread.</summary>
    public unsafe CandidateFits? LastFits
    {
        get
        {
            Span<float> fits = stackalloc float[GenerateOptions.MostCandidates];
            uint count = 0, chosen = 0;
            fixed (float* first = fits)
                Status.Check(Native.ts_get_fits(_handle, first, (uint)fits.Length, &count, &chosen));
            return count == 0 ? null : new CandidateFits(fits[..(int)count].ToArray(), (int)chosen);
        }
    }

    /// <summary>Asks whatever runs to stop within one step; it then throws <see cref="OperationCanceledException"/>. Any thread.</summary>
    public void Cancel()
    {
        try
        {
            Native.ts_session_cancel(_handle);
        }
        catch (ObjectDisposedException)
        {
            // Nothing runs any more, which is what was asked for.
        }
        Volatile.Read(ref _job)?.Cancel();
    }

    /// <summary>Cancels what runs, waits until it has stopped (within one step), and frees the working memory. Any thread.</summary>
    public void Dispose()
    {
        if (!BeginDispose()) return;
        if (MustWait)
        {
            _gate.Wait();
            _job?.Stop();
        }
        _handle.Dispose();
        Engine.Release();
    }

    /// <summary>As <see cref="Dispose"/>, without blocking the caller.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!BeginDispose()) return;
        if (MustWait)
        {
            await _gate.WaitAsync().ConfigureAwait(false);
            if (_job is { } job) await NativeThread.Run(job.Stop).ConfigureAwait(false);
        }
        _handle.Dispose();
        Engine.Release();
    }

    private bool BeginDispose()
    {
        lock (_disposeLock)
        {
            if (_isDisposed) return false;
            _isDisposed = true; // a call that is about to start sees this at its first step
        }
        Cancel();
        return true;
    }

    // Inside a callback of the call itself there is nothing to wait for: the call keeps the native session until it is over.
    private bool MustWait => _run is not { IsInCallback: true };

    private void Enter()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (!_gate.Wait(0)) throw new InvalidOperationException("this session is at work: wait for it, or create another one");
        if (_job is { HasEnded: false } || _isDisposed)
        {
            _gate.Release();
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            throw new InvalidOperationException("a job of this session is still running: wait for it, or create another session");
        }
        _job = null;
    }

    /// <summary>Runs one call on a thread of its own.</summary>
    private async Task<T> Work<T>(IReadOnlyList<PlannedStage> plan, Func<Run, T> call, IProgress<GenerateProgress>? progress,
                                  CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Enter();
        try
        {
            using var run = new Run(progress, new ProgressClock(TimeProvider.System, Engine.StageTimes, plan), () => _isDisposed,
                                    cancellationToken);
            _run = run;
            using (cancellationToken.UnsafeRegister(static session => ((ThinkSoundSession)session!).Cancel(), this))
                return await NativeThread.Run(() => call(run)).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    private static PlannedStage[] Plan(GenerateOptions options, int latentLength)
    {
        int evaluations = options.Sampler switch { Sampler.Midpoint => 2, Sampler.RungeKutta4 => 4, _ => 1 };
        int halves = options.GuidanceScale == 1 ? 1 : 2; // with and without the conditions
        int passes = options.KnownLatent is null ? 1 : 1 + options.Jumps!.Value;
        passes *= options.Candidates!.Value;
        return
        [
            new PlannedStage(GenerateStage.Text, 1),
            new PlannedStage(GenerateStage.Sample, (double)latentLength * options.Steps!.Value * evaluations * halves * passes),
            new PlannedStage(GenerateStage.Decode, latentLength),
        ];
    }
}
