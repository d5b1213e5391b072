using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using ThinkSound.Reasoning.Onnx.Families;
using ThinkSound.Reasoning.Onnx.Sampling;

namespace ThinkSound.Reasoning.Onnx.Tests.Models;

/// <summary>The same model without a cache, bindings or buffers: every token reads everything before it again, through managed arrays.
/// Full precision graphs without oddities only.</summary>
internal sealed class FullRecompute(TinyModel model) : IDisposable
{
    private readonly InferenceSession _vision = Open(model, "vision_encoder"), _embedding = Open(model, "embed_tokens"), _decoder = Open(model, "decoder_model_merged");

    private static InferenceSession Open(TinyModel model, string name)
    {
        using var options = new SessionOptions { IntraOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        return new InferenceSession(Path.Combine(TinyModels.FolderOf(model), "onnx", $"{name}.onnx"), options);
    }

    public List<int> Generate(Prompt prompt, int count, TokenSampler sampler)
    {
        float[] pictures = [.. prompt.Vision.SelectMany(Encode)];
        List<int> tokens = [.. prompt.Tokens];
        sampler.See(tokens);
        for (int i = 0; i < count; i++) tokens.Add(sampler.Next(Logits(prompt, pictures, tokens)));
        return tokens[prompt.Tokens.Length..];
    }

    private float[] Encode(PlacedVision vision)
    {
        var pixels = new float[vision.Input.Shape.Aggregate(1L, (a, b) => a * b)];
        vision.Input.Write(pixels);
        var inputs = new Dictionary<string, OrtValue> { ["pixel_values"] = OrtValue.CreateTensorValueFromMemory(pixels, vision.Input.Shape) };
        if (vision.Input is PatchInput patches)
            inputs[_vision.InputMetadata.Keys.Single(name => name != "pixel_values")] = OrtValue.CreateTensorValueFromMemory(new long[] { patches.Times, patches.Rows, patches.Columns }, [1, 3]);
        else
            inputs["pixel_attention_mask"] = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(true, TinyModel.Tile * TinyModel.Tile).ToArray(), [1, 1, TinyModel.Tile, TinyModel.Tile]);
        using IDisposableReadOnlyCollection<OrtValue> outputs = _vision.Run(new RunOptions(), inputs, ["image_features"]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    /// <summary>Of the last token.</summary>
    public float[] Logits(Prompt prompt, float[] pictures, List<int> tokens) => Run(prompt, pictures, tokens, "logits")[^(int)_decoder.OutputMetadata["logits"].Dimensions[2]..];

    /// <summary>An output of a run over all tokens.</summary>
    public float[] Run(Prompt prompt, float[] pictures, List<int> tokens, string output)
    {
        int count = tokens.Count, read = prompt.Tokens.Length, axes = prompt.Positions.Axes;
        using IDisposableReadOnlyCollection<OrtValue> embedded = _embedding.Run(new RunOptions(),
            new Dictionary<string, OrtValue> { ["input_ids"] = OrtValue.CreateTensorValueFromMemory(tokens.Select(token => (long)token).ToArray(), [1, count]) }, ["inputs_embeds"]);
        float[] embeddings = embedded[0].GetTensorDataAsSpan<float>().ToArray();
        int at = 0;
        foreach (PlacedVision vision in prompt.Vision)
        {
            int size = vision.Input.Tokens * model.Hidden;
            pictures.AsSpan(at, size).CopyTo(embeddings.AsSpan(vision.Start * model.Hidden));
            at += size;
        }
        long[] positions = [.. Enumerable.Range(0, axes).SelectMany(axis => Enumerable.Range(0, count)
            .Select(i => i < read ? prompt.Positions.Ids[axis * read + i] : prompt.Positions.Next + i - read))];
        var inputs = new Dictionary<string, OrtValue>
        {
            ["inputs_embeds"] = OrtValue.CreateTensorValueFromMemory(embeddings, [1, count, model.Hidden]),
            ["attention_mask"] = OrtValue.CreateTensorValueFromMemory(Enumerable.Repeat(1L, count).ToArray(), [1, count]),
            ["position_ids"] = OrtValue.CreateTensorValueFromMemory(positions, axes == 1 ? [1, count] : [axes, 1, count]),
        };
        for (int layer = 0; layer < model.Layers; layer++)
            foreach (string what in (string[])["key", "value"])
                inputs[$"past_key_values.{layer}.{what}"] = OrtValue.CreateAllocatedTensorValue(OrtAllocator.DefaultInstance, TensorElementType.Float, [1, model.KeyHeads, 0, model.Hidden / model.Heads]);
        using IDisposableReadOnlyCollection<OrtValue> outputs = _decoder.Run(new RunOptions(), inputs, [output]);
        return outputs[0].GetTensorDataAsSpan<float>().ToArray();
    }

    public float[] EncodeAll(Prompt prompt) => [.. prompt.Vision.SelectMany(Encode)];

    public void Dispose()
    {
        _vision.Dispose();
        _embedding.Dispose();
        _decoder.Dispose();
    }
}
