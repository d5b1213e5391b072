using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace ThinkSound.Interop;

/// <summary>One call or job on its way through the library: what its callbacks need, and what they leave behind. Native
/// code holds it by address, so it must outlive the call or job; then <see cref="Dispose"/> lets it go.</summary>
/// <param name="progress">Told of each step; may be null.</param>
/// <param name="clock">Adds the time left.</param>
/// <param name="isStopped">Asked at each step: the session has been disposed of.</param>
/// <param name="cancellation">Asked at each step.</param>
internal sealed unsafe class Run(IProgress<GenerateProgress>? progress, ProgressClock clock, Func<bool> isStopped,
                                 CancellationToken cancellation) : IDisposable
{
    private GCHandle _self;
    private ExceptionDispatchInfo? _failure;
    private volatile int _reportingThread;

    /// <summary>Wakes whoever reads the ring; null where nobody does.</summary>
    public SemaphoreSlim? DataReady { get; init; }

    /// <summary>Keeps the samples themselves; null where they come another way.</summary>
    public PcmGatherer? Pcm { get; set; }

    public static delegate* unmanaged[Cdecl]<void*, ts_stage, uint, uint, int> OnProgress => &ReportProgress;

    public static delegate* unmanaged[Cdecl]<void*, float*, float*, ulong, ulong, int> OnPcm => &ReportPcm;

    /// <summary>The address that the callbacks get.</summary>
    public void* UserData
    {
        get
        {
            if (!_self.IsAllocated) _self = GCHandle.Alloc(this);
            return (void*)GCHandle.ToIntPtr(_self);
        }
    }

    /// <summary>The caller is inside its own progress callback, where waiting for the call would wait for itself.</summary>
    public bool IsInCallback => _reportingThread == Environment.CurrentManagedThreadId;

    public void Dispose()
    {
        if (_self.IsAllocated) _self.Free();
    }

    /// <summary>Throws what the call came to: first the caller's own exception, which a callback caught, then the
    /// library's. Call it on the thread of the call, directly after it.</summary>
    public void Check(ts_status status)
    {
        if (status != ts_status.TS_OK || _failure is not null) Throw(status, Utf8.Read(Native.ts_last_error()));
    }

    public void Throw(ts_status status, string message)
    {
        _failure?.Throw();
        // A call that finished before it noticed the token has a result, and the result counts.
        if (status != ts_status.TS_OK) throw Status.ToException(status, message, cancellation);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReportProgress(void* userData, ts_stage stage, uint step, uint numSteps) =>
        From(userData).Report((GenerateStage)stage, (int)step, (int)numSteps);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ReportPcm(void* userData, float* left, float* right, ulong offset, ulong numSamples)
    {
        Run run = From(userData);
        run.DataReady?.Release(); // whose samples come through the ring
        try
        {
            run.Pcm?.Add(new ReadOnlySpan<float>(left, (int)numSamples), new ReadOnlySpan<float>(right, (int)numSamples));
            return run.MustStop ? 1 : 0;
        }
        catch (Exception e)
        {
            run._failure ??= ExceptionDispatchInfo.Capture(e); // no memory: rethrown once native code has returned
            return 1;
        }
    }

    private static Run From(void* userData) => (Run)GCHandle.FromIntPtr((nint)userData).Target!;

    private bool MustStop => cancellation.IsCancellationRequested || isStopped();

    private int Report(GenerateStage stage, int step, int steps)
    {
        try
        {
            _reportingThread = Environment.CurrentManagedThreadId;
            GenerateProgress now = clock.Report(stage, step, steps); // always: it also learns what stages cost
            progress?.Report(now);
            return MustStop ? 1 : 0;
        }
        catch (Exception e)
        {
            _failure ??= ExceptionDispatchInfo.Capture(e); // rethrown once native code has returned
            return 1;
        }
        finally
        {
            _reportingThread = 0;
        }
    }
}
