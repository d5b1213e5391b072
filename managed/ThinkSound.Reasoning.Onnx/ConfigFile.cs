using System.Text.Json;

namespace ThinkSound.Reasoning.Onnx;

/// <summary>An object of a JSON file, read with the file's name in every complaint.</summary>
internal readonly struct ConfigFile
{
    private readonly JsonElement _object;

    private ConfigFile(string path, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object) throw new ReasoningModelException($"{path} holds no JSON object");
        (Path, _object) = (path, value);
    }

    /// <summary>The file, and the keys that led to this object in it.</summary>
    public string Path { get; }

    public static ConfigFile Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(file);
            return new ConfigFile(path, document.RootElement.Clone());
        }
        catch (JsonException e)
        {
            throw new ReasoningModelException($"{path} is not JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ReasoningModelException($"{path} cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Null in the file counts as absent.</summary>
    public bool TryGet(string key, out JsonElement value) => _object.TryGetProperty(key, out value) && value.ValueKind != JsonValueKind.Null;

    public ConfigFile? Object(string key) => TryGet(key, out JsonElement value) ? new ConfigFile($"{Path}: {key}", value) : null;

    public ConfigFile RequiredObject(string key) => Object(key) ?? throw Fault(key, "is missing");

    public int Int(string key, int? otherwise = null) =>
        !TryGet(key, out JsonElement value) ? otherwise ?? throw Fault(key, "is missing")
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int number) && number >= 0 ? number
        : throw Fault(key, "is not a whole number of 0 or more");

    /// <summary>A size: a whole number of 1 or more.</summary>
    public int Size(string key, int? otherwise = null) => Int(key, otherwise) is > 0 and var size ? size : throw Fault(key, "is 0");

    public double Number(string key, double otherwise) =>
        !TryGet(key, out JsonElement value) ? otherwise : value.ValueKind == JsonValueKind.Number ? value.GetDouble() : throw Fault(key, "is not a number");

    public bool Flag(string key, bool otherwise) =>
        !TryGet(key, out JsonElement value) ? otherwise
        : value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Fault(key, "is not true or false");

    public string? Text(string key) =>
        !TryGet(key, out JsonElement value) ? null : value.ValueKind == JsonValueKind.String ? value.GetString() : throw Fault(key, "is not a text");

    /// <summary>Three numbers, of the colours.</summary>
    public float[] Colours(string key, float[] otherwise)
    {
        if (!TryGet(key, out JsonElement value)) return otherwise;
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() != 3 || value.EnumerateArray().Any(v => v.ValueKind != JsonValueKind.Number))
            throw Fault(key, "is not three numbers");
        return [.. value.EnumerateArray().Select(v => v.GetSingle())];
    }

    /// <summary>One whole number or several.</summary>
    public int[] Ints(string key)
    {
        if (!TryGet(key, out JsonElement value)) return [];
        var numbers = new List<int>();
        foreach (JsonElement item in value.ValueKind == JsonValueKind.Array ? value.EnumerateArray().ToArray() : [value])
            numbers.Add(item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number) ? number : throw Fault(key, "holds something else than whole numbers"));
        return [.. numbers];
    }

    public ReasoningModelException Fault(string key, string what) => new($"{Path}: \"{key}\" {what}");
}

internal static class JsonElements
{
    /// <exception cref="FormatException">It is not there.</exception>
    public static JsonElement Required(this JsonElement element, string key) =>
        element.TryGetProperty(key, out JsonElement value) ? value : throw new FormatException($"\"{key}\" is missing");
}
