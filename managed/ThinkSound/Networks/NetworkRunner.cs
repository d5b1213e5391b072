using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using ThinkSound.Interop;

namespace ThinkSound.Networks;

/// <summary>One network by itself: named tensors in, intermediates and results out. One run at a time. The functions of each
/// kind of network, with their inputs, outputs and settings, are listed in docs/networks.md.</summary>
public sealed class NetworkRunner : IDisposable
{
    private readonly ts_network _handle;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private int _isDisposed;

    private NetworkRunner(ts_network handle) => _handle = handle;

    /// <summary>Loads a network.</summary>
    /// <exception cref="ArgumentException">Unknown kind, or a configuration that makes no sense.</exception>
    /// <exception cref="ResourceNotFoundException">A file or the device is not there.</exception>
    /// <exception cref="WeightsException">A tensor is missing, left over, of the wrong shape or format.</exception>
    /// <exception cref="UnsupportedException">This build has no such network.</exception>
    public static unsafe NetworkRunner Create(NetworkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        CoreLibrary.EnsureLoaded();
        using var arguments = new NativeArguments();
        ts_network_options native = ts_network_options.create();
        native.precision = (ts_precision)options.Precision;
        native.kind = arguments.String(options.Kind, nameof(NetworkOptions.Kind));
        native.config = arguments.String(options.Config, nameof(NetworkOptions.Config));
        native.device = arguments.String(options.Device, nameof(NetworkOptions.Device));
        native.num_threads = NativeConditions.ToUnsigned(options.Threads, nameof(NetworkOptions.Threads));
        native.ignore = options.Ignore.Count == 0 ? null : arguments.String(string.Join('\n', options.Ignore), nameof(NetworkOptions.Ignore));
        native.num_sources = (uint)options.Sources.Count;
        native.sources = arguments.Array<ts_weight_source>(options.Sources.Count);
        for (int i = 0; i < options.Sources.Count; i++)
        {
            native.sources[i] = ts_weight_source.create();
            native.sources[i].path = arguments.String(options.Sources[i].Path, nameof(WeightSource.Path));
            native.sources[i].prefix = arguments.String(options.Sources[i].Prefix, nameof(WeightSource.Prefix));
        }
        Status.Check(Native.ts_network_create(&native, out ts_network handle));
        return new NetworkRunner(handle);
    }

    /// <summary>As <see cref="Create"/>, on a thread of its own.</summary>
    public static Task<NetworkRunner> CreateAsync(NetworkOptions options) => NativeThread.Run(() => Create(options));

    /// <summary>Runs one function of the network.</summary>
    /// <param name="function">e.g. "forward".</param>
    /// <param name="inputs">Named as in the goldens.</param>
    /// <param name="settings">A JSON object, or null.</param>
    /// <param name="onTensor">Gets results, and intermediates if asked for, on the calling thread.</param>
    /// <param name="withIntermediates">Hand out intermediates too.</param>
    /// <param name="cancellationToken">Looked at with each tensor that comes out.</param>
    /// <exception cref="ArgumentException">An input is missing, unknown or of the wrong shape; the message names it.</exception>
    /// <exception cref="InvalidOperationException">The network is at work already.</exception>
    public unsafe void Run(string function, IReadOnlyList<Tensor> inputs, string? settings, TensorHandler onTensor,
                           bool withIntermediates = false, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(onTensor);
        if (!_gate.Wait(0, CancellationToken.None)) throw new InvalidOperationException("this network is at work: wait for it, or create another one");
        try
        {
            using var arguments = new NativeArguments();
            ts_tensor* tensors = arguments.Array<ts_tensor>(inputs.Count);
            for (int i = 0; i < inputs.Count; i++) tensors[i] = ToNative(inputs[i], arguments);
            var call = new Call(onTensor, cancellationToken);
            GCHandle self = GCHandle.Alloc(call);
            ts_status status;
            try
            {
                status = Native.ts_network_run(_handle, arguments.String(function, nameof(function)), arguments.String(settings, nameof(settings)),
                                               tensors, (uint)inputs.Count, withIntermediates ? 1 : 0, &OnTensor,
                                               (void*)GCHandle.ToIntPtr(self));
            }
            finally
            {
                self.Free();
            }
            call.Failure?.Throw();
            if (status != ts_status.TS_OK) throw Status.ToException(status, Utf8.Read(Native.ts_last_error()), cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>As <see cref="Run"/>, on a thread of its own; gives copies of everything that came out, in order.</summary>
    public Task<IReadOnlyList<Tensor>> RunAsync(string function, IReadOnlyList<Tensor> inputs, string? settings = null,
                                                bool withIntermediates = false, CancellationToken cancellationToken = default) =>
        NativeThread.Run<IReadOnlyList<Tensor>>(() =>
        {
            var results = new List<Tensor>();
            Run(function, inputs, settings, tensor => results.Add(tensor.ToTensor()), withIntermediates, cancellationToken);
            return results;
        });

    /// <summary>Waits for a run that is at work and frees the network.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        _gate.Wait();
        _handle.Dispose();
        _gate.Release(); // whoever comes later is told by the handle that it is gone
    }

    private static unsafe ts_tensor ToNative(Tensor tensor, NativeArguments arguments)
    {
        if (tensor.Shape.Count > 5) throw new ArgumentException($"{tensor.Name} has {tensor.Shape.Count} axes, five are the most");
        ts_tensor native = ts_tensor.create();
        native.dtype = (ts_dtype)tensor.Type;
        native.name = arguments.String(tensor.Name, nameof(Tensor.Name));
        native.data = arguments.Pin(tensor.Data);
        native.rank = (uint)tensor.Shape.Count;
        long count = 1;
        for (int axis = 0; axis < tensor.Shape.Count; axis++)
        {
            native.shape[axis] = tensor.Shape[axis];
            count = checked(count * tensor.Shape[axis]);
        }
        // The library trusts the shape: reading past the data must be impossible from here.
        if (count < 0 || tensor.Data.Length != checked(count * Tensor.SizeOf(tensor.Type)))
            throw new ArgumentException($"{tensor.Name}: [{string.Join(", ", tensor.Shape)}] of {tensor.Type} needs " +
                                        $"{count * Tensor.SizeOf(tensor.Type)} bytes, not {tensor.Data.Length}");
        return native;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int OnTensor(void* userData, ts_tensor* tensor, int isOutput)
    {
        var call = (Call)GCHandle.FromIntPtr((nint)userData).Target!;
        try
        {
            call.OnTensor(new TensorView(tensor, isOutput != 0));
            return call.Cancellation.IsCancellationRequested ? 1 : 0;
        }
        catch (Exception e)
        {
            call.Failure = ExceptionDispatchInfo.Capture(e); // rethrown once native code has returned
            return 1;
        }
    }

    private sealed class Call(TensorHandler onTensor, CancellationToken cancellation)
    {
        public TensorHandler OnTensor { get; } = onTensor;
        public CancellationToken Cancellation { get; } = cancellation;
        public ExceptionDispatchInfo? Failure { get; set; }
    }
}
