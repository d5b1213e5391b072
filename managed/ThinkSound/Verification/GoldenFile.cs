using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>A golden file: safetensors whose keys begin with <c>w.</c> (weights), <c>in.</c>, <c>mid.</c> or <c>out.</c> and whose
/// metadata says which network, with which configuration, made them. Format: tests/golden/README.md.</summary>
internal sealed class GoldenFile
{
    private const int MaxHeaderBytes = 100 << 20;
    private const long MaxTensorBytes = 1L << 31;

    private readonly Dictionary<string, (TensorType Type, long[] Shape, long Begin, long Length)> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _metadata = new(StringComparer.Ordinal);
    private readonly long _dataStart;

    private GoldenFile(string path, long dataStart)
    {
        Path = path;
        _dataStart = dataStart;
    }

    /// <summary>Reads the header alone; tensors are read when asked for.</summary>
    /// <exception cref="WeightsException">Not a safetensors file, or a damaged one.</exception>
    public static GoldenFile Open(string path)
    {
        if (!File.Exists(path)) throw new ResourceNotFoundException($"{path}: no such file");
        using FileStream stream = File.OpenRead(path);
        Span<byte> prefix = stackalloc byte[8];
        if (stream.Length < 8 || stream.Read(prefix) != 8) throw Damaged(path, "shorter than its own length field");
        ulong headerBytes = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (headerBytes > MaxHeaderBytes || (long)headerBytes > stream.Length - 8) throw Damaged(path, $"a header of {headerBytes} bytes does not fit");
        byte[] header = new byte[headerBytes];
        stream.ReadExactly(header);
        var file = new GoldenFile(path, 8 + (long)headerBytes);
        try
        {
            using JsonDocument json = JsonDocument.Parse(header);
            foreach (JsonProperty property in json.RootElement.EnumerateObject()) file.Add(property, stream.Length - file._dataStart);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw Damaged(path, $"its header is not what safetensors has ({e.Message})");
        }
        return file;
    }

    public string Path { get; }
    public string Name => System.IO.Path.GetFileName(Path);
    public IEnumerable<string> Keys => _tensors.Keys;
    public bool Has(string key) => _tensors.ContainsKey(key);
    public bool HasPrefix(string prefix) => _tensors.Keys.Any(key => key.StartsWith(prefix, StringComparison.Ordinal));
    public IReadOnlyList<long> ShapeOf(string key) => _tensors[key].Shape;

    /// <summary>A metadata entry as it stands, or null.</summary>
    public string? Metadata(string key) => _metadata.GetValueOrDefault(key);

    /// <summary>A metadata entry that is JSON, or null.</summary>
    public JsonNode? Json(string key)
    {
        if (!_metadata.TryGetValue(key, out string? text)) return null;
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            return JsonValue.Create(text); // plain words, e.g. a file name
        }
    }

    /// <summary>The tensor under <paramref name="key"/>, called <paramref name="name"/> from now on.</summary>
    public Tensor Read(string key, string? name = null)
    {
        (TensorType type, long[] shape, long begin, long length) = _tensors[key];
        byte[] data = new byte[length];
        using FileStream stream = File.OpenRead(Path);
        stream.Seek(_dataStart + begin, SeekOrigin.Begin);
        stream.ReadExactly(data);
        return new Tensor(name ?? key, type, shape, data);
    }

    private void Add(JsonProperty property, long dataLength)
    {
        if (property.Name == "__metadata__")
        {
            foreach (JsonProperty entry in property.Value.EnumerateObject()) _metadata[entry.Name] = entry.Value.GetString() ?? "";
            return;
        }
        TensorType type = property.Value.GetProperty("dtype").GetString() switch
        {
            "F32" => TensorType.Float32, "F64" => TensorType.Float64, "F16" => TensorType.Float16, "BF16" => TensorType.BFloat16,
            "I64" => TensorType.Int64, "I32" => TensorType.Int32, "I16" => TensorType.Int16, "U8" or "BOOL" => TensorType.UInt8,
            string other => throw Damaged(Path, $"{property.Name} holds {other}, which no golden does"),
            null => throw Damaged(Path, $"{property.Name} has no dtype"),
        };
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(length => length.GetInt64())];
        long[] offsets = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        long bytes = Tensor.SizeOf(type);
        foreach (long length in shape)
        {
            if (length < 0 || length > MaxTensorBytes || (bytes *= length) > MaxTensorBytes) throw Damaged(Path, $"{property.Name} has an impossible shape");
        }
        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] > dataLength || offsets[1] - offsets[0] != bytes)
            throw Damaged(Path, $"{property.Name} does not lie within the file");
        _tensors[property.Name] = (type, shape, offsets[0], bytes);
    }

    private static WeightsException Damaged(string path, string why) => new($"{path}: {why}");
}
