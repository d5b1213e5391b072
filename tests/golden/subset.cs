// Cuts the full golden files down to the subset that is committed in this folder.
//
//   dotnet run tests/golden/subset.cs -- GOLDENS [OUTPUT]        default output: the folder of this file
//
// Kept tensors are copied byte for byte; the format stays plain safetensors. In the metadata, `cases`, `floors`,
// `models` and the sizes of `preprocess` lose the entries whose tensors are gone; nothing else changes.
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

if (args.Length is 0 or > 2)
{
    Console.Error.WriteLine("usage: dotnet run tests/golden/subset.cs -- GOLDENS [OUTPUT]");
    return 2;
}
string output = args.Length == 2 ? args[1] : Here();

// What stays, as name patterns: `*` is any run of characters, `{a,b}` a choice. The weights of mmdit_small (9.5 MB),
// which the sampler, pipeline and training goldens borrow, do not fit: of these files stays what can be checked
// without them, and mmdit_flags_small stands for the network.
Subset[] subsets =
[
    new("clip_text_small", ["w.*", "in.*", "out.last_hidden_state", "out.{text_features*,nomask.text_features}"]),
    new("clip_vision_small", ["w.*", "in.*", "out.*", "mid.vision.pooled"]),
    new("mmdit_flags_small", ["w.*", "in.*", "out.*.flow", "mid.plain.*", "mid.*.fusion.*"]),
    new("mmdit_small", ["in.tsweep.t", "mid.tsweep.embedding", "mid.t_embed_freqs", "mid.full.*"]) { As = "mmdit_tables" },
    new("pipeline_small", ["in.noise", "in.video_exist", "mid.latent", "out.audio_int16"]),
    new("preprocess", ["*.101x75.*"]),
    new("sampler_small", ["{in,mid,out}.{euler24,euler5_nocfg,vdiff24_eta0}.{noise,t_steps,flow_steps,latent*}", "mid.{euler24,euler5_nocfg}.x_steps"])
        { Cases = ["euler24", "euler5_nocfg", "vdiff24_eta0"] },
    new("synchformer_small", ["w.*", "in.*", "out.*"]),
    new("t5_small", ["w.*", "in.*", "out.{last_hidden_state,nomask40.last_hidden_state}"]),
    new("vae_small", ["w.*", "{in,out}.{dec1,enc4,enc_odd}.*", "{in.dec3.latent,out.dec3.audio}", "{in.dec_chunked.latent,out.dec_chunked.audio}",
                      "mid.effective_weight.*", "mid.dec3.decoder.layers.{0,1,2}", "mid.enc4.encoder.layers.{3,4,5,6,7}"])
        { Cases = ["dec1", "dec3", "dec_chunked", "enc4", "enc_odd"] },
];

foreach (Subset subset in subsets)
{
    string source = Path.Combine(args[0], subset.File + ".safetensors");
    string target = Path.Combine(output, (subset.As ?? subset.File) + ".safetensors");
    byte[] bytes = File.ReadAllBytes(source);
    (JsonObject header, int dataStart) = ReadHeader(bytes);

    // Widest elements first, then by name, as the format's own writer orders them: everything stays aligned.
    var kept = header.Where(t => t.Key != "__metadata__" && subset.Keeps(t.Key))
        .Select(t => (Name: t.Key, Tensor: t.Value!.AsObject()))
        .OrderByDescending(t => ElementBytes((string)t.Tensor["dtype"]!)).ThenBy(t => t.Name, StringComparer.Ordinal).ToList();

    var reduced = new JsonObject { ["__metadata__"] = Metadata(header["__metadata__"]!.AsObject(), subset, [.. kept.Select(t => t.Name)]) };
    using var data = new MemoryStream();
    foreach (var (name, tensor) in kept)
    {
        long begin = (long)tensor["data_offsets"]![0]!, end = (long)tensor["data_offsets"]![1]!, at = data.Length;
        data.Write(bytes, (int)(dataStart + begin), (int)(end - begin));
        reduced[name] = new JsonObject
        {
            ["dtype"] = tensor["dtype"]!.DeepClone(), ["shape"] = tensor["shape"]!.DeepClone(), ["data_offsets"] = new JsonArray(at, data.Length),
        };
    }
    Write(target, reduced, data.ToArray());
    Console.WriteLine($"{Path.GetFileName(target),-34} {kept.Count,4} of {header.Count - 1,4} tensors  {new FileInfo(target).Length,10:N0} of {bytes.Length,10:N0} bytes");
}
return 0;

static (JsonObject Header, int DataStart) ReadHeader(byte[] bytes)
{
    int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(bytes));
    return (JsonNode.Parse(bytes.AsSpan(8, length))!.AsObject(), 8 + length);
}

static void Write(string path, JsonObject header, byte[] data)
{
    byte[] json = Encoding.UTF8.GetBytes(header.ToJsonString(Compact()));
    int padded = (json.Length + 7) / 8 * 8; // spaces after the header keep the data aligned
    using FileStream file = File.Create(path);
    Span<byte> length = stackalloc byte[8];
    BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)padded);
    file.Write(length);
    file.Write(json);
    file.Write(Encoding.ASCII.GetBytes(new string(' ', padded - json.Length)));
    file.Write(data);
}

// Numbers inside are carried over as written, digit for digit.
static JsonObject Metadata(JsonObject original, Subset subset, string[] kept)
{
    var metadata = (JsonObject)original.DeepClone();
    if (subset.As is not null)
    {
        foreach (string key in new[] { "cases", "floors" }) metadata.Remove(key); // tables alone: no case is left
        return metadata;
    }
    bool HasTensor(string part) => kept.Any(n => Regex.IsMatch(n, $@"^(in|mid|out)\.{Regex.Escape(part)}(\.|$)"));
    Filter(metadata, "cases", (name, _) => subset.Cases?.Contains(name) ?? HasTensor(name));
    string[]? cases = Parse(metadata, "cases")?.Select(c => c.Key).ToArray();
    // Floors are keyed by case where a file has cases, else by output.
    Filter(metadata, "floors", (name, floors) =>
    {
        if (cases is null || !original["cases"]!.ToString().Contains($"\"{name}\"")) return true;
        if (floors is JsonObject perTensor && subset.File.StartsWith("mmdit", StringComparison.Ordinal))
            foreach (string tensor in perTensor.Select(t => t.Key).ToList())
                if (!kept.Contains($"mid.{name}.{tensor}") && !kept.Contains($"out.{name}.{tensor}")) perTensor.Remove(tensor);
        return cases.Contains(name);
    });
    if (subset.File == "preprocess" && Parse(metadata, "config") is { } config)
    {
        var sizes = config["sizes"]!.AsObject();
        foreach (string size in sizes.Select(s => s.Key).Where(s => !HasTensor(s)).ToList()) sizes.Remove(size);
        metadata["config"] = config.ToJsonString(Compact());
    }
    return metadata;
}

static JsonObject? Parse(JsonObject metadata, string key) => metadata[key] is { } value ? JsonNode.Parse((string)value!)!.AsObject() : null;

static void Filter(JsonObject metadata, string key, Func<string, JsonNode?, bool> keep)
{
    if (Parse(metadata, key) is not { } entries) return;
    foreach (var (name, value) in entries.ToList())
        if (!keep(name, value)) entries.Remove(name);
    metadata[key] = entries.ToJsonString(Compact());
}

static JsonSerializerOptions Compact() => new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

static int ElementBytes(string dtype) => dtype switch
{
    "F64" or "I64" => 8, "F32" or "I32" => 4, "F16" or "BF16" or "I16" => 2, "U8" or "BOOL" => 1,
    _ => throw new InvalidDataException($"dtype {dtype} is unknown"),
};

static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

/// <summary>One file and what stays of it; <c>As</c> is its name here where that differs, <c>Cases</c> the cases to list where patterns keep only parts.</summary>
internal sealed record Subset(string File, string[] Patterns)
{
    private readonly Regex _keep = new("^(" + string.Join('|', Patterns.Select(ToRegex)) + ")$");

    public string? As { get; init; }
    public string[]? Cases { get; init; }

    public bool Keeps(string name) => _keep.IsMatch(name);

    private static string ToRegex(string pattern) =>
        Regex.Escape(pattern).Replace(@"\*", ".*").Replace(@"\{", "(").Replace("}", ")").Replace(",", "|");
}
