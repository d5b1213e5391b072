using System.Globalization;
using System.Text.Json.Nodes;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>Velocity network, samplers and training loss.</summary>
internal static class MmditVerification
{
    private const string SomeWeight = "clip_cond_proj.weight";

    public static void Flows(VerificationContext context)
    {
        Tables(context);
        if (context.File.Json("cases") is null) return;
        var networks = new Dictionary<string, NetworkRunner>();
        try
        {
            foreach ((string name, JsonObject settings) in context.Cases())
            {
                context.Guard(name, () =>
                {
                    NetworkRunner network = NetworkOf(context, settings, networks);
                    List<Tensor> inputs = InputsOf(context, name, settings);
                    network.Run("flow", inputs, SettingsOf(settings).ToJsonString(), tensor => context.Ledger.Add(name, tensor, Tolerance.Flow),
                                withIntermediates: true, context.Cancellation);
                });
            }
            if (!context.File.Has("in.tsweep.t")) return;
            context.Guard("tsweep", () => NetworkOf(context, [], networks).Run("t_embed", context.Inputs("tsweep"), null, tensor =>
            {
                context.Ledger.Add("tsweep", tensor, Tolerance.Flow);
                context.Ledger.Add("", tensor, Tolerance.Flow); // the frequencies belong to no case
            }, withIntermediates: true, context.Cancellation));
        }
        finally
        {
            foreach (NetworkRunner network in networks.Values) network.Dispose();
        }
    }

    public static void Samples(VerificationContext context)
    {
        using NetworkRunner network = context.Load("mmdit", context.Config, context.WeightsFile(SomeWeight));
        foreach ((string name, JsonObject settings) in context.Cases())
        {
            context.Guard(name, () => network.Run("sample", InputsOf(context, name, settings), SettingsOf(settings).ToJsonString(),
                tensor => context.Ledger.Add(name, tensor, tensor.Name == "t_steps" ? Tolerance.Exact : Tolerance.Latent),
                withIntermediates: true, context.Cancellation));
        }
    }

    public static void Training(VerificationContext context) => context.Guard("", () =>
    {
        var batch = context.File.Json("batch") as JsonObject ?? [];
        using NetworkRunner network = context.Load("mmdit", context.Config, context.WeightsFile(SomeWeight));
        network.Run("train", context.Inputs(""), SettingsOf(batch).ToJsonString(),
                    tensor => context.Ledger.Add("", tensor, tensor.Name.EndsWith("loss", StringComparison.Ordinal) ? Tolerance.Loss : Tolerance.Flow),
                    withIntermediates: true, context.Cancellation);
    });

    /// <summary>Lengths, guidance and sampler of a case, in the words of docs/networks.md.</summary>
    public static JsonObject SettingsOf(JsonObject settings)
    {
        var chosen = new JsonObject();
        foreach (string key in (ReadOnlySpan<string>)["L", "cfg", "phi", "no_t5", "kind", "steps"])
        {
            if (settings[key] is { } value) chosen[key] = value.DeepClone();
        }
        return chosen;
    }

    private static List<Tensor> InputsOf(VerificationContext context, string name, JsonObject settings)
    {
        List<Tensor> inputs = settings["inputs"] is JsonObject map
            ? [.. map.Select(entry => context.File.Read((string)entry.Value!, entry.Key))]
            : context.Inputs(name);
        if (settings["inputs"] is not null) inputs.AddRange(context.Inputs(name).Where(own => inputs.TrueForAll(given => given.Name != own.Name)));
        if (inputs.TrueForAll(input => input.Name != "t") && settings["t"] is JsonArray times)
            inputs.Add(Tensor.Of("t", [.. times.Select(time => (float)time!)], times.Count));
        if (inputs.TrueForAll(input => input.Name != "video_exist") && settings["video_exist"] is JsonArray flags)
            inputs.Add(new Tensor("video_exist", TensorType.UInt8, [flags.Count], flags.Select(flag => (byte)((bool)flag! ? 1 : 0)).ToArray()));
        return inputs;
    }

    /// <summary>The network of a case: its model's configuration, and the text length that the case asks for.</summary>
    private static NetworkRunner NetworkOf(VerificationContext context, JsonObject settings, Dictionary<string, NetworkRunner> loaded)
    {
        string model = (string?)settings["model"] ?? "";
        JsonObject config = context.Config.DeepClone().AsObject();
        var models = context.File.Json("models") as JsonObject;
        var description = models?[model] as JsonObject;
        if (description?["config"] is JsonObject overrides)
        {
            foreach ((string key, JsonNode? value) in overrides) config[key] = value?.DeepClone();
        }
        if (settings["text_seq_len"] is { } length) config["text_seq_len"] = length.DeepClone();
        string key2 = model + config.ToJsonString();
        if (loaded.TryGetValue(key2, out NetworkRunner? network)) return network;

        // A parameter of model M is w.M.p where the file has it, else the shared w.p.
        string[] prefixes = model.Length > 0 ? [$"w.{model}.", "w."] : ["w."];
        List<string> ignore = models is null ? [] : [.. models.Select(entry => entry.Key + ".")];
        if (description?["unused_shared"] is JsonArray unused) ignore.AddRange(unused.Select(name => (string)name!));
        network = context.Load("mmdit", config, context.WeightsFile(SomeWeight), prefixes, ignore);
        loaded[key2] = network;
        return network;
    }

    /// <summary><c>mid.full.*</c>: tables of any size, named after it. They need no weights, but a network to ask.</summary>
    private static void Tables(VerificationContext context)
    {
        const string Prefix = "mid.full.";
        string[] keys = [.. context.File.Keys.Where(key => key.StartsWith(Prefix, StringComparison.Ordinal))];
        if (keys.Length == 0) return;
        using NetworkRunner tables = context.Load("mmdit_tables", new JsonObject(), null);
        long latentLength = keys.Select(key => Numbers(key, "latent_rot_{0}_hd{1}")).FirstOrDefault(numbers => numbers is not null)?[0] ?? 0;
        foreach (string key in keys)
        {
            context.Guard(key, () =>
            {
                string name = key[Prefix.Length..];
                (string Table, JsonObject Settings)? ask = Ask(name, latentLength);
                if (ask is not { } wanted) return;
                tables.Run("tables", [], wanted.Settings.ToJsonString(), tensor =>
                {
                    if (tensor.Name == wanted.Table) context.Ledger.Compare(key, tensor.Type, tensor.Shape, tensor.Data, new Tolerance(1e-6, 1e-6));
                }, cancellationToken: context.Cancellation);
            });
        }
    }

    private static (string Table, JsonObject Settings)? Ask(string name, long latentLength)
    {
        if (Numbers(name, "latent_rot_{0}_hd{1}") is { } latent)
            return ("latent_rot", new JsonObject { ["latent_len"] = latent[0], ["clip_len"] = latent[0], ["head_dim"] = latent[1] });
        if (latentLength > 0 && Numbers(name, "clip_rot_{0}_hd{1}") is { } clip)
            return ("clip_rot", new JsonObject { ["latent_len"] = latentLength, ["clip_len"] = clip[0], ["head_dim"] = clip[1] });
        if (Numbers(name, "t_embed_freqs_{0}") is { } width)
            return ("t_embed_freqs", new JsonObject { ["width"] = width[0] });
        if (Numbers(name, "t_embedding_{0}x{1}") is { } embedding)
            return ("t_embedding", new JsonObject { ["width"] = embedding[1], ["steps"] = embedding[0] - 1 });
        if (Numbers(name, "sync_index_{0}_to_{1}") is { } sync)
            return ("sync_index", new JsonObject { ["sync"] = new JsonArray(sync[0], sync[1]) });
        return null;
    }

    /// <summary>The numbers where <paramref name="pattern"/> has {0} and {1}, or null. A prefix before the pattern is allowed.</summary>
    private static long[]? Numbers(string name, string pattern)
    {
        string expression = System.Text.RegularExpressions.Regex.Escape(pattern).Replace("\\{0}", "(\\d+)").Replace("\\{1}", "(\\d+)");
        var match = System.Text.RegularExpressions.Regex.Match(name, expression + "$");
        return match.Success ? [.. match.Groups.Values.Skip(1).Select(group => long.Parse(group.Value, CultureInfo.InvariantCulture))] : null;
    }
}
