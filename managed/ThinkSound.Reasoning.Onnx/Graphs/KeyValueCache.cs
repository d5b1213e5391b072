using Microsoft.ML.OnnxRuntime;

namespace ThinkSound.Reasoning.Onnx.Graphs;

/// <summary>
/// The keys and values of one answer. Two buffers of the full size to each tensor: a run reads the past from one and writes past and
/// present into the other, then they change places. Nothing of them is ever copied by us, and none grows.
/// <code>
///   run 1   past [.., 0, d] ← A    present [.., n, d] → B
///   run 2   past [.., n, d] ← B    present [.., n + 1, d] → A
/// </code>
/// Memory is 2 · tensors · heads · capacity · headDim elements.
/// </summary>
internal sealed class KeyValueCache : IDisposable
{
    private readonly IReadOnlyList<CachedTensor> _tensors;
    private readonly NativeBuffer[,] _buffers; // [tensor, which]
    private int _past;

    /// <summary>Takes memory for <paramref name="capacity"/> tokens; <paramref name="allocate"/> gives so many bytes of it where the
    /// decoder runs.</summary>
    public KeyValueCache(IReadOnlyList<CachedTensor> tensors, int capacity, Func<long, NativeBuffer> allocate)
    {
        (_tensors, Capacity, _buffers) = (tensors, capacity, new NativeBuffer[tensors.Count, 2]);
        try
        {
            for (int i = 0; i < tensors.Count; i++)
                for (int which = 0; which < 2; which++)
                    _buffers[i, which] = allocate((long)tensors[i].Heads * capacity * tensors[i].HeadDim * ElementTypes.SizeOf(tensors[i].Type));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public int Capacity { get; }

    /// <summary>Tokens whose keys and values are there.</summary>
    public int Length { get; private set; }

    /// <summary>Where tensor <paramref name="index"/> is read from in the next run, and where it is written to.</summary>
    public (nint Past, nint Present) AddressesOf(int index) => (_buffers[index, _past].Address, _buffers[index, 1 - _past].Address);

    /// <summary>Binds all tensors for a run over <paramref name="tokens"/> more tokens. The views must live until the run is over.</summary>
    public void Bind(OrtIoBinding binding, int tokens, List<OrtValue> views)
    {
        if (Length + tokens > Capacity) throw new InvalidOperationException($"the cache holds {Capacity} tokens, not {Length + tokens}");
        for (int i = 0; i < _tensors.Count; i++)
        {
            CachedTensor tensor = _tensors[i];
            OrtValue past = _buffers[i, _past].View(tensor.Type, [1, tensor.Heads, Length, tensor.HeadDim]);
            OrtValue present = _buffers[i, 1 - _past].View(tensor.Type, [1, tensor.Heads, Length + tokens, tensor.HeadDim]);
            binding.BindInput(tensor.Past, past);
            binding.BindOutput(tensor.Present, present);
            views.Add(past);
            views.Add(present);
        }
    }

    /// <summary>After the run: what was written is the past of the next one.</summary>
    public void Advance(int tokens)
    {
        Length += tokens;
        _past = 1 - _past;
    }

    public void Dispose()
    {
        foreach (NativeBuffer? buffer in _buffers) buffer?.Dispose();
    }
}
