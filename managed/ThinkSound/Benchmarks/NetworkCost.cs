using System.Text.Json;
using ThinkSound.Bundles;

namespace ThinkSound.Benchmarks;

/// <summary>Useful work of each network in floating-point operations: two for each multiply-add of its products, convolutions
/// and attentions, counted from the configuration alone. What an implementation computes beside that (padding, activations,
/// norms) is not counted, so percentages of a ceiling are honest ones.</summary>
public sealed class NetworkCost
{
    private readonly Dictionary<string, JsonElement> _configs;

    /// <summary>Reads the sizes from a bundle's configurations.</summary>
    public NetworkCost(BundleDescription bundle)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        _configs = bundle.Components.ToDictionary(component => component.Kind, component => JsonDocument.Parse(component.Config).RootElement);
    }

    /// <summary>One evaluation of the MM-DiT without guidance; what does not depend on the step is not in it.</summary>
    public double Mmdit(int latentLength, int clipLength)
    {
        if (!_configs.TryGetValue("mmdit", out JsonElement config)) return double.NaN;
        MmditSizes size = new(config);
        double d = size.Hidden, f = size.Inner, k = size.Kernel, n = latentLength, c = clipLength, t = size.TextLength;
        double all = n + c + t;
        double audio = n * (k * size.LatentDim * d + 3 * k * d * f) + 2 * d * d;
        double latentBlock = n * (6 * d * d + 3 * d * d + 3 * d * d + 9 * d * f);
        double clipBlock = 6 * d * d + c * (3 * d * d + 3 * d * d + 9 * d * f), textBlock = 6 * d * d + t * (3 * d * d + d * d + 3 * d * f);
        double joint = latentBlock + clipBlock + textBlock + 2 * all * all * d;
        // In the last joint block clip and text only feed the attention.
        double lastJoint = latentBlock + 4 * d * d + (c + t) * 3 * d * d + 2 * n * all * d;
        double fused = n * (9 * d * d + k * d * d + 3 * k * d * f) + 2 * n * n * d;
        double final = n * (2 * d * d + 7 * d * size.LatentDim);
        double joints = size.Depth > size.FusedDepth ? (size.Depth - size.FusedDepth - 1) * joint + lastJoint : 0;
        return 2 * (audio + joints + size.FusedDepth * fused + final);
    }

    /// <summary>Projections of the conditions, once a clip.</summary>
    public double MmditConditions(int clipLength, int syncLength)
    {
        if (!_configs.TryGetValue("mmdit", out JsonElement config)) return double.NaN;
        MmditSizes size = new(config);
        double d = size.Hidden, f = size.Inner;
        return 2 * (clipLength * (size.ClipDim * d + 9 * d * f) + syncLength * (size.SyncKernel * size.SyncDim * d + 9 * d * f) +
                    size.TextLength * (size.TextDim * d + 3 * d * f) + d * d + size.ClipTextDim * d + 3 * d * f);
    }

    /// <summary>The VAE's decoder.</summary>
    public double Decode(int latentLength)
    {
        if (!_configs.TryGetValue("vae", out JsonElement config)) return double.NaN;
        if (config.TryGetProperty("model", out JsonElement model)) config = model;
        if (!config.TryGetProperty("decoder", out JsonElement decoder)) return double.NaN;
        bool isMel = decoder.TryGetProperty("type", out JsonElement type) && type.ValueEquals("mel");
        if (decoder.TryGetProperty("config", out JsonElement inner)) decoder = inner;
        if (isMel) return MelDecode(decoder, latentLength);
        double channels = Number(decoder, "channels", 128), latentDim = Number(decoder, "latent_dim", 64), outputs = Number(decoder, "out_channels", 2);
        double[] multiples = Numbers(decoder, "c_mults", [1, 2, 4, 8, 16]), strides = Numbers(decoder, "strides", [2, 4, 4, 8, 8]);
        double length = latentLength, width = channels * multiples[^1];
        double sum = 7 * latentDim * width * length;
        for (int i = multiples.Length - 1; i >= 0; i--)
        {
            double next = channels * (i > 0 ? multiples[i - 1] : multiples[0]);
            length *= strides[i];
            sum += 2 * width * next * length;       // transposed, kernel twice the stride: two taps an output
            sum += 3 * 8 * next * next * length;    // three residual units of kernels 7 and 1
            width = next;
        }
        return 2 * (sum + 7 * width * outputs * length);
    }

    /// <summary>The network of the mel codec; the phase reconstruction behind it is no matter of products.</summary>
    private static double MelDecode(JsonElement config, double latents)
    {
        double fine = Number(config, "fine_width", 128), coarse = Number(config, "coarse_width", 256), frames = Number(config, "frames_per_latent", 8);
        double expansion = Number(config, "expansion", 3);
        double Blocks(string count, double width) => Number(config, count, 4) * (7 * width + 2 * expansion * width * width);
        double perLatent = 3 * Number(config, "latent_dim", 64) * coarse + Blocks("coarse_blocks", coarse) + coarse * frames * fine;
        double perFrame = Blocks("fine_blocks", fine) + fine * 2 * Number(config, "num_bands", 96);
        return 2 * latents * (perLatent + frames * perFrame);
    }

    /// <summary>The T5 encoder over a text of <paramref name="tokens"/>.</summary>
    public double T5(int tokens = 77)
    {
        if (!_configs.TryGetValue("t5", out JsonElement config)) return double.NaN;
        double d = Number(config, "d_model", 2048), inner = Number(config, "d_kv", 64) * Number(config, "num_heads", 32);
        return 2 * Number(config, "num_layers", 24) * tokens * (4 * d * inner + 2 * tokens * inner + 3 * d * Number(config, "d_ff", 5120));
    }

    /// <summary>The CLIP text tower.</summary>
    public double ClipText(int tokens = 77)
    {
        if (!_configs.TryGetValue("clip_text", out JsonElement config)) return double.NaN;
        JsonElement text = config.TryGetProperty("text_config", out JsonElement inner) ? inner : config;
        return 2 * Number(text, "num_hidden_layers", 24) * Layer(tokens, Number(text, "hidden_size", 1024), Number(text, "intermediate_size", 4096));
    }

    /// <summary>The CLIP vision tower, one frame.</summary>
    public double ClipVisionFrame()
    {
        if (!_configs.TryGetValue("clip_vision", out JsonElement config)) return double.NaN;
        JsonElement vision = config.TryGetProperty("vision_config", out JsonElement inner) ? inner : config;
        double patch = Number(vision, "patch_size", 14), side = Math.Floor(Number(vision, "image_size", 224) / patch), d = Number(vision, "hidden_size", 1280);
        double layers = Number(vision, "num_hidden_layers", 32) * Layer(side * side + 1, d, Number(vision, "intermediate_size", 5120));
        return 2 * (side * side * 3 * patch * patch * d + layers + d * Number(config, "projection_dim", 1024));
    }

    /// <summary>Synchformer, one segment of 16 frames.</summary>
    public double SynchformerSegment()
    {
        if (!_configs.TryGetValue("synchformer", out JsonElement config)) return double.NaN;
        double d = Number(config, "embed_dim", 768), patch = Number(config, "patch", 16), side = Math.Floor(Number(config, "image", 224) / patch);
        double temporal = Number(config, "temporal_patch", 2), steps = Math.Floor(Number(config, "frames_per_segment", 16) / temporal);
        double sites = side * side, patches = sites * steps, tokens = patches + 1;
        // The class token attends to everything; a patch to the class token and its site, or its frame.
        double time = 4 * d * d * tokens + 2 * d * (patches * (steps + 1) + tokens), space = 4 * d * d * tokens + 2 * d * (patches * (sites + 1) + tokens);
        double block = time + space + 8 * d * d * tokens;
        double aggregate = steps * (2 * d * d * (sites + 1) + 2 * d * (sites + 1) + 2 * d * d + 8 * d * d);
        return 2 * (patches * 3 * temporal * patch * patch * d + Number(config, "depth", 12) * block + aggregate);
    }

    /// <summary>An ordinary transformer layer.</summary>
    private static double Layer(double tokens, double width, double inner) =>
        tokens * (4 * width * width + 2 * tokens * width + 2 * width * inner);

    private static double Number(JsonElement config, string name, double otherwise) =>
        config.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : otherwise;

    private static double[] Numbers(JsonElement config, string name, double[] otherwise) =>
        config.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array
            ? [.. value.EnumerateArray().Select(element => element.GetDouble())] : otherwise;

    private readonly struct MmditSizes(JsonElement config)
    {
        public double Hidden { get; } = Number(config, "hidden_dim", 1024);
        public double Depth { get; } = Number(config, "depth", 21);
        public double FusedDepth { get; } = Number(config, "fused_depth", 14);
        public double LatentDim { get; } = Number(config, "latent_dim", 64);
        public double ClipDim { get; } = Number(config, "clip_dim", 1024);
        public double SyncDim { get; } = Number(config, "sync_dim", 768);
        public double TextDim { get; } = Number(config, "text_dim", 2048);
        public double ClipTextDim { get; } = Number(config, "clip_text_dim", 1024);
        public double Kernel { get; } = Number(config, "kernel_size", 7);
        public double SyncKernel { get; } = Number(config, "sync_kernel", 7);
        public double TextLength { get; } = 77 + Number(config, "text_seq_len", 77); // T5 pieces and CLIP tokens
        /// <summary>Width inside the feed-forward layers: ⌊2/3 · ratio · hidden⌋ up to a multiple of 256.</summary>
        public double Inner { get; } =
            Math.Ceiling(Math.Floor(2 * Number(config, "mlp_ratio", 4) * Number(config, "hidden_dim", 1024) / 3) / 256) * 256;
    }
}
