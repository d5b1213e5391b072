using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>Token lines: one JSON object a line with <c>text</c>, <c>num_tokens</c> and <c>ids</c>. Every id must be right.</summary>
internal static class TokenVerification
{
    public static VerificationReport Verify(string path, VerificationOptions options, CancellationToken cancellationToken)
    {
        if (!File.Exists(path)) throw new ResourceNotFoundException($"{path}: no such file");
        string[] lines = [.. File.ReadLines(path).Where(line => line.Trim().Length > 0)];
        List<JsonObject> entries;
        try
        {
            entries = [.. lines.Select(line => JsonNode.Parse(line) as JsonObject ?? throw new JsonException("not an object"))];
        }
        catch (JsonException e)
        {
            throw new WeightsException($"{path}: not lines of JSON objects ({e.Message})");
        }
        string name = Path.GetFileName(path);
        if (entries.Count == 0) return new VerificationReport(name, "tokens", [Failure(name, "(file)", "no lines")]);
        // Every line of CLIP begins with the same id; T5 has no opening token.
        bool isClip = entries.Select(entry => (int?)entry["ids"]?[0]).Distinct().Count() == 1 && entries.Count > 1;
        string kind = isClip ? "clip_tokens" : "t5_tokens";
        using NetworkRunner tokenizer = options.Vocabulary is { } given ? Load(kind, given) : FindTokenizer(path, kind, isClip, entries[0], cancellationToken);
        return new VerificationReport(name, kind, [.. entries.Select((entry, line) => Check(tokenizer, entry, name, line + 1, cancellationToken))]);
    }

    private static VerificationResult Check(NetworkRunner tokenizer, JsonObject entry, string file, int line, CancellationToken cancellationToken)
    {
        string key = $"line {line}";
        if (entry["text"] is not JsonValue text || entry["ids"] is not JsonArray ids) return Failure(file, key, "no text or no ids");
        int[] wanted = [.. ids.Select(id => (int)id!)], ours = [];
        int count = -1;
        var settings = new JsonObject { ["text"] = text.DeepClone(), ["text_len"] = wanted.Length };
        tokenizer.Run("encode", [], settings.ToJsonString(), tensor =>
        {
            if (tensor.Name == "ids") ours = MemoryMarshal.Cast<byte, int>(tensor.Data).ToArray();
            if (tensor.Name == "num_tokens") count = MemoryMarshal.Read<int>(tensor.Data);
        }, cancellationToken: cancellationToken);
        if (entry["num_tokens"] is { } expected && (int)expected != count) return Failure(file, key, $"{count} tokens, the reference has {(int)expected}");
        int differs = wanted.Zip(ours).TakeWhile(pair => pair.First == pair.Second).Count();
        return ours.Length == wanted.Length && differs == wanted.Length
            ? new VerificationResult(file, key, VerificationOutcome.Passed, 0, 0, 0, "every id")
            : Failure(file, key, $"id {differs} is {(differs < ours.Length ? ours[differs] : -1)}, the reference has {wanted[Math.Min(differs, wanted.Length - 1)]}");
    }

    /// <summary>Lines do not say which vocabulary they were made with. Of those beside the golden, below a folder
    /// <c>tokenizers</c> there or in <c>../data</c>, it is the one that the first line fits.</summary>
    private static NetworkRunner FindTokenizer(string path, string kind, bool isClip, JsonObject first, CancellationToken cancellationToken)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string[] roots = [Path.Combine(folder, "tokenizers"), Path.Combine(folder, "..", "data", "tokenizers"), folder];
        string pattern = isClip ? "bpe_simple_vocab*" : "*.model";
        string[] found = [.. roots.Where(Directory.Exists).SelectMany(root => Directory.EnumerateFiles(root, pattern, SearchOption.AllDirectories))];
        foreach (string vocabulary in found)
        {
            NetworkRunner tokenizer = Load(kind, vocabulary);
            if (Check(tokenizer, first, "", 1, cancellationToken).Outcome == VerificationOutcome.Passed) return tokenizer;
            tokenizer.Dispose();
        }
        throw new ResourceNotFoundException($"{path}: none of the {found.Length} vocabularies near it fits its first line; give the right one with --vocabulary");
    }

    private static NetworkRunner Load(string kind, string vocabulary) => NetworkRunner.Create(new NetworkOptions
    {
        Kind = kind,
        Config = new JsonObject { ["file"] = vocabulary }.ToJsonString(),
    });

    private static VerificationResult Failure(string file, string key, string why) => new(file, key, VerificationOutcome.Failed, double.NaN, double.NaN, 0, why);
}
