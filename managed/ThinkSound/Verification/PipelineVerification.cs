using System.Text.Json.Nodes;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>Conditions and noise to 16-bit samples, as the reference's predict step does it: 24 Euler steps, guidance 5.</summary>
internal static class PipelineVerification
{
    private static readonly Dictionary<string, string> Names = new()
    {
        ["metaclip_features"] = "clip_f", ["sync_features"] = "sync_f", ["metaclip_text_features"] = "text_f",
    };

    public static void Run(VerificationContext context) => context.Guard("", () =>
    {
        JsonObject config = context.Config;
        // A file cut down to its second half still says what the decoder and the output stage make of its latent.
        Tensor latent = context.File.Has("in.metaclip_text_features") ? Sample(context, config) : context.File.Read("mid.latent", "latent");
        Tensor audio = Single(context, "vae", config["vae"]!, "decoder.layers.0.bias", "decode", [latent], []);
        context.Ledger.Add("", "audio_float", audio.Type, audio.Shape.ToArray(), audio.Data.Span, Tolerance.PipelineAudio);
        using NetworkRunner signal = context.Load("signal", new JsonObject(), null);
        signal.Run("to_int16", [audio], null, tensor => context.Ledger.CompareSamples("out.audio_int16", tensor), cancellationToken: context.Cancellation);
    });

    private static Tensor Sample(VerificationContext context, JsonObject config)
    {
        double duration = Duration(context);
        var settings = new JsonObject
        {
            // The reference's own lengths (spec 00 §2): half to even, whole seconds of picture.
            ["L"] = new JsonArray((long)Math.Round(44100.0 / 64 / 32 * duration, MidpointRounding.ToEven), 8 * (long)duration, 24 * (long)duration),
            ["cfg"] = 5.0,
            ["steps"] = 24,
        };
        List<Tensor> inputs = [.. context.Inputs("").Select(input => input with { Name = Names.GetValueOrDefault(input.Name, input.Name) })];

        Tensor latent = Single(context, "mmdit", config["diffusion"]!, "clip_cond_proj.weight", "sample", inputs, settings);
        context.Ledger.Add("", "latent", latent.Type, latent.Shape.ToArray(), latent.Data.Span, Tolerance.Latent);
        return latent;
    }

    private static Tensor Single(VerificationContext context, string kind, JsonNode config, string weight, string function, IReadOnlyList<Tensor> inputs,
                                 JsonObject settings)
    {
        Tensor? result = null;
        using NetworkRunner network = context.Load(kind, config, context.WeightsFile(weight));
        network.Run(function, inputs, settings.ToJsonString(), tensor => result = tensor.ToTensor(), cancellationToken: context.Cancellation);
        return result!;
    }

    private static double Duration(VerificationContext context)
    {
        if (context.File.Json("duration") is JsonValue value && value.TryGetValue(out double duration)) return duration;
        throw new WeightsException($"{context.File.Path}: a pipeline golden says its duration, this one does not");
    }
}
