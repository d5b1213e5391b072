namespace ThinkSound.Reasoning.Onnx;

/// <summary>Where a graph runs.</summary>
public enum OnnxProvider
{
    /// <summary>ONNX Runtime's own CPU kernels.</summary>
    Cpu,
    /// <summary>An NVIDIA card. The program must reference Microsoft.ML.OnnxRuntime.Gpu instead of Microsoft.ML.OnnxRuntime.
    /// Untried.</summary>
    Cuda,
}

/// <summary>How a model folder is loaded. Immutable; vary it with <c>with</c>.</summary>
public sealed record OnnxModelOptions
{
    /// <summary>Which files of <c>onnx/</c>, by the end of their names: "q4" for <c>decoder_model_merged_q4.onnx</c>, "" for the
    /// plain ones. Null takes the plain ones, or the only ones there are.</summary>
    public string? Variant { get; init; }

    /// <summary><see cref="Variant"/> of the vision encoder, where it differs.</summary>
    public string? VisionVariant { get; init; }

    /// <summary><see cref="Variant"/> of the token embedding, where it differs.</summary>
    public string? EmbeddingVariant { get; init; }

    /// <summary>Where the graphs run.</summary>
    public OnnxProvider Provider { get; init; } = OnnxProvider.Cpu;

    /// <summary>Which card, with <see cref="OnnxProvider.Cuda"/>.</summary>
    public int DeviceId { get; init; }

    /// <summary>Threads of a graph's products, at least 1; 0 lets ONNX Runtime take every core.</summary>
    public int Threads { get; init; }

    /// <summary>Tokens of a prompt that the decoder reads at once, which bounds its logits and its attention; 0 reads all of them.
    /// Exports that tell a first run from later ones may allow later runs of one token only: leave it at 0 with those.</summary>
    public int PrefillChunk { get; init; }

    /// <summary>SmolVLM: whether a picture is also shown in tiles. Null does as the folder says. Frames of a video never are.</summary>
    public bool? SplitImages { get; init; }
}
