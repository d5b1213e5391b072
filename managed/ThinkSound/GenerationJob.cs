using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>A generation that goes on by itself. Any thread, except that only one may read.</summary>
public sealed class GenerationJob : IDisposable, IAsyncDisposable
{
    // The wait for new samples also looks by itself this often, since the last block and the end of a job wake nobody.
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(10);

    private readonly ts_job _handle;
    private readonly Run _run;
    private readonly CancellationTokenRegistration _registration;
    private readonly Lock _lock = new();
    private bool _isReleased;

    internal GenerationJob(ts_job handle, Run run, CancellationToken cancellationToken)
    {
        (_handle, _run) = (handle, run);
        _registration = cancellationToken.UnsafeRegister(static job => ((GenerationJob)job!).Cancel(), this);
    }

    /// <summary>Where it stands. Never blocks and does not allocate.</summary>
    public unsafe JobStatus Poll()
    {
        ts_job_progress progress = ts_job_progress.create();
        Status.Check(Native.ts_job_poll(_handle, &progress));
        return new JobStatus((JobState)progress.state, (GenerateStage)progress.stage, (int)progress.step, (int)progress.num_steps,
                             (long)progress.samples_decoded, (long)progress.num_samples);
    }

    /// <summary>Takes finished samples out of the ring: no lock, no allocation, no system call, so an audio thread may do it.</summary>
    /// <param name="interleaved">Left, right, left, right, …; an even length.</param>
    /// <returns>Samples per channel that were taken; 0 when none is ready.</returns>
    public unsafe int Read(Span<float> interleaved)
    {
        fixed (float* first = interleaved)
            return (int)Native.ts_job_read(_handle, first, (ulong)(interleaved.Length / 2));
    }

    /// <summary>Waits for finished samples and takes them.</summary>
    /// <param name="interleaved">As for <see cref="Read"/>; room for at least one sample per channel.</param>
    /// <param name="cancellationToken">Stops waiting; the job goes on.</param>
    /// <returns>Samples per channel that were taken; 0 at the end of the sound.</returns>
    /// <exception cref="ThinkSoundException">The job failed; as for <see cref="ThinkSoundSession.GenerateAsync"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait or the job was cancelled.</exception>
    public async ValueTask<int> ReadAsync(Memory<float> interleaved, CancellationToken cancellationToken = default)
    {
        if (interleaved.Length < 2) throw new ArgumentException("needs room for one sample per channel", nameof(interleaved));
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool hasEnded = HasEnded; // asked before reading: what arrives in between is read in the next round
            int samples = Read(interleaved.Span);
            if (samples > 0) return samples;
            if (hasEnded)
            {
                ThrowIfFailed();
                return 0;
            }
            await _run.DataReady!.WaitAsync(LookInterval, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for the end.</summary>
    /// <param name="cancellationToken">Stops waiting; the job goes on.</param>
    /// <exception cref="ThinkSoundException">The job failed; as for <see cref="ThinkSoundSession.GenerateAsync"/>.</exception>
    /// <exception cref="OperationCanceledException">The wait or the job was cancelled.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken = default)
    {
        while (!HasEnded) await Task.Delay(LookInterval, cancellationToken).ConfigureAwait(false);
        ThrowIfFailed();
    }

    /// <summary>Asks it to stop within one step. Never blocks.</summary>
    public void Cancel()
    {
        try
        {
            Native.ts_job_cancel(_handle);
        }
        catch (ObjectDisposedException)
        {
            // Disposed of, so it has stopped.
        }
    }

    /// <summary>Cancels it if it still runs and waits for its thread, within one step.</summary>
    public void Dispose()
    {
        RefuseInCallback();
        _registration.Dispose();
        Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>As <see cref="Dispose"/>, without blocking the caller.</summary>
    public async ValueTask DisposeAsync()
    {
        RefuseInCallback();
        await _registration.DisposeAsync().ConfigureAwait(false);
        await NativeThread.Run(Release).ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    /// <summary>Stops a job that nobody holds any more.</summary>
    ~GenerationJob() => Release();

    internal bool HasEnded
    {
        get
        {
            try { return Poll().State != JobState.Running; }
            catch (ObjectDisposedException) { return true; }
        }
    }

    /// <summary>Cancels and waits, but stays readable: whoever reads learns that it was cancelled.</summary>
    internal void Stop()
    {
        Cancel();
        try { Native.ts_job_wait(_handle, uint.MaxValue); }
        catch (ObjectDisposedException) { } // disposed of by its holder meanwhile
    }

    private void RefuseInCallback()
    {
        if (_run.IsInCallback)
            throw new InvalidOperationException("a job cannot be disposed of from its own progress callback: cancel it there");
    }

    private unsafe void ThrowIfFailed()
    {
        ts_status status = Native.ts_job_wait(_handle, 0); // has ended: answers with the job's own status
        _run.Throw(status, status == ts_status.TS_OK ? "" : Utf8.Read(Native.ts_job_error(_handle)));
    }

    private void Release()
    {
        lock (_lock)
        {
            if (_isReleased) return;
            _isReleased = true;
            // The callbacks' state may go only when the job's thread has: destroying waits for it. Whoever is inside a call
            // keeps the handle open, so stop and wait first.
            Stop();
            _handle.Dispose();
            _run.Dispose();
        }
    }
}

/// <summary>Where a job stands.</summary>
/// <param name="State">Whether it runs, and how it ended.</param>
/// <param name="Stage">What is being done.</param>
/// <param name="Step">Steps of the stage that are done.</param>
/// <param name="Steps">Steps that the stage has.</param>
/// <param name="SamplesDecoded">Per channel, waiting in the ring or read already.</param>
/// <param name="Samples">Per channel, of the finished sound.</param>
public readonly record struct JobStatus(JobState State, GenerateStage Stage, int Step, int Steps, long SamplesDecoded, long Samples);

/// <summary>Whether a job runs, and how it ended.</summary>
public enum JobState
{
    /// <summary>At work.</summary>
    Running = 0,
    /// <summary>Finished.</summary>
    Done = 1,
    /// <summary>An error ended it.</summary>
    Failed = 2,
    /// <summary>Cancelled.</summary>
    Cancelled = 3,
}
