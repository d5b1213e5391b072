using System.Runtime.InteropServices;
using ThinkSound.Interop;

namespace ThinkSound.Networks;

/// <summary>Number format of a tensor.</summary>
public enum TensorType
{
    /// <summary>32-bit float.</summary>
    Float32 = 0,
    /// <summary>64-bit float.</summary>
    Float64 = 1,
    /// <summary>16-bit IEEE float.</summary>
    Float16 = 2,
    /// <summary>bfloat16.</summary>
    BFloat16 = 3,
    /// <summary>64-bit integer.</summary>
    Int64 = 4,
    /// <summary>32-bit integer.</summary>
    Int32 = 5,
    /// <summary>16-bit integer.</summary>
    Int16 = 6,
    /// <summary>Byte, or a Boolean.</summary>
    UInt8 = 7,
}

/// <summary>A named tensor, contiguous, slowest axis first, at most five axes.</summary>
/// <param name="Name">As the network calls it.</param>
/// <param name="Type">Number format.</param>
/// <param name="Shape">Lengths of its axes; none for a scalar.</param>
/// <param name="Data">Its bytes, little-endian.</param>
public sealed record Tensor(string Name, TensorType Type, IReadOnlyList<long> Shape, ReadOnlyMemory<byte> Data)
{
    /// <summary>A 32-bit float tensor.</summary>
    public static Tensor Of(string name, ReadOnlySpan<float> values, params long[] shape) =>
        new(name, TensorType.Float32, shape, MemoryMarshal.AsBytes(values).ToArray());

    /// <summary>Bytes of one value.</summary>
    public static int SizeOf(TensorType type) => type switch
    {
        TensorType.Float64 or TensorType.Int64 => 8,
        TensorType.Float32 or TensorType.Int32 => 4,
        TensorType.Float16 or TensorType.BFloat16 or TensorType.Int16 => 2,
        TensorType.UInt8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "no such number format"),
    };

    /// <summary>The values, where <see cref="Type"/> is <see cref="TensorType.Float32"/>.</summary>
    public ReadOnlySpan<float> AsFloats() => Type == TensorType.Float32
        ? MemoryMarshal.Cast<byte, float>(Data.Span)
        : throw new InvalidOperationException($"{Name} is {Type}, not Float32");
}

/// <summary>A tensor on its way out of a network. Its data are the library's and valid during the callback only.</summary>
public readonly ref struct TensorView
{
    internal unsafe TensorView(ts_tensor* tensor, bool isOutput)
    {
        Name = Utf8.Read(tensor->name);
        Type = (TensorType)tensor->dtype;
        Shape = new ReadOnlySpan<long>(tensor->shape, (int)tensor->rank);
        long count = 1;
        foreach (long length in Shape) count *= length;
        Data = new ReadOnlySpan<byte>(tensor->data, checked((int)(count * Tensor.SizeOf(Type))));
        IsOutput = isOutput;
    }

    /// <summary>As the goldens name it.</summary>
    public string Name { get; }
    /// <summary>Number format.</summary>
    public TensorType Type { get; }
    /// <summary>Lengths of its axes, slowest first.</summary>
    public ReadOnlySpan<long> Shape { get; }
    /// <summary>Its bytes.</summary>
    public ReadOnlySpan<byte> Data { get; }
    /// <summary>A result, not an intermediate.</summary>
    public bool IsOutput { get; }

    /// <summary>A copy to keep.</summary>
    public Tensor ToTensor() => new(Name, Type, Shape.ToArray(), Data.ToArray());
}

/// <summary>Takes a tensor as a network hands it out.</summary>
public delegate void TensorHandler(TensorView tensor);
