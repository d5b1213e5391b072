using System.Text.Json.Nodes;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>What the verification of one file works with.</summary>
internal sealed class VerificationContext(GoldenFile file, VerificationOptions options, CancellationToken cancellationToken)
{
    public GoldenFile File { get; } = file;
    public GoldenLedger Ledger { get; } = new(file, options.Precision);
    public CancellationToken Cancellation { get; } = cancellationToken;

    /// <summary>Cases by name; "" for a file that names none.</summary>
    public IEnumerable<(string Name, JsonObject Settings)> Cases() =>
        File.Json("cases") is JsonObject cases
            ? cases.Select(entry => (entry.Key, entry.Value as JsonObject ?? []))
            : [("", [])];

    public JsonObject Config => File.Json("config") as JsonObject ?? [];

    /// <summary>The file that holds a weight of this name under <c>w.</c>: the golden itself, one given by the caller, or the
    /// sibling that its metadata names.</summary>
    public string WeightsFile(string weight)
    {
        if (File.Has("w." + weight)) return File.Path;
        List<string> candidates = [.. options.With];
        IEnumerable<JsonNode?> named = File.Json("weights_from") switch
        {
            JsonArray array => array,
            JsonValue value => new JsonNode?[] { value }, // spelt out: a collection expression would become a JsonArray, which ahead-of-time compilation cannot fill
            _ => Array.Empty<JsonNode?>(),
        };
        string folder = Path.GetDirectoryName(Path.GetFullPath(File.Path))!;
        candidates.AddRange(named.Select(node => Path.Combine(folder, Path.GetFileName((string?)node ?? "-"))));
        foreach (string candidate in candidates.Where(System.IO.File.Exists))
        {
            if (GoldenFile.Open(candidate).Has("w." + weight)) return candidate;
        }
        throw new ResourceNotFoundException($"{File.Path}: borrows its weights, and none of [{string.Join(", ", candidates)}] is a file that holds w.{weight}; give it with --with");
    }

    /// <summary>Loads a network whose weights lie in <paramref name="weights"/> (null = it has none).</summary>
    public NetworkRunner Load(string kind, JsonNode config, string? weights, IReadOnlyList<string>? prefixes = null, IReadOnlyList<string>? ignore = null) =>
        NetworkRunner.Create(new NetworkOptions
        {
            Kind = kind,
            Config = config.ToJsonString(),
            Device = options.Device,
            Threads = options.Threads,
            Precision = options.Precision,
            Sources = weights is null ? [] : [.. (prefixes ?? ["w."]).Select(prefix => new WeightSource(weights, prefix))],
            Ignore = ignore ?? [],
        });

    /// <summary>All tensors <c>in.scope.*</c> under their last names.</summary>
    public List<Tensor> Inputs(string scope)
    {
        string prefix = scope.Length == 0 ? "in." : $"in.{scope}.";
        return [.. File.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => File.Read(key, key[prefix.Length..]))];
    }

    /// <summary>Runs a case; a failure of the library itself becomes a failure of that case, so that the others still run.</summary>
    public void Guard(string scope, Action run)
    {
        Cancellation.ThrowIfCancellationRequested();
        try
        {
            run();
        }
        catch (Exception e) when (e is ThinkSoundException or ArgumentException)
        {
            Ledger.Fail(scope.Length == 0 ? "(file)" : $"({scope})", e.Message);
        }
    }
}
