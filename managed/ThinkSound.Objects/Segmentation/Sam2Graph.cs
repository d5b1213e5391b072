using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ThinkSound.Objects;

/// <summary>One ONNX file of a SAM 2, whose inputs and outputs are known by name.</summary>
internal sealed class Sam2Graph : IDisposable
{
    private readonly InferenceSession _session;
    private readonly string _path;

    public Sam2Graph(string path, int threads, string[] inputs, string[] outputs)
    {
        _path = path;
        try
        {
            using var options = new SessionOptions { IntraOpNumThreads = threads, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
            _session = new InferenceSession(path, options);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ObjectException($"{path} cannot be loaded: {e.Message}", e);
        }
        string[] missing = [.. inputs.Where(name => !_session.InputMetadata.ContainsKey(name)), .. outputs.Where(name => !_session.OutputMetadata.ContainsKey(name))];
        if (missing.Length == 0) return;
        string there = string.Join(", ", _session.InputMetadata.Keys.Concat(_session.OutputMetadata.Keys));
        _session.Dispose();
        throw new ObjectException($"{path} is no such part of a SAM 2: it lacks {string.Join(", ", missing)}; it has {there}");
    }

    /// <summary>Lengths as the file states them; −1 for those that are left open.</summary>
    public int[] ShapeOf(string input) => _session.InputMetadata[input].Dimensions;

    public bool Has(string input) => _session.InputMetadata.ContainsKey(input);

    /// <summary>Runs; the caller disposes of what comes out.</summary>
    public IReadOnlyList<OrtValue> Run(IReadOnlyList<(string Name, OrtValue Value)> inputs, string[] outputs, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        using var options = new RunOptions();
        using CancellationTokenRegistration registration = cancel.Register(() => options.Terminate = true);
        try
        {
            return _session.Run(options, [.. inputs.Select(input => input.Name)], [.. inputs.Select(input => input.Value)], outputs);
        }
        catch (OnnxRuntimeException e)
        {
            cancel.ThrowIfCancellationRequested();
            throw new ObjectException($"{_path} failed: {e.Message}", e);
        }
    }

    public static OrtValue Tensor(float[] values, params long[] shape) => OrtValue.CreateTensorValueFromMemory(values, shape);

    public void Dispose() => _session.Dispose();
}
