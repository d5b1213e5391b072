// Makes a bundle whose networks are small and whose weights are random: every part of the product runs with it, in
// seconds and without a download, and what it makes is noise that follows the shape of nothing.
//
//   dotnet run scripts/random-bundle.cs -- OUTPUT [SEED] [--mel]  writes the bundle (about 14 MB); --mel: with a mel codec
//                                                                 of 8-bit weights instead of an Oobleck VAE
//   dotnet run scripts/random-bundle.cs -- --list published       the tensors of the published sizes as JSON, for checks
//   dotnet run scripts/random-bundle.cs -- --list small           those of the bundle
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Tensors = System.Collections.Generic.List<(string Name, int[] Shape)>;

// Widths and depths; the text lengths (77), the VAE's strides and the picture size are the published ones for both.
Sizes published = new(
    Hidden: 1024, Heads: 16, Depth: 21, Fused: 14,
    Clip: 1024, Vision: 1280, VisionFf: 5120, VisionLayers: 32, VisionHeads: 16,
    Text: 1024, TextFf: 4096, TextLayers: 24, TextHeads: 16,
    T5: 2048, T5Kv: 64, T5Heads: 32, T5Ff: 5120, T5Layers: 24, T5Vocabulary: 32128,
    Sync: 768, SyncLayers: 12, SyncHeads: 12, VaeChannels: 128, Classes: [], Materials: []);
Sizes small = new(
    Hidden: 64, Heads: 2, Depth: 4, Fused: 2,
    Clip: 64, Vision: 64, VisionFf: 128, VisionLayers: 2, VisionHeads: 2,
    Text: 64, TextFf: 128, TextLayers: 2, TextHeads: 2,
    T5: 128, T5Kv: 32, T5Heads: 4, T5Ff: 256, T5Layers: 2, T5Vocabulary: 2048,
    Sync: 96, SyncLayers: 2, SyncHeads: 2, VaeChannels: 8,
    Classes: ["bell", "door", "footsteps", "glass", "rain"], Materials: ["glass", "metal", "wood"]);

if (args is ["--list", "published" or "small"])
{
    var list = new JsonObject();
    foreach (var (component, tensors) in Networks.All(args[1] == "small" ? small : published))
        list[component] = new JsonObject(tensors.Select(t => KeyValuePair.Create(t.Name, (JsonNode?)new JsonArray([.. t.Shape.Select(d => JsonValue.Create(d))]))));
    Console.WriteLine(list.ToJsonString(Text.Json));
    return 0;
}
bool mel = args.Contains("--mel");
args = [.. args.Where(argument => argument != "--mel")];
if (args.Length is 0 or > 2 || args[0].StartsWith('-') || (args.Length == 2 && !int.TryParse(args[1], out _)))
{
    Console.Error.WriteLine("usage: dotnet run scripts/random-bundle.cs -- OUTPUT [SEED] [--mel] | --list published|small");
    return 2;
}

string output = args[0];
var random = new Random(args.Length == 2 ? int.Parse(args[1]) : 1);
Directory.CreateDirectory(output);
foreach (var (component, tensors) in Networks.All(small))
{
    bool isMel = mel && component == "vae";
    Weights.Write(Path.Combine(output, component + ".safetensors"), isMel ? Networks.MelCodec() : tensors, random, eightBits: isMel);
}

string tokenizers = Path.Combine(Here(), "..", "tests", "golden", "tokenizers");
File.Copy(Single(tokenizers, "bpe_simple_vocab_16e6.txt.gz"), Path.Combine(output, "clip_bpe.txt.gz"), overwrite: true);
File.Copy(Single(tokenizers, "spiece.model"), Path.Combine(output, "spiece.model"), overwrite: true);
File.WriteAllText(Path.Combine(output, "bundle.json"), Description(small, mel));
return 0;

static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

static string Single(string folder, string name) =>
    Directory.EnumerateFiles(folder, name, SearchOption.AllDirectories).FirstOrDefault()
    ?? throw new FileNotFoundException($"{name} is not under {Path.GetFullPath(folder)}; is the checkout complete?");

static string Names(string[] names) => $"[{string.Join(", ", names.Select(name => $"\"{name}\""))}]";

static string Description(Sizes s, bool mel)
{
    JsonObject Component(string name, string config, string? tokenizer = null) => new()
    {
        ["config"] = JsonNode.Parse(config), ["files"] = new JsonArray(name + ".safetensors"),
        ["tokenizer"] = tokenizer is null ? null : JsonNode.Parse(tokenizer),
    };
    var components = new JsonObject
    {
        ["mmdit"] = Component("mmdit", $$"""
            {"latent_dim": 64, "clip_dim": {{s.Clip}}, "sync_dim": {{s.Sync}}, "text_dim": {{s.T5}}, "clip_text_dim": {{s.Text}},
             "hidden_dim": {{s.Hidden}}, "depth": {{s.Depth}}, "fused_depth": {{s.Fused}}, "num_heads": {{s.Heads}},
             "latent_seq_len": 194, "clip_seq_len": 72, "sync_seq_len": 216, "v2": true, "kernel_size": 3}
            """),
        ["vae"] = mel ? Component("vae", """
            {"encoder": {"type": "mel", "config": {"latent_dim": 64, "fine_width": 32, "coarse_width": 64, "fine_blocks": 1, "coarse_blocks": 1, "expansion": 3,
               "n_fft": 1024, "hop": 256, "num_bands": 96, "max_hz": 20000, "frames_per_latent": 8, "sample_rate": 44100} },
             "decoder": {"type": "mel", "config": {"latent_dim": 64, "fine_width": 32, "coarse_width": 64, "fine_blocks": 1, "coarse_blocks": 1, "expansion": 3,
               "n_fft": 1024, "hop": 256, "num_bands": 96, "max_hz": 20000, "frames_per_latent": 8, "sample_rate": 44100} } }
            """) : Component("vae", $$"""
            {"encoder": {"type": "oobleck", "config": {"in_channels": 2, "channels": {{s.VaeChannels}}, "c_mults": [1, 2, 4, 8, 16],
               "strides": [2, 4, 4, 8, 8], "latent_dim": 128, "use_snake": true} },
             "decoder": {"type": "oobleck", "config": {"out_channels": 2, "channels": {{s.VaeChannels}}, "c_mults": [1, 2, 4, 8, 16],
               "strides": [2, 4, 4, 8, 8], "latent_dim": 64, "use_snake": true, "final_tanh": false} } }
            """),
        ["t5"] = Component("t5", $$"""
            {"vocab_size": {{s.T5Vocabulary}}, "d_model": {{s.T5}}, "d_kv": {{s.T5Kv}}, "d_ff": {{s.T5Ff}}, "num_layers": {{s.T5Layers}},
             "num_heads": {{s.T5Heads}}, "relative_attention_num_buckets": 32, "layer_norm_epsilon": 1e-06, "feed_forward_proj": "gated-gelu"}
            """, """{"type": "sentencepiece", "file": "spiece.model"}"""),
        ["clip_text"] = Component("clip_text", $$"""
            {"text_config": {"hidden_size": {{s.Text}}, "intermediate_size": {{s.TextFf}}, "num_attention_heads": {{s.TextHeads}},
               "num_hidden_layers": {{s.TextLayers}}, "vocab_size": 49408, "max_position_embeddings": 77, "hidden_act": "quick_gelu",
               "layer_norm_eps": 1e-05}, "projection_dim": {{s.Clip}}}
            """, """{"type": "clip_bpe", "file": "clip_bpe.txt.gz"}"""),
        ["clip_vision"] = Component("clip_vision", $$"""
            {"vision_config": {"hidden_size": {{s.Vision}}, "intermediate_size": {{s.VisionFf}}, "num_attention_heads": {{s.VisionHeads}},
               "num_hidden_layers": {{s.VisionLayers}}, "image_size": 224, "patch_size": 14, "hidden_act": "quick_gelu",
               "layer_norm_eps": 1e-05}, "projection_dim": {{s.Clip}}}
            """),
        ["synchformer"] = Component("synchformer", $$"""
            {"embed_dim": {{s.Sync}}, "depth": {{s.SyncLayers}}, "num_heads": {{s.SyncHeads}}, "image": 224, "patch": 16, "temporal_patch": 2,
             "frames_per_segment": 16}
            """),
        ["recogniser"] = Component("recogniser", $$"""
            {"classes": {{Names(s.Classes)}}, "materials": {{Names(s.Materials)}}, "clip_dim": {{s.Clip}}, "sync_dim": {{s.Sync}},
             "hidden_dim": {{Networks.RecogniserHidden}}, "onsets_per_step": {{Networks.OnsetsPerStep}}}
            """),
        ["listener"] = Component("listener", $$"""
            {"latent_dim": 64, "text_dim": {{s.Text}}, "hidden_dim": {{Networks.ListenerHidden}}, "embed_dim": {{Networks.ListenerEmbedding}},
             "num_blocks": {{Networks.ListenerBlocks}}, "expansion": 3}
            """),
    };
    foreach (var (_, component) in components)
        if (component!["tokenizer"] is null) component.AsObject().Remove("tokenizer");
    return new JsonObject
    {
        ["format"] = "thinksound-bundle", ["version"] = 1, ["name"] = "random-small", ["license"] = "CC0-1.0",
        ["origin"] = "random numbers: nothing was learned, the sound is noise", ["sample_rate"] = 44100, ["components"] = components,
    }.ToJsonString(new JsonSerializerOptions(Text.Json) { WriteIndented = true }) + "\n";
}

internal sealed record Sizes(
    int Hidden, int Heads, int Depth, int Fused,
    int Clip, int Vision, int VisionFf, int VisionLayers, int VisionHeads,
    int Text, int TextFf, int TextLayers, int TextHeads,
    int T5, int T5Kv, int T5Heads, int T5Ff, int T5Layers, int T5Vocabulary,
    int Sync, int SyncLayers, int SyncHeads, int VaeChannels, string[] Classes, string[] Materials);

internal static class Text
{
    public static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}

/// <summary>Names and shapes of every tensor, as the reference's checkpoints have them.</summary>
internal static class Networks
{
    public const int RecogniserHidden = 24, OnsetsPerStep = 4, ListenerHidden = 24, ListenerEmbedding = 16, ListenerBlocks = 2;

    public static IEnumerable<(string Component, Tensors Tensors)> All(Sizes s) =>
        [("mmdit", Mmdit(s)), ("vae", Vae(s)), ("t5", T5(s)), ("clip_text", ClipText(s)), ("clip_vision", ClipVision(s)), ("synchformer", Synchformer(s)),
         .. s.Classes.Length > 0 ? [("recogniser", Recogniser(s)), ("listener", Listener(s))] : Array.Empty<(string, Tensors)>()]; // the published model has none

    private static void Add(this Tensors t, string name, params int[] shape) => t.Add((name, shape));

    /// <summary>A weight of this shape and a bias for its rows.</summary>
    private static void Layer(this Tensors t, string name, params int[] shape)
    {
        t.Add(name + ".weight", shape);
        t.Add(name + ".bias", shape[0]);
    }

    /// <summary>SwiGLU; <paramref name="kernel"/> 0 is linear, else a convolution.</summary>
    private static void SwiGlu(this Tensors t, string name, int width, int kernel)
    {
        int inner = (8 * width / 3 + 255) / 256 * 256;
        int[] tail = kernel == 0 ? [] : [kernel];
        t.Add(name + ".w1.weight", [inner, width, .. tail]);
        t.Add(name + ".w2.weight", [width, inner, .. tail]);
        t.Add(name + ".w3.weight", [inner, width, .. tail]);
    }

    private static Tensors Mmdit(Sizes s)
    {
        var t = new Tensors();
        int d = s.Hidden;
        t.Add("sync_pos_emb", 1, 1, 8, s.Sync);
        t.Add("empty_string_feat", 77, s.Text);
        t.Add("empty_t5_feat", 77, s.T5);
        t.Add("empty_clip_feat", 1, s.Clip);
        t.Add("empty_sync_feat", 1, s.Sync);
        t.Layer("audio_input_proj.0", d, 64, 3);
        t.SwiGlu("audio_input_proj.2", d, 3);
        t.Layer("clip_input_proj.0", d, s.Clip);
        t.SwiGlu("clip_input_proj.2", d, 3);
        t.Layer("sync_input_proj.0", d, s.Sync, 7);
        t.SwiGlu("sync_input_proj.2", d, 3);
        t.Layer("text_input_proj.0", d, s.T5);
        t.SwiGlu("text_input_proj.2", d, 0);
        t.Layer("clip_cond_proj", d, d);
        t.Layer("text_cond_proj", d, s.Text);
        t.SwiGlu("global_cond_mlp", d, 0);
        t.Layer("final_layer.adaLN_modulation.1", 2 * d, d);
        t.Layer("final_layer.conv", 64, d, 7);
        t.Layer("t_embed.mlp.0", d, d);
        t.Layer("t_embed.mlp.2", d, d);
        int joint = s.Depth - s.Fused;
        for (int i = 0; i < joint; i++)
        {
            t.Block($"joint_blocks.{i}.latent_block", s, kernel: 3, last: false);
            t.Block($"joint_blocks.{i}.clip_block", s, kernel: 3, last: i == joint - 1);
            t.Block($"joint_blocks.{i}.text_block", s, kernel: 0, last: i == joint - 1);
        }
        for (int i = 0; i < s.Fused; i++) t.Block($"fused_blocks.{i}", s, kernel: 3, last: false);
        return t;
    }

    /// <summary>In the last joint block the clip and text streams only feed the attention.</summary>
    private static void Block(this Tensors t, string name, Sizes s, int kernel, bool last)
    {
        int d = s.Hidden, head = s.Hidden / s.Heads;
        t.Layer(name + ".attn.qkv", 3 * d, d);
        t.Add(name + ".attn.q_norm.weight", head);
        t.Add(name + ".attn.k_norm.weight", head);
        t.Layer(name + ".adaLN_modulation.1", (last ? 2 : 6) * d, d);
        if (last) return;
        t.Layer(name + ".linear1", kernel == 0 ? [d, d] : [d, d, kernel]);
        t.SwiGlu(name + ".ffn", d, kernel);
    }

    private static Tensors Vae(Sizes s)
    {
        int[] multiples = [1, 2, 4, 8, 16], strides = [2, 4, 4, 8, 8];
        int Width(int level) => s.VaeChannels * multiples[Math.Max(level, 0)];
        var t = new Tensors();

        t.NormConv("encoder.layers.0", Width(0), 2, 7);
        for (int i = 0; i < 5; i++)
        {
            string block = $"encoder.layers.{i + 1}.layers";
            for (int unit = 0; unit < 3; unit++) t.Residual($"{block}.{unit}", Width(i - 1));
            t.Snake($"{block}.3", Width(i - 1));
            t.NormConv($"{block}.4", Width(i), Width(i - 1), 2 * strides[i]);
        }
        t.Snake("encoder.layers.6", Width(4));
        t.NormConv("encoder.layers.7", 128, Width(4), 3);

        t.NormConv("decoder.layers.0", Width(4), 64, 7);
        for (int i = 0; i < 5; i++)
        {
            string block = $"decoder.layers.{i + 1}.layers";
            int from = Width(4 - i), to = Width(3 - i);
            t.Snake($"{block}.0", from);
            t.Add($"{block}.1.bias", to); // transposed: input channels first, the norm runs over each of them
            t.Add($"{block}.1.weight_g", from, 1, 1);
            t.Add($"{block}.1.weight_v", from, to, 2 * strides[4 - i]);
            for (int unit = 2; unit < 5; unit++) t.Residual($"{block}.{unit}", to);
        }
        t.Snake("decoder.layers.6", Width(0));
        t.NormConv("decoder.layers.7", 2, Width(0), 7, bias: false);
        return t;
    }

    /// <summary>Of docs/mel-codec.md, with one block a level.</summary>
    public static Tensors MelCodec()
    {
        const int Latent = 64, Fine = 32, Coarse = 64, Features = 192, Frames = 8;
        var t = new Tensors();
        t.Layer("encoder.patch", Fine, Features);
        t.ConvNext("encoder.fine.0", Fine);
        t.Layer("encoder.merge", Coarse, Frames * Fine);
        t.ConvNext("encoder.coarse.0", Coarse);
        t.Layer("encoder.norm", Coarse);
        t.Layer("encoder.out", 2 * Latent, Coarse);
        t.Layer("decoder.in", Coarse, Latent, 3);
        t.ConvNext("decoder.coarse.0", Coarse);
        t.Layer("decoder.split", Frames * Fine, Coarse);
        t.ConvNext("decoder.fine.0", Fine);
        t.Layer("decoder.norm", Fine);
        t.Layer("decoder.out", Features, Fine);
        return t;
    }

    private static void ConvNext(this Tensors t, string name, int width)
    {
        t.Layer(name + ".dw", width, 1, 7);
        t.Layer(name + ".norm", width);
        t.Layer(name + ".fc1", 3 * width, width);
        t.Layer(name + ".fc2", width, 3 * width);
    }

    private static void Snake(this Tensors t, string name, int channels)
    {
        t.Add(name + ".alpha", channels);
        t.Add(name + ".beta", channels);
    }

    private static void NormConv(this Tensors t, string name, int to, int from, int kernel, bool bias = true)
    {
        if (bias) t.Add(name + ".bias", to);
        t.Add(name + ".weight_g", to, 1, 1);
        t.Add(name + ".weight_v", to, from, kernel);
    }

    private static void Residual(this Tensors t, string name, int channels)
    {
        t.Snake(name + ".layers.0", channels);
        t.NormConv(name + ".layers.1", channels, channels, 7);
        t.Snake(name + ".layers.2", channels);
        t.NormConv(name + ".layers.3", channels, channels, 1);
    }

    private static Tensors T5(Sizes s)
    {
        var t = new Tensors();
        int inner = s.T5Kv * s.T5Heads;
        t.Add("shared.weight", s.T5Vocabulary, s.T5);
        for (int i = 0; i < s.T5Layers; i++)
        {
            string attention = $"encoder.block.{i}.layer.0", dense = $"encoder.block.{i}.layer.1";
            foreach (string projection in new[] { "q", "k", "v" }) t.Add($"{attention}.SelfAttention.{projection}.weight", inner, s.T5);
            t.Add($"{attention}.SelfAttention.o.weight", s.T5, inner);
            if (i == 0) t.Add($"{attention}.SelfAttention.relative_attention_bias.weight", 32, s.T5Heads);
            t.Add($"{attention}.layer_norm.weight", s.T5);
            t.Add($"{dense}.DenseReluDense.wi_0.weight", s.T5Ff, s.T5);
            t.Add($"{dense}.DenseReluDense.wi_1.weight", s.T5Ff, s.T5);
            t.Add($"{dense}.DenseReluDense.wo.weight", s.T5, s.T5Ff);
            t.Add($"{dense}.layer_norm.weight", s.T5);
        }
        t.Add("encoder.final_layer_norm.weight", s.T5);
        return t;
    }

    private static Tensors ClipText(Sizes s)
    {
        var t = new Tensors();
        t.Add("text_model.embeddings.token_embedding.weight", 49408, s.Text);
        t.Add("text_model.embeddings.position_embedding.weight", 77, s.Text);
        for (int i = 0; i < s.TextLayers; i++) t.ClipLayer($"text_model.encoder.layers.{i}", s.Text, s.TextFf);
        t.Layer("text_model.final_layer_norm", s.Text);
        t.Add("text_projection.weight", s.Clip, s.Text);
        return t;
    }

    private static Tensors ClipVision(Sizes s)
    {
        var t = new Tensors();
        t.Add("vision_model.embeddings.class_embedding", s.Vision);
        t.Add("vision_model.embeddings.patch_embedding.weight", s.Vision, 3, 14, 14);
        t.Add("vision_model.embeddings.position_embedding.weight", 257, s.Vision);
        t.Layer("vision_model.pre_layrnorm", s.Vision); // spelt so in the checkpoints
        for (int i = 0; i < s.VisionLayers; i++) t.ClipLayer($"vision_model.encoder.layers.{i}", s.Vision, s.VisionFf);
        t.Layer("vision_model.post_layernorm", s.Vision);
        t.Add("visual_projection.weight", s.Clip, s.Vision);
        return t;
    }

    private static void ClipLayer(this Tensors t, string name, int width, int inner)
    {
        foreach (string projection in new[] { "k_proj", "v_proj", "q_proj", "out_proj" }) t.Layer($"{name}.self_attn.{projection}", width, width);
        t.Layer(name + ".layer_norm1", width);
        t.Layer(name + ".mlp.fc1", inner, width);
        t.Layer(name + ".mlp.fc2", width, inner);
        t.Layer(name + ".layer_norm2", width);
    }

    private static Tensors Synchformer(Sizes s)
    {
        var t = new Tensors();
        int d = s.Sync;
        const string Root = "vfeat_extractor";
        t.Add($"{Root}.cls_token", 1, 1, d);
        t.Add($"{Root}.pos_embed", 1, 197, d);
        t.Add($"{Root}.temp_embed", 1, 8, d);
        t.Layer($"{Root}.patch_embed.proj", d, 3, 16, 16);
        t.Layer($"{Root}.patch_embed_3d.proj", d, 3, 2, 16, 16);
        for (int i = 0; i < s.SyncLayers; i++)
        {
            string block = $"{Root}.blocks.{i}";
            foreach (string norm in new[] { "norm1", "norm2", "norm3" }) t.Layer($"{block}.{norm}", d);
            foreach (string attention in new[] { "attn", "timeattn" })
            {
                t.Layer($"{block}.{attention}.qkv", 3 * d, d);
                t.Layer($"{block}.{attention}.proj", d, d);
            }
            t.Layer($"{block}.mlp.fc1", 4 * d, d);
            t.Layer($"{block}.mlp.fc2", d, 4 * d);
        }
        t.Layer($"{Root}.norm", d);
        const string Aggregate = Root + ".spatial_attn_agg";
        t.Add($"{Aggregate}.cls_token", 1, 1, d);
        t.Add($"{Aggregate}.self_attn.in_proj_weight", 3 * d, d);
        t.Add($"{Aggregate}.self_attn.in_proj_bias", 3 * d);
        t.Layer($"{Aggregate}.self_attn.out_proj", d, d);
        t.Layer($"{Aggregate}.linear1", 4 * d, d);
        t.Layer($"{Aggregate}.linear2", d, 4 * d);
        t.Layer($"{Aggregate}.norm1", d);
        t.Layer($"{Aggregate}.norm2", d);
        return t;
    }

    private static Tensors Recogniser(Sizes s)
    {
        var t = new Tensors();
        t.Layer("scene.fc1", RecogniserHidden, s.Clip + 2 * s.Sync);
        t.Layer("scene.fc2", s.Classes.Length + s.Materials.Length, RecogniserHidden);
        t.Layer("onset.fc1", RecogniserHidden, s.Sync);
        t.Layer("onset.fc2", OnsetsPerStep, RecogniserHidden);
        return t;
    }

    private static Tensors Listener(Sizes s)
    {
        var t = new Tensors();
        t.Layer("in", ListenerHidden, 64, 3);
        for (int i = 0; i < ListenerBlocks; i++) t.ConvNext($"blocks.{i}", ListenerHidden);
        t.Layer("norm", ListenerHidden);
        t.Layer("sound.fc1", ListenerHidden, 2 * ListenerHidden);
        t.Layer("sound.fc2", ListenerEmbedding, ListenerHidden);
        t.Layer("text.fc1", ListenerHidden, s.Text);
        t.Layer("text.fc2", ListenerEmbedding, ListenerHidden);
        t.Add("scale");
        t.Add("bias");
        return t;
    }
}

/// <summary>Normal values that keep activations at a natural size, in a safetensors file: 16-bit floats, or 8 bits with a scale per row.</summary>
internal static class Weights
{
    public static void Write(string path, Tensors tensors, Random random, bool eightBits = false)
    {
        var header = new JsonObject();
        var data = new List<byte[]>();
        long at = 0;
        void Add(string name, string type, int[] shape, byte[] bytes)
        {
            header[name] = new JsonObject
            {
                ["dtype"] = type, ["shape"] = new JsonArray([.. shape.Select(d => JsonValue.Create(d))]), ["data_offsets"] = new JsonArray(at, at + bytes.Length),
            };
            data.Add(bytes);
            at += bytes.Length;
        }
        foreach (var (name, shape) in tensors)
        {
            float[] values = Draw(name, shape, random);
            if (eightBits && shape.Length >= 2) AddRounded(Add, name, shape, values);
            else Add(name, "F16", shape, [.. values.SelectMany(value => BitConverter.GetBytes((Half)value))]);
        }
        byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString(Text.Json));
        int jsonBytes = json.Length;
        Array.Resize(ref json, (jsonBytes + 7) / 8 * 8);
        json.AsSpan(jsonBytes).Fill((byte)' ');

        using FileStream file = File.Create(path);
        Span<byte> length = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        file.Write(length);
        file.Write(json);
        foreach (byte[] bytes in data) file.Write(bytes);
    }

    /// <summary>value = scale[row] · int8, the largest of a row being 127.</summary>
    private static void AddRounded(Action<string, string, int[], byte[]> add, string name, int[] shape, float[] values)
    {
        int columns = values.Length / shape[0];
        float[] scales = [.. values.Chunk(columns).Select(row => row.Max(Math.Abs) / 127)];
        add(name, "I8", shape, [.. values.Select((value, i) => (byte)(sbyte)MathF.Round(value / scales[i / columns]))]);
        add(name + ".scale", "F32", [shape[0]], [.. scales.SelectMany(BitConverter.GetBytes)]);
    }

    private static float[] Draw(string name, int[] shape, Random random)
    {
        var (mean, deviation) = Distribution(name, shape);
        var values = new float[Count(shape)];
        for (int i = 0; i < values.Length; i++) values[i] = (float)(mean + deviation * Normal(random));
        return values;
    }

    private static long Count(int[] shape) => shape.Aggregate(1L, (product, d) => product * d);

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static (double Mean, double Deviation) Distribution(string name, int[] shape)
    {
        if (name.EndsWith("alpha") || name.EndsWith("beta")) return (0, 0.2);
        if (name.EndsWith("bias") || name.EndsWith("in_proj_bias")) return (0, 0.05);
        if (name == "scale") return (10, 1);
        if (name.EndsWith("weight_g") || (name.EndsWith("weight") && shape.Length == 1)) return (1, 0.05);
        if (name.Contains("embedding") || name.EndsWith("embed") || name.EndsWith("_emb") || name.EndsWith("_token") || name.EndsWith("_feat") ||
            name == "shared.weight" || name.Contains("relative_attention_bias")) return (0, 0.3);
        return (0, 1 / Math.Sqrt((double)Count(shape) / shape[0]));
    }
}
