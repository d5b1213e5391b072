using Microsoft.ML.OnnxRuntime.Tensors;

namespace ThinkSound.Reasoning.Onnx.Graphs;

/// <summary>One tensor of the key/value cache: where a run reads the past and where it writes past and present together, both
/// [1, heads, tokens, headDim].</summary>
internal sealed record CachedTensor(string Past, string Present, TensorElementType Type, int Heads, int HeadDim);

/// <summary>The three graphs of a model, checked against each other and the configuration.</summary>
internal sealed class ModelGraphs : IDisposable
{
    private const TensorElementType F32 = TensorElementType.Float, F16 = TensorElementType.Float16, I64 = TensorElementType.Int64;

    public ModelGraphs(ModelFolder folder, OnnxModelOptions options)
    {
        ConfigFile text = folder.TextConfig;
        Options = options;
        try
        {
            Vision = new Graph(folder.VisionPath, options);
            Pixels = Vision.Input(["pixel_values"], F32);
            Grid = folder.Type.StartsWith("qwen", StringComparison.Ordinal) ? Vision.Input(["image_grid_thw", "grid_thw"], I64) : null;
            PixelMask = Grid is null ? Vision.Input(["pixel_attention_mask"], TensorElementType.Bool, I64) : null;
            Features = Vision.Output(["image_features"], F32, F16);

            Embedding = new Graph(folder.EmbeddingPath, options);
            TokenIds = Embedding.Input(["input_ids"], I64);
            Embedded = Embedding.Output(["inputs_embeds"], F32, F16);

            Decoder = new Graph(folder.DecoderPath, options);
            Embeddings = Decoder.Input(["inputs_embeds"], F32, F16);
            EmbeddingType = Decoder.TypeOfInput(Embeddings);
            AttentionMask = Decoder.Input(["attention_mask"], I64);
            PositionIds = Decoder.Has("position_ids") ? Decoder.Input(["position_ids"], I64) : null;
            if (PositionIds is null && Grid is not null) throw new ReasoningModelException($"{Decoder.Path} has no input position_ids, without which {folder.Type} does not know where a picture's tokens are");
            UseCacheBranch = Decoder.Has("use_cache_branch") ? Decoder.Input(["use_cache_branch"], TensorElementType.Bool) : null;
            LogitsToKeep = Decoder.Has("num_logits_to_keep") ? Decoder.Input(["num_logits_to_keep"], I64) : null;
            Logits = Decoder.Output(["logits"], F32, F16);
            foreach ((Graph graph, string output) in ((Graph, string)[])[(Vision, Features), (Embedding, Embedded)])
                if (graph.TypeOfOutput(output) != EmbeddingType)
                    throw new ReasoningModelException($"{graph.Path} gives {graph.TypeOfOutput(output)}, but {Decoder.Path} takes {EmbeddingType}: choose variants that fit each other");

            Vocabulary = Known(Decoder.ShapeOfOutput(Logits), 2, text, "vocab_size");
            HiddenSize = Known(Decoder.ShapeOfInput(Embeddings), 2, text, "hidden_size");
            Cache = ReadCache(text);
            ContextLength = text.Size("max_position_embeddings");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public OnnxModelOptions Options { get; }

    public Graph Vision { get; } = null!;
    public string Pixels { get; } = "";
    public string? PixelMask { get; }
    public string? Grid { get; }
    public string Features { get; } = "";

    public Graph Embedding { get; } = null!;
    public string TokenIds { get; } = "";
    public string Embedded { get; } = "";

    public Graph Decoder { get; } = null!;
    public string Embeddings { get; } = "";
    public string AttentionMask { get; } = "";
    public string? PositionIds { get; }
    public string? UseCacheBranch { get; }
    public string? LogitsToKeep { get; }
    public string Logits { get; } = "";
    public IReadOnlyList<CachedTensor> Cache { get; } = [];

    /// <summary>Of all three graphs where they meet.</summary>
    public TensorElementType EmbeddingType { get; }
    public int HiddenSize { get; }
    /// <summary>Logits of a token.</summary>
    public int Vocabulary { get; }
    /// <summary>Tokens that prompt and answer may have together.</summary>
    public int ContextLength { get; }

    private List<CachedTensor> ReadCache(ConfigFile text)
    {
        int layers = Decoder.Inputs.Count(name => name.StartsWith("past_key_values.", StringComparison.Ordinal) && name.EndsWith(".key", StringComparison.Ordinal));
        if (layers != text.Size("num_hidden_layers"))
            throw new ReasoningModelException($"{Decoder.Path} keeps keys of {layers} layers, but {text.Path} says {text.Size("num_hidden_layers")}");
        var cache = new List<CachedTensor>();
        for (int layer = 0; layer < layers; layer++)
            foreach (string what in (string[])["key", "value"])
            {
                string past = Decoder.Input([$"past_key_values.{layer}.{what}"], F32, F16, TensorElementType.BFloat16);
                TensorElementType type = Decoder.TypeOfInput(past);
                int[] shape = Decoder.ShapeOfInput(past);
                if (shape.Length != 4) throw new ReasoningModelException($"{Decoder.Path}: {past} has {shape.Length} axes, not 4");
                int heads = Known(shape, 1, text, "num_key_value_heads");
                int headDim = shape[3] > 0 ? shape[3] : text.Size("head_dim", text.Size("hidden_size") / text.Size("num_attention_heads"));
                cache.Add(new CachedTensor(past, Decoder.Output([$"present.{layer}.{what}"], type), type, heads, headDim));
            }
        return cache;
    }

    /// <summary>A length that the graph states, else the configuration.</summary>
    private static int Known(int[] shape, int axis, ConfigFile text, string key) => axis < shape.Length && shape[axis] > 0 ? shape[axis] : text.Size(key);

    public void Dispose()
    {
        Vision?.Dispose();
        Embedding?.Dispose();
        Decoder?.Dispose();
    }
}
