using System.Text.Json.Nodes;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>The Oobleck autoencoder, both directions, and its folded weights.</summary>
internal static class VaeVerification
{
    private const string WeightPrefix = "mid.effective_weight.";

    public static void Run(VerificationContext context)
    {
        using NetworkRunner network = context.Load("vae", context.Config, context.WeightsFile(SomeWeightOf(context)));
        foreach ((string name, JsonObject settings) in context.Cases())
        {
            context.Guard(name, () =>
            {
                bool isDecode = context.File.Has($"in.{name}.latent");
                string function = !isDecode ? "encode" : settings.ContainsKey("chunk_size") ? "decode_chunked" : "decode";
                network.Run(function, context.Inputs(name), Settings(settings).ToJsonString(),
                            tensor => context.Ledger.Add(name, tensor, isDecode ? Tolerance.VaeAudio : Tolerance.VaeEncoder),
                            withIntermediates: function != "decode_chunked", context.Cancellation);
            });
        }
        string[] folded = [.. context.File.Keys.Where(key => key.StartsWith(WeightPrefix, StringComparison.Ordinal)).Select(key => key[WeightPrefix.Length..])];
        if (folded.Length == 0) return;
        var names = new JsonObject { ["names"] = new JsonArray([.. folded.Select(name => (JsonNode)name)]) };
        context.Guard("effective_weight", () => network.Run("weights", [], names.ToJsonString(),
            tensor => context.Ledger.Compare(WeightPrefix + tensor.Name, tensor.Type, tensor.Shape, tensor.Data, Tolerance.VaeEncoder),
            cancellationToken: context.Cancellation));
    }

    /// <summary>A weight that any autoencoder of this family has, to find its file by.</summary>
    public static string SomeWeightOf(VerificationContext context) =>
        context.File.HasPrefix("w.decoder.") || !context.File.HasPrefix("w.encoder.") ? "decoder.layers.0.bias" : "encoder.layers.0.bias";

    private static JsonObject Settings(JsonObject settings)
    {
        var chosen = new JsonObject();
        foreach (string key in (ReadOnlySpan<string>)["chunk_size", "overlap"])
        {
            if (settings[key] is { } value) chosen[key] = value.DeepClone();
        }
        return chosen;
    }
}
