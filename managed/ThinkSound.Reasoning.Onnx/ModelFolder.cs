using System.Text.Json;

namespace ThinkSound.Reasoning.Onnx;

/// <summary>A model as it is handed out: configurations, a tokenizer, and three graphs in <c>onnx/</c>. What is missing is said all
/// at once, before anything large is read.</summary>
internal sealed class ModelFolder
{
    /// <summary>Every <c>model_type</c> that is supported.</summary>
    public static readonly string[] Types = ["smolvlm", "idefics3", "qwen2_vl", "qwen2_5_vl"];

    private readonly string _path;

    public ModelFolder(string path, OnnxModelOptions options)
    {
        _path = path;
        if (!Directory.Exists(path)) throw new ReasoningModelException($"{path} is not a folder");
        if (!File.Exists(At("config.json"))) throw new ReasoningModelException($"{path} is not a model folder: config.json is missing");
        Config = ConfigFile.Read(At("config.json"));
        Type = Config.Text("model_type") ?? throw Config.Fault("model_type", "is missing");
        if (!Types.Contains(Type))
            throw new ReasoningModelException($"{path} holds a model of the type \"{Type}\"; supported are {string.Join(", ", Types)}");

        var missing = new List<string>();
        if (!File.Exists(At("tokenizer.json"))) missing.Add("tokenizer.json");
        ConfigFile? processor = ReadIfThere("processor_config.json");
        ConfigFile? images = ReadIfThere("preprocessor_config.json") ?? processor?.Object("image_processor");
        if (images is null) missing.Add("preprocessor_config.json");
        string? vision = Graph("vision_encoder", options.VisionVariant ?? options.Variant, missing);
        string? embedding = Graph("embed_tokens", options.EmbeddingVariant ?? options.Variant, missing);
        string? decoder = Graph("decoder_model_merged", options.Variant, missing);
        if (missing.Count > 0) throw new ReasoningModelException($"{path} is incomplete; missing: {string.Join(", ", missing)}");

        (Images, Processor, Videos) = (images!.Value, processor, ReadIfThere("video_preprocessor_config.json") ?? processor?.Object("video_processor"));
        (VisionPath, EmbeddingPath, DecoderPath) = (vision!, embedding!, decoder!);
        Generation = ReadIfThere("generation_config.json");
        ChatTemplate = ReadChatTemplate();
    }

    public string Type { get; }
    public ConfigFile Config { get; }
    /// <summary>The language model's part of <see cref="Config"/>, which older files do not keep apart.</summary>
    public ConfigFile TextConfig => Config.Object("text_config") ?? Config;
    public ConfigFile Images { get; }
    public ConfigFile? Videos { get; }
    public ConfigFile? Processor { get; }
    public ConfigFile? Generation { get; }
    /// <summary>The text of the chat template, if the folder brings one.</summary>
    public string? ChatTemplate { get; }
    public string VisionPath { get; }
    public string EmbeddingPath { get; }
    public string DecoderPath { get; }
    public string TokenizerPath => At("tokenizer.json");

    private string At(string name) => Path.Combine(_path, name);

    private ConfigFile? ReadIfThere(string name) => File.Exists(At(name)) ? ConfigFile.Read(At(name)) : null;

    /// <summary>The file of a graph: the variant asked for, else the plain one, else the only one.</summary>
    private string? Graph(string name, string? variant, List<string> missing)
    {
        string Named(string of) => Path.Combine("onnx", of.Length == 0 ? $"{name}.onnx" : $"{name}_{of}.onnx");
        if (File.Exists(At(Named(variant ?? "")))) return At(Named(variant ?? ""));
        string[] there = Directory.Exists(At("onnx")) ? [.. Directory.GetFiles(At("onnx"), $"{name}*.onnx").Select(Path.GetFileName).Order()!] : [];
        if (variant is null && there.Length == 1) return At(Path.Combine("onnx", there[0]));
        missing.Add(there.Length == 0 ? Named(variant ?? "") : $"{Named(variant ?? "")} (there is {string.Join(", ", there)}: choose by the option Variant)");
        return null;
    }

    private string? ReadChatTemplate()
    {
        if (File.Exists(At("chat_template.jinja"))) return File.ReadAllText(At("chat_template.jinja"));
        foreach (string name in (string[])["chat_template.json", "tokenizer_config.json"])
            if (ReadIfThere(name) is { } file && file.TryGet("chat_template", out JsonElement template))
                return template.ValueKind switch
                {
                    JsonValueKind.String => template.GetString(),
                    // Several by name; the one for chats is called "default".
                    JsonValueKind.Array => template.EnumerateArray().Where(t => t.ValueKind == JsonValueKind.Object && t.TryGetProperty("name", out JsonElement n) && n.ValueEquals("default"))
                        .Select(t => t.GetProperty("template").GetString()).FirstOrDefault(),
                    _ => throw file.Fault("chat_template", "is not a text"),
                };
        return null;
    }
}
