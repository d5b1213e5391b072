using Microsoft.ML.OnnxRuntime.Tensors;

namespace ThinkSound.Reasoning.Onnx.Graphs;

internal static class ElementTypes
{
    public static int SizeOf(TensorElementType type) => type switch
    {
        TensorElementType.Bool or TensorElementType.UInt8 => 1,
        TensorElementType.Float16 or TensorElementType.BFloat16 => 2,
        TensorElementType.Float or TensorElementType.Int32 => 4,
        TensorElementType.Int64 => 8,
        _ => throw new UnsupportedException($"tensors of the type {type} are not supported"),
    };
}
