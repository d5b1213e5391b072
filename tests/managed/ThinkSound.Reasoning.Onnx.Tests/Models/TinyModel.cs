using System.Text.Json.Nodes;

namespace ThinkSound.Reasoning.Onnx.Tests.Models;

/// <summary>Sizes and oddities of a model to make.</summary>
/// <param name="Type">model_type.</param>
/// <param name="Half">Embeddings, cache and logits in 16 bits.</param>
/// <param name="KeepsLogits">The decoder has the input num_logits_to_keep.</param>
/// <param name="TellsFirst">The decoder has the input use_cache_branch, and gives NaN if it is wrong.</param>
internal sealed record TinyModel(string Type, bool Half = false, bool KeepsLogits = false, bool TellsFirst = false)
{
    public const int Patch = 14, Tile = 32, TokensPerTile = 4;

    public int Layers { get; init; } = 2;
    public int Hidden { get; init; } = 32;
    public int Heads { get; init; } = 4;
    public int KeyHeads { get; init; } = 2;
    public int Context { get; init; } = 400;

    public bool IsQwen => Type.StartsWith("qwen", StringComparison.Ordinal);
    private int HeadDim => Hidden / Heads;
    private Element Float => Half ? Element.F16 : Element.F32;

    /// <summary>Writes the folder: random weights, always the same ones.</summary>
    public void Write(string folder)
    {
        Directory.CreateDirectory(Path.Combine(folder, "onnx"));
        var tokenizer = new TinyTokenizer(IsQwen ? TinyTokenizer.QwenSpecials : TinyTokenizer.SmolSpecials);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJson(IsQwen).ToJsonString());
        WriteConfigurations(folder, tokenizer);
        var weights = new Weights(20260707);
        WriteEmbedding(Path.Combine(folder, "onnx", "embed_tokens.onnx"), weights, tokenizer.Size);
        if (IsQwen) WriteQwenVision(Path.Combine(folder, "onnx", "vision_encoder.onnx"), weights);
        else WriteSmolVision(Path.Combine(folder, "onnx", "vision_encoder.onnx"), weights);
        WriteDecoder(Path.Combine(folder, "onnx", "decoder_model_merged.onnx"), weights, tokenizer.Size);
    }

    private sealed class Weights(int seed)
    {
        private readonly Random _random = new(seed);

        /// <summary>Normal numbers that keep the size of what they are multiplied with, times a gain.</summary>
        public float[] Next(int rows, int columns, double gain = 1)
        {
            var values = new float[rows * columns];
            for (int i = 0; i < values.Length; i++)
                values[i] = (float)(gain / Math.Sqrt(rows) * Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble()));
            return values;
        }
    }

    private void WriteConfigurations(string folder, TinyTokenizer tokenizer)
    {
        void Save(string name, JsonObject content) => File.WriteAllText(Path.Combine(folder, name), content.ToJsonString());
        var text = new JsonObject
        {
            ["hidden_size"] = Hidden, ["num_hidden_layers"] = Layers, ["num_attention_heads"] = Heads, ["num_key_value_heads"] = KeyHeads,
            ["vocab_size"] = tokenizer.Size, ["max_position_embeddings"] = Context,
        };
        if (IsQwen)
        {
            // Older files do not keep the language model's part apart.
            JsonObject config = Type == "qwen2_vl" ? text : new JsonObject { ["text_config"] = text };
            config["model_type"] = Type;
            config["image_token_id"] = tokenizer.Specials["<|image_pad|>"];
            config["video_token_id"] = tokenizer.Specials["<|video_pad|>"];
            config["vision_config"] = new JsonObject { ["spatial_merge_size"] = 2, ["tokens_per_second"] = 2 };
            Save("config.json", config);
            Save("preprocessor_config.json", new JsonObject
            {
                ["min_pixels"] = 56 * 56, ["max_pixels"] = 28 * 28 * 12, ["patch_size"] = Patch, ["merge_size"] = 2, ["temporal_patch_size"] = 2,
                ["image_mean"] = new JsonArray(0.5, 0.4, 0.3), ["image_std"] = new JsonArray(0.2, 0.25, 0.3), ["resample"] = 3,
            });
            Save("generation_config.json", new JsonObject { ["eos_token_id"] = new JsonArray(tokenizer.Specials["<|im_end|>"], tokenizer.Specials["<|endoftext|>"]), ["do_sample"] = false });
            Save("chat_template.json", new JsonObject { ["chat_template"] = "<|im_start|> <|im_end|> <|vision_start|><|image_pad|><|vision_end|>" });
        }
        else
        {
            Save("config.json", new JsonObject
            {
                ["model_type"] = Type, ["image_token_id"] = tokenizer.Specials["<image>"], ["scale_factor"] = 2, ["text_config"] = text,
                ["vision_config"] = new JsonObject { ["image_size"] = Tile, ["patch_size"] = 8 },
            });
            Save("preprocessor_config.json", new JsonObject
            {
                ["size"] = new JsonObject { ["longest_edge"] = 2 * Tile }, ["max_image_size"] = new JsonObject { ["longest_edge"] = Tile }, ["resample"] = 1,
                ["rescale_factor"] = 1 / 255.0, ["image_mean"] = new JsonArray(0.5, 0.5, 0.5), ["image_std"] = new JsonArray(0.5, 0.5, 0.5),
                ["do_image_splitting"] = true, ["video_sampling"] = new JsonObject { ["video_size"] = new JsonObject { ["longest_edge"] = Tile } },
            });
            Save("processor_config.json", new JsonObject { ["image_seq_len"] = TokensPerTile });
            Save("generation_config.json", new JsonObject { ["eos_token_id"] = tokenizer.Specials["<end_of_utterance>"] });
            Save("tokenizer_config.json", new JsonObject { ["chat_template"] = "<|im_start|> <image> <end_of_utterance>" });
        }
    }

    private void WriteEmbedding(string path, Weights weights, int vocabulary)
    {
        var file = new OnnxFile();
        file.Input("input_ids", Element.I64, "batch", "tokens");
        file.Output("inputs_embeds", Float, "batch", "tokens", Hidden);
        string rows = file.Node("Gather", [file.Constant(weights.Next(vocabulary, Hidden, Math.Sqrt(vocabulary)), vocabulary, Hidden), "input_ids"]);
        file.Node("Cast", [rows], "inputs_embeds", ("to", (long)Float));
        file.Save(path);
    }

    /// <summary>One convolution: a token for each square of 16 × 16.</summary>
    private void WriteSmolVision(string path, Weights weights)
    {
        const int square = 16;
        var file = new OnnxFile();
        file.Input("pixel_values", Element.F32, "batch", "images", 3, Tile, Tile);
        file.Input("pixel_attention_mask", Element.Bool, "batch", "images", Tile, Tile);
        file.Output("image_features", Float, "images", TokensPerTile, Hidden);
        string mask = file.Node("Unsqueeze", [file.Cast("pixel_attention_mask", Element.F32), file.List(2)]);
        string images = file.Node("Reshape", [file.Node("Mul", ["pixel_values", mask]), file.List(-1, 3, Tile, Tile)]);
        string kernel = file.Node("Transpose", [file.Constant(weights.Next(3 * square * square, Hidden, 2), 3, square, square, Hidden)], ("perm", new long[] { 3, 0, 1, 2 }));
        string squares = file.Node("Conv", [images, kernel], ("strides", new long[] { square, square }));
        string tokens = file.Node("Transpose", [file.Node("Reshape", [squares, file.List(0, 0, -1)])], ("perm", new long[] { 0, 2, 1 }));
        file.Node("Cast", [file.Node("Tanh", [tokens])], "image_features", ("to", (long)Float));
        file.Save(path);
    }

    /// <summary>Two products: patches, then the four patches of a token; the grid shifts all of them a little.</summary>
    private void WriteQwenVision(string path, Weights weights)
    {
        const int values = 3 * 2 * Patch * Patch, inner = 16;
        string grid = Type == "qwen2_vl" ? "grid_thw" : "image_grid_thw"; // as exports of the two differ
        var file = new OnnxFile();
        file.Input("pixel_values", Element.F32, "patches", values);
        file.Input(grid, Element.I64, "images", 3);
        file.Output("image_features", Float, "tokens", Hidden);
        string patches = file.Node("MatMul", ["pixel_values", file.Constant(weights.Next(values, inner, 2), values, inner)]);
        string four = file.Node("Reshape", [patches, file.List(-1, 4 * inner)]);
        string tokens = file.Node("MatMul", [four, file.Constant(weights.Next(4 * inner, Hidden), 4 * inner, Hidden)]);
        string shift = file.Node("Mul", [file.Node("ReduceSum", [file.Cast(grid, Element.F32)], ("keepdims", 0)), file.Constant(0.01f)]);
        file.Node("Cast", [file.Node("Tanh", [file.Node("Add", [tokens, shift])])], "image_features", ("to", (long)Float));
        file.Save(path);
    }

    /// <summary>A transformer as these families have it: rotary positions, grouped keys, causal attention over past and present.</summary>
    private void WriteDecoder(string path, Weights weights, int vocabulary)
    {
        var file = new OnnxFile();
        file.Input("inputs_embeds", Float, "batch", "tokens", Hidden);
        file.Input("attention_mask", Element.I64, "batch", "all");
        if (IsQwen) file.Input("position_ids", Element.I64, 3, "batch", "tokens");
        else file.Input("position_ids", Element.I64, "batch", "tokens");
        for (int layer = 0; layer < Layers; layer++)
            foreach (string what in (string[])["key", "value"])
            {
                file.Input($"past_key_values.{layer}.{what}", Float, "batch", KeyHeads, "past", HeadDim);
                file.Output($"present.{layer}.{what}", Float, "batch", KeyHeads, "all", HeadDim);
            }
        if (KeepsLogits) file.Input("num_logits_to_keep", Element.I64);
        if (TellsFirst) file.Input("use_cache_branch", Element.Bool, 1);
        file.Output("logits", Float, "batch", "kept", vocabulary);

        string Product(string input, int rows, int columns, double gain = 1) => file.Node("MatMul", [input, file.Constant(weights.Next(rows, columns, gain), rows, columns)]);
        string Normal(string input) => file.Node("LayerNormalization", [input, file.Constant([.. Enumerable.Repeat(1f, Hidden)], Hidden)], ("axis", -1));
        string Slice(string input, long from, long to, long axis) => file.Node("Slice", [input, file.List(from), file.List(to), file.List(axis)]);

        // Angles [1, 1, tokens, headDim]: a position for each frequency, of which Qwen's axes share out.
        int half = HeadDim / 2;
        float[] frequencies = [.. Enumerable.Range(0, half).Select(i => (float)Math.Pow(100, -(double)i / half))];
        string positions = file.Cast("position_ids", Element.F32);
        if (IsQwen)
        {
            var shares = new float[3 * half];
            for (int i = 0; i < half; i++) shares[i % 3 * half + i] = 1;
            positions = file.Node("MatMul", [file.Node("Transpose", [positions], ("perm", new long[] { 1, 2, 0 })), file.Constant(shares, 3, half)]);
        }
        else positions = file.Node("Unsqueeze", [positions, file.List(2)]);
        string angles = file.Node("Mul", [positions, file.Constant(frequencies, half)]);
        angles = file.Node("Unsqueeze", [file.Node("Concat", [angles, angles], ("axis", 2)), file.List(1)]);
        string cos = file.Node("Cos", [angles]), sin = file.Node("Sin", [angles]);
        string Rotate(string input)
        {
            string turned = file.Node("Concat", [file.Node("Neg", [Slice(input, half, HeadDim, 3)]), Slice(input, 0, half, 3)], ("axis", 3));
            return file.Node("Add", [file.Node("Mul", [input, cos]), file.Node("Mul", [turned, sin])]);
        }

        // Token i of this run is at past + i and sees what is not after it and not masked.
        string all = file.Node("Gather", [file.Node("Shape", ["attention_mask"]), file.Constant(1)]);
        string past = file.Node("Gather", [file.Node("Shape", ["past_key_values.0.key"]), file.Constant(2)]);
        string keys = file.Node("Range", [file.Constant(0), all, file.Constant(1)]);
        string queries = file.Node("Unsqueeze", [file.Node("Range", [past, all, file.Constant(1)]), file.List(1)]);
        string later = file.Node("Where", [file.Node("LessOrEqual", [keys, queries]), file.Constant(0f), file.Constant(-1e9f)]);
        string hidden = file.Node("Mul", [file.Node("Sub", [file.Constant(1f), file.Cast("attention_mask", Element.F32)]), file.Constant(-1e9f)]);
        string mask = file.Node("Add", [later, hidden]);

        string x = file.Cast("inputs_embeds", Element.F32);
        for (int layer = 0; layer < Layers; layer++)
        {
            string y = Normal(x);
            string Split(string input, int heads) => file.Node("Transpose", [file.Node("Reshape", [input, file.List(0, 0, heads, HeadDim)])], ("perm", new long[] { 0, 2, 1, 3 }));
            string q = Rotate(Split(Product(y, Hidden, Hidden, 1.5), Heads));
            string k = Rotate(Split(Product(y, Hidden, KeyHeads * HeadDim, 1.5), KeyHeads)), v = Split(Product(y, Hidden, KeyHeads * HeadDim), KeyHeads);
            string Remember(string now, string what)
            {
                file.Node("Concat", [$"past_key_values.{layer}.{what}", file.Cast(now, Float)], $"present.{layer}.{what}", ("axis", 2));
                string shared = file.List([.. Enumerable.Range(0, Heads).Select(head => (long)(head * KeyHeads / Heads))]);
                return file.Node("Gather", [file.Cast($"present.{layer}.{what}", Element.F32), shared], ("axis", 1));
            }
            k = Remember(k, "key");
            v = Remember(v, "value");
            string scores = file.Node("MatMul", [q, file.Node("Transpose", [k], ("perm", new long[] { 0, 1, 3, 2 }))]);
            scores = file.Node("Add", [file.Node("Mul", [scores, file.Constant((float)(1 / Math.Sqrt(HeadDim)))]), mask]);
            string seen = file.Node("MatMul", [file.Node("Softmax", [scores], ("axis", -1)), v]);
            seen = file.Node("Reshape", [file.Node("Transpose", [seen], ("perm", new long[] { 0, 2, 1, 3 })), file.List(0, 0, Hidden)]);
            x = file.Node("Add", [x, Product(seen, Hidden, Hidden, 2)]);
            x = file.Node("Add", [x, Product(file.Node("Relu", [Product(Normal(x), Hidden, 2 * Hidden)]), 2 * Hidden, Hidden, 2)]);
        }
        if (KeepsLogits)
        {
            string first = file.Node("Unsqueeze", [file.Node("Neg", ["num_logits_to_keep"]), file.List(0)]);
            x = file.Node("Slice", [x, first, file.List(long.MaxValue), file.List(1)]);
        }
        string logits = Product(Normal(x), Hidden, vocabulary, 3);
        if (TellsFirst)
        {
            string isLater = file.Node("Greater", [past, file.Constant(0)]);
            string isRight = file.Node("Equal", [file.Cast("use_cache_branch", Element.I64), file.Cast(isLater, Element.I64)]);
            logits = file.Node("Add", [logits, file.Node("Where", [isRight, file.Constant(0f), file.Constant(float.NaN)])]);
        }
        file.Node("Cast", [logits], "logits", ("to", (long)Float));
        file.Save(path);
    }
}
