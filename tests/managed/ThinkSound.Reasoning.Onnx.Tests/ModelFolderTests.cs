using System.Text.Json.Nodes;
using ThinkSound.Reasoning.Onnx.Tests.Models;

namespace ThinkSound.Reasoning.Onnx.Tests;

public class ModelFolderTests
{
    private string _folder = "";

    [SetUp]
    public void Copy() => _folder = TinyModels.CopyOf(new TinyModel("smolvlm"));

    private string At(params string[] names) => Path.Combine([_folder, .. names]);

    private void Change(string name, Action<JsonObject> change)
    {
        JsonObject file = JsonNode.Parse(File.ReadAllText(At(name)))!.AsObject();
        change(file);
        File.WriteAllText(At(name), file.ToJsonString());
    }

    private void Refused(params string[] words)
    {
        var refusal = Assert.Catch<ReasoningModelException>(() => OnnxMultimodalModel.LoadAsync(_folder).GetAwaiter().GetResult());
        foreach (string word in words) Assert.That(refusal!.Message, Does.Contain(word));
    }

    [Test]
    public async Task A_whole_folder_says_what_it_is()
    {
        using OnnxMultimodalModel model = await OnnxMultimodalModel.LoadAsync(_folder + Path.DirectorySeparatorChar);
        Assert.That((model.ModelType, model.ContextLength, model.Name), Is.EqualTo(("smolvlm", 400, Path.GetFileName(_folder))));
    }

    [Test]
    public void Whatever_is_missing_is_said_at_once()
    {
        File.Delete(At("tokenizer.json"));
        File.Delete(At("preprocessor_config.json"));
        File.Delete(At("onnx", "embed_tokens.onnx"));
        Refused(_folder, "tokenizer.json", "preprocessor_config.json", Path.Combine("onnx", "embed_tokens.onnx"));
        File.Delete(At("config.json"));
        Refused("config.json is missing");
        Directory.Delete(_folder, recursive: true);
        Refused("is not a folder");
    }

    [Test]
    public void Another_family_is_named()
    {
        Change("config.json", config => config["model_type"] = "llava_next");
        Refused("llava_next", "smolvlm", "qwen2_5_vl");
    }

    [Test]
    public async Task Variants_are_chosen_by_name_or_because_there_is_no_other()
    {
        foreach (string graph in (string[])["vision_encoder", "embed_tokens", "decoder_model_merged"])
            File.Move(At("onnx", $"{graph}.onnx"), At("onnx", $"{graph}_q4.onnx"));
        (await OnnxMultimodalModel.LoadAsync(_folder)).Dispose();
        (await OnnxMultimodalModel.LoadAsync(_folder, new OnnxModelOptions { Variant = "q4" })).Dispose();
        File.Copy(At("onnx", "embed_tokens_q4.onnx"), At("onnx", "embed_tokens_fp16.onnx"));
        Refused("embed_tokens.onnx (there is embed_tokens_fp16.onnx, embed_tokens_q4.onnx: choose by the option Variant)");
        (await OnnxMultimodalModel.LoadAsync(_folder, new OnnxModelOptions { Variant = "q4", EmbeddingVariant = "fp16" })).Dispose();
    }

    [Test]
    public void Damaged_graphs_are_named([Values("vision_encoder", "embed_tokens", "decoder_model_merged")] string graph)
    {
        byte[] bytes = File.ReadAllBytes(At("onnx", $"{graph}.onnx"));
        File.WriteAllBytes(At("onnx", $"{graph}.onnx"), bytes[..(bytes.Length / 2)]);
        Refused($"{graph}.onnx cannot be loaded");
        File.WriteAllBytes(At("onnx", $"{graph}.onnx"), []);
        Refused($"{graph}.onnx cannot be loaded");
    }

    [Test]
    public void Graphs_in_each_others_place_are_named()
    {
        File.Copy(At("onnx", "embed_tokens.onnx"), At("onnx", "vision_encoder.onnx"), overwrite: true);
        Refused("vision_encoder.onnx has no input pixel_values", "input_ids");
    }

    [Test]
    public void Graphs_of_different_precision_are_named()
    {
        File.Copy(Path.Combine(TinyModels.FolderOf(new TinyModel("smolvlm", Half: true)), "onnx", "embed_tokens.onnx"), At("onnx", "embed_tokens.onnx"), overwrite: true);
        Refused("embed_tokens.onnx gives Float16", "decoder_model_merged.onnx takes Float");
    }

    [Test]
    public void Configurations_that_contradict_each_other_are_named()
    {
        Change("config.json", config => config["text_config"]!["num_hidden_layers"] = 3);
        Refused("keeps keys of 2 layers", "says 3");
        Change("config.json", config => config["image_token_id"] = 3);
        Refused("image_token_id", "is 3");
        Change("config.json", config => config.Remove("vision_config"));
        Refused("config.json", "vision_config");
    }

    [Test]
    public void Damaged_configurations_are_named()
    {
        Change("preprocessor_config.json", config => config["max_image_size"] = 512);
        Refused("preprocessor_config.json: max_image_size");
        Change("preprocessor_config.json", config => config["max_image_size"] = new JsonObject { ["longest_edge"] = "big" });
        Refused("longest_edge", "whole number");
        File.WriteAllText(At("generation_config.json"), """{"do_sample": true, "temperature": -3}""");
        Change("preprocessor_config.json", config => config["max_image_size"] = new JsonObject { ["longest_edge"] = 32 });
        Refused("generation_config.json", "Temperature");
        File.WriteAllText(At("config.json"), "{ not json");
        Refused("config.json is not JSON");
    }

    [Test]
    public void A_tokenizer_or_a_template_of_another_family_is_named()
    {
        File.WriteAllText(At("chat_template.jinja"), "[INST] {{ message }} [/INST]");
        Refused("chat template", "<|im_start|>");
        File.Delete(At("chat_template.jinja"));
        File.Copy(Path.Combine(TinyModels.FolderOf(new TinyModel("qwen2_vl")), "tokenizer.json"), At("tokenizer.json"), overwrite: true);
        Refused("tokenizer.json has no added token \"<image>\"");
        File.WriteAllText(At("tokenizer.json"), "[]");
        Refused("tokenizer.json is not a tokenizer file");
    }

    [Test]
    public async Task Newer_folders_keep_their_processors_in_one_file()
    {
        JsonNode images = JsonNode.Parse(File.ReadAllText(At("preprocessor_config.json")))!;
        File.Delete(At("preprocessor_config.json"));
        Change("processor_config.json", config => config["image_processor"] = images);
        (await OnnxMultimodalModel.LoadAsync(_folder)).Dispose();
    }
}
