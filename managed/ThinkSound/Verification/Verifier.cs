using System.Text.Json.Nodes;

namespace ThinkSound.Verification;

/// <summary>Runs golden files through the native library and compares every intermediate and output. It is how a device, a
/// build or a port is checked: if these numbers come out, its arithmetic is the reference's.</summary>
public static class Verifier
{
    /// <summary>Verifies one file: golden safetensors, or token lines (<c>.jsonl</c>).</summary>
    /// <exception cref="ThinkSoundException">The file, or one that it borrows weights from, cannot be read.</exception>
    public static Task<VerificationReport> VerifyAsync(string path, VerificationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Task.Run(() => Verify(path, options ?? new VerificationOptions(), cancellationToken), cancellationToken);
    }

    private static VerificationReport Verify(string path, VerificationOptions options, CancellationToken cancellationToken)
    {
        if (path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase)) return TokenVerification.Verify(path, options, cancellationToken);
        GoldenFile file = GoldenFile.Open(path);
        var context = new VerificationContext(file, options, cancellationToken);
        string kind = KindOf(file);
        switch (kind)
        {
            case "mmdit": MmditVerification.Flows(context); break;
            case "sampler": MmditVerification.Samples(context); break;
            case "train": MmditVerification.Training(context); break;
            case "pipeline": PipelineVerification.Run(context); break;
            case "vae": VaeVerification.Run(context); break;
            case "mel_codec": MelCodecVerification.Run(context); break;
            case "recogniser": TwinVerification.Run(context, kind, "recognise", Tolerance.Recogniser); break;
            case "listener": TwinVerification.Run(context, kind, "listen", Tolerance.Listener); break;
            case "preprocess": PreprocessVerification.Run(context); break;
            case "t5" or "clip_text" or "clip_vision" or "synchformer": EncoderVerification.Run(context, kind); break;
            default: context.Ledger.Fail("(file)", "its metadata names no network that is known here"); break;
        }
        return context.Ledger.Close(kind);
    }

    /// <summary>What a file holds, from its configuration, cases and keys; never from its name.</summary>
    private static string KindOf(GoldenFile file)
    {
        if (file.Json("config") is not JsonObject config)
            return file.HasPrefix("mid.full.") ? "mmdit" : "unknown"; // a file of tables alone
        if (config.ContainsKey("diffusion")) return "pipeline";
        if (config.ContainsKey("onsets_per_step")) return "recogniser";
        if (file.Metadata("reference") == "listener") return "listener";
        if (config.ContainsKey("hidden_dim"))
        {
            if (file.Has("in.data_latent")) return "train";
            return file.HasPrefix("mid.full.") || !HasSteps(file) ? "mmdit" : "sampler";
        }
        if (config.ContainsKey("text_config")) return "clip_text";
        if (config.ContainsKey("vision_config")) return "clip_vision";
        if (config.ContainsKey("d_model")) return "t5";
        if (config.ContainsKey("embed_dim")) return "synchformer";
        if (config.ContainsKey("sizes")) return "preprocess";
        if (file.Metadata("reference") == "mel_codec") return "mel_codec";
        return config.ContainsKey("model") || config.ContainsKey("decoder") || config.ContainsKey("encoder") ? "vae" : "unknown";
    }

    private static bool HasSteps(GoldenFile file) =>
        file.Json("cases") is JsonObject cases && cases.Any(entry => entry.Value is JsonObject settings && settings.ContainsKey("steps"));
}
