using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ThinkSound.Reasoning.Onnx.Graphs;

/// <summary>One ONNX file, loaded, whose inputs and outputs are asked for by name and type. Any number of threads may run it.</summary>
internal sealed class Graph : IDisposable
{
    private readonly InferenceSession _session;

    /// <param name="path">The file.</param>
    /// <param name="options">Where it runs, on how many threads.</param>
    public Graph(string path, OnnxModelOptions options)
    {
        Path = path;
        try
        {
            using SessionOptions session = options.Provider == OnnxProvider.Cuda
                ? SessionOptions.MakeSessionOptionWithCudaProvider(options.DeviceId)
                : new SessionOptions();
            session.IntraOpNumThreads = options.Threads;
            session.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR;
            _session = new InferenceSession(path, session);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ReasoningModelException($"{path} cannot be loaded: {e.Message}", e);
        }
        catch (EntryPointNotFoundException e) when (options.Provider == OnnxProvider.Cuda)
        {
            throw new ReasoningModelException("this program's ONNX Runtime has no CUDA: reference Microsoft.ML.OnnxRuntime.Gpu instead of Microsoft.ML.OnnxRuntime", e);
        }
    }

    public string Path { get; }

    public IEnumerable<string> Inputs => _session.InputMetadata.Keys;

    public bool Has(string input) => _session.InputMetadata.ContainsKey(input);

    /// <summary>The first of the names that is an input of one of the types.</summary>
    public string Input(ReadOnlySpan<string> names, params ReadOnlySpan<TensorElementType> types) => Find(_session.InputMetadata, "input", names, types);

    public string Output(ReadOnlySpan<string> names, params ReadOnlySpan<TensorElementType> types) => Find(_session.OutputMetadata, "output", names, types);

    public TensorElementType TypeOfInput(string name) => _session.InputMetadata[name].ElementDataType;

    public TensorElementType TypeOfOutput(string name) => _session.OutputMetadata[name].ElementDataType;

    /// <summary>Lengths as the file states them; −1 for those that are left open.</summary>
    public int[] ShapeOfInput(string name) => _session.InputMetadata[name].Dimensions;

    public int[] ShapeOfOutput(string name) => _session.OutputMetadata[name].Dimensions;

    public OrtIoBinding CreateBinding() => _session.CreateIoBinding();

    public OrtAllocator CreateAllocator(OrtMemoryInfo where) => new(_session, where);

    /// <summary>Runs on what is bound.</summary>
    /// <exception cref="OperationCanceledException">Cancelled between two operators.</exception>
    public void Run(OrtIoBinding binding, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var options = new RunOptions();
        using CancellationTokenRegistration registration = cancellationToken.Register(() => options.Terminate = true);
        try
        {
            binding.SynchronizeBoundInputs();
            _session.RunWithBinding(options, binding);
            binding.SynchronizeBoundOutputs();
        }
        catch (OnnxRuntimeException e)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new ReasoningModelException($"{Path} failed: {e.Message}", e);
        }
    }

    private string Find(IReadOnlyDictionary<string, NodeMetadata> there, string kind, ReadOnlySpan<string> names, ReadOnlySpan<TensorElementType> types)
    {
        foreach (string name in names)
            if (there.TryGetValue(name, out NodeMetadata? found))
                return found.IsTensor && types.Contains(found.ElementDataType) ? name
                    : throw new ReasoningModelException($"{Path}: the {kind} {name} is of {found.ElementDataType}, not {string.Join(" or ", types.ToArray())}");
        throw new ReasoningModelException($"{Path} has no {kind} {string.Join(" or ", names.ToArray())}; it has {string.Join(", ", there.Keys)}");
    }

    public void Dispose() => _session.Dispose();
}
