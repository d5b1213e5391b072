using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using ThinkSound.Reasoning.Onnx.Families;

namespace ThinkSound.Reasoning.Onnx.Graphs;

/// <summary>
/// One answer: its cache and all buffers that its runs share. One call at a time.
/// <code>
///   tokens ─ embed_tokens ─► inputs_embeds [1, S, hidden] ◄─ vision_encoder, one input at a time, in the place of its tokens
///                                 │
///                                 ▼ decoder, over past_key_values ⇄ present
///                            logits of the last token
/// </code>
/// </summary>
internal sealed class Decoding : IDisposable
{
    private readonly ModelGraphs _graphs;
    private readonly Prompt _prompt;
    private readonly OrtIoBinding _embedding, _decoder;
    private readonly OrtAllocator? _deviceAllocator;
    private readonly NativeBuffer _tokens, _mask, _positions, _embeddings, _lastLogits, _switch, _one;
    private readonly List<OrtValue> _views = [];
    private readonly float[] _logits;

    /// <summary>Takes all the memory that prompt and answer need, for <paramref name="capacity"/> tokens together.</summary>
    public Decoding(ModelGraphs graphs, Prompt prompt, int capacity)
    {
        (_graphs, _prompt) = (graphs, prompt);
        _logits = new float[graphs.Vocabulary];
        int length = prompt.Tokens.Length;
        try
        {
            if (graphs.Options.Provider == OnnxProvider.Cuda)
            {
                using var where = new OrtMemoryInfo("Cuda", OrtAllocatorType.DeviceAllocator, graphs.Options.DeviceId, OrtMemType.Default);
                _deviceAllocator = graphs.Decoder.CreateAllocator(where);
            }
            Cache = new KeyValueCache(graphs.Cache, capacity, bytes => _deviceAllocator is { } device ? new NativeBuffer(device, bytes) : new NativeBuffer(bytes));
            _tokens = new NativeBuffer(sizeof(long) * length);
            _mask = new NativeBuffer(sizeof(long) * capacity);
            _mask.Span<long>().Fill(1);
            _positions = new NativeBuffer(sizeof(long) * length * prompt.Positions.Axes);
            _embeddings = new NativeBuffer((long)length * graphs.HiddenSize * ElementTypes.SizeOf(graphs.EmbeddingType));
            _lastLogits = new NativeBuffer((long)graphs.Vocabulary * ElementTypes.SizeOf(LogitsType));
            _switch = new NativeBuffer(1);
            _one = new NativeBuffer(sizeof(long));
            _one.Span<long>()[0] = 1;
            _embedding = graphs.Embedding.CreateBinding();
            _decoder = graphs.Decoder.CreateBinding();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public KeyValueCache Cache { get; }

    /// <summary>Of the last token read, [vocabulary]; overwritten by the next run.</summary>
    public Span<float> Logits => _logits;

    /// <summary>Encodes the pictures and reads the prompt.</summary>
    public void ReadPrompt(CancellationToken cancellationToken)
    {
        int length = _prompt.Tokens.Length;
        Embed(_prompt.Tokens, cancellationToken);
        foreach (PlacedVision vision in _prompt.Vision) Encode(vision, cancellationToken);
        int chunk = _graphs.Options.PrefillChunk > 0 ? _graphs.Options.PrefillChunk : length;
        for (int start = 0; start < length; start += chunk)
        {
            int count = Math.Min(chunk, length - start);
            Span<long> positions = _positions.Span<long>();
            for (int axis = 0; axis < _prompt.Positions.Axes; axis++)
                _prompt.Positions.Ids.AsSpan(axis * length + start, count).CopyTo(positions[(axis * count)..]);
            Run(start, count, cancellationToken);
        }
    }

    /// <summary>Reads one token more.</summary>
    public void ReadToken(int token, CancellationToken cancellationToken)
    {
        Embed([token], cancellationToken);
        long position = _prompt.Positions.Next + Cache.Length - _prompt.Tokens.Length;
        _positions.Span<long>()[.._prompt.Positions.Axes].Fill(position);
        Run(0, 1, cancellationToken);
    }

    private void Embed(ReadOnlySpan<int> tokens, CancellationToken cancellationToken)
    {
        Span<long> ids = _tokens.Span<long>();
        for (int i = 0; i < tokens.Length; i++) ids[i] = tokens[i];
        try
        {
            _embedding.BindInput(_graphs.TokenIds, View(_tokens, TensorElementType.Int64, [1, tokens.Length]));
            _embedding.BindOutput(_graphs.Embedded, View(_embeddings, _graphs.EmbeddingType, [1, tokens.Length, _graphs.HiddenSize]));
            _graphs.Embedding.Run(_embedding, cancellationToken);
        }
        finally { ReleaseViews(); }
    }

    /// <summary>The encoder writes where the input's tokens are embedded.</summary>
    private void Encode(PlacedVision vision, CancellationToken cancellationToken)
    {
        VisionInput input = vision.Input;
        using OrtIoBinding binding = _graphs.Vision.CreateBinding();
        using var pixels = new NativeBuffer(sizeof(float) * input.Shape.Aggregate(1L, (product, length) => product * length));
        input.Write(pixels.Span<float>());
        NativeBuffer? more = null;
        try
        {
            binding.BindInput(_graphs.Pixels, View(pixels, TensorElementType.Float, input.Shape));
            if (input is PatchInput patches)
            {
                more = new NativeBuffer(3 * sizeof(long));
                (more.Span<long>()[0], more.Span<long>()[1], more.Span<long>()[2]) = (patches.Times, patches.Rows, patches.Columns);
                binding.BindInput(_graphs.Grid!, View(more, TensorElementType.Int64, [1, 3]));
            }
            else
            {
                long[] shape = [1, 1, input.Shape[3], input.Shape[4]];
                TensorElementType type = _graphs.Vision.TypeOfInput(_graphs.PixelMask!);
                more = new NativeBuffer(ElementTypes.SizeOf(type) * shape[2] * shape[3]);
                if (type == TensorElementType.Bool) more.Span<byte>().Fill(1); else more.Span<long>().Fill(1);
                binding.BindInput(_graphs.PixelMask!, View(more, type, shape));
            }
            long[] features = _graphs.Vision.ShapeOfOutput(_graphs.Features).Length == 3 ? [1, input.Tokens, _graphs.HiddenSize] : [input.Tokens, _graphs.HiddenSize];
            long offset = (long)vision.Start * _graphs.HiddenSize * ElementTypes.SizeOf(_graphs.EmbeddingType);
            binding.BindOutput(_graphs.Features, View(_embeddings, _graphs.EmbeddingType, features, offset));
            _graphs.Vision.Run(binding, cancellationToken);
        }
        finally
        {
            ReleaseViews();
            more?.Dispose();
        }
    }

    /// <summary>Runs the decoder over tokens whose embeddings and positions are there.</summary>
    private void Run(int start, int count, CancellationToken cancellationToken)
    {
        int embeddingBytes = _graphs.HiddenSize * ElementTypes.SizeOf(_graphs.EmbeddingType);
        // Inputs on another device are copied when they are bound, so everything is bound anew for each run.
        NativeBuffer? all = null;
        _decoder.ClearBoundInputs();
        _decoder.ClearBoundOutputs();
        try
        {
            _decoder.BindInput(_graphs.Embeddings, View(_embeddings, _graphs.EmbeddingType, [1, count, _graphs.HiddenSize], (long)start * embeddingBytes));
            _decoder.BindInput(_graphs.AttentionMask, View(_mask, TensorElementType.Int64, [1, Cache.Length + count]));
            if (_graphs.PositionIds is { } positions)
                _decoder.BindInput(positions, View(_positions, TensorElementType.Int64, _prompt.Positions.Axes == 1 ? [1, count] : [_prompt.Positions.Axes, 1, count]));
            if (_graphs.UseCacheBranch is { } branch)
            {
                _switch.Span<byte>()[0] = (byte)(Cache.Length > 0 ? 1 : 0);
                _decoder.BindInput(branch, View(_switch, TensorElementType.Bool, [1]));
            }
            if (_graphs.LogitsToKeep is { } keep) _decoder.BindInput(keep, View(_one, TensorElementType.Int64, []));
            Cache.Bind(_decoder, count, _views);
            // All tokens' logits, unless the graph can be told to leave them out.
            int rows = _graphs.LogitsToKeep is null ? count : 1, rowBytes = _logits.Length * ElementTypes.SizeOf(LogitsType);
            if (rows > 1) all = new NativeBuffer((long)rows * rowBytes);
            NativeBuffer logits = all ?? _lastLogits;
            _decoder.BindOutput(_graphs.Logits, View(logits, LogitsType, [1, rows, _logits.Length]));
            _graphs.Decoder.Run(_decoder, cancellationToken);
            Cache.Advance(count);
            ReadOnlySpan<byte> last = logits.Part((long)(rows - 1) * rowBytes, rowBytes);
            if (LogitsType == TensorElementType.Float) MemoryMarshal.Cast<byte, float>(last).CopyTo(_logits);
            else TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(last), _logits);
        }
        finally
        {
            ReleaseViews();
            all?.Dispose();
        }
    }

    private TensorElementType LogitsType => _graphs.Decoder.TypeOfOutput(_graphs.Logits);

    private OrtValue View(NativeBuffer buffer, TensorElementType type, long[] shape, long offset = 0)
    {
        OrtValue view = buffer.View(type, shape, offset);
        _views.Add(view);
        return view;
    }

    private void ReleaseViews()
    {
        foreach (OrtValue view in _views) view.Dispose();
        _views.Clear();
    }

    public void Dispose()
    {
        _decoder?.Dispose();
        _embedding?.Dispose();
        foreach (NativeBuffer? buffer in (NativeBuffer?[])[_tokens, _mask, _positions, _embeddings, _lastLogits, _switch, _one]) buffer?.Dispose();
        Cache?.Dispose();
        _deviceAllocator?.Dispose();
    }
}
