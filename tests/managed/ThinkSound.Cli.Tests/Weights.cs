using System.Buffers.Binary;
using System.Text.Json;

namespace ThinkSound.Cli.Tests;

/// <summary>Weight files that a test damages.</summary>
internal static class Weights
{
    /// <summary>Makes the second value of the last f16 tensor of a safetensors file NaN; the tensor's name.</summary>
    public static string Spoil(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument names = JsonDocument.Parse(bytes.AsMemory(8, header));
        JsonProperty tensor = names.RootElement.EnumerateObject().Last(entry => entry.Value.TryGetProperty("dtype", out JsonElement type) && type.GetString() == "F16");
        int begin = tensor.Value.GetProperty("data_offsets")[0].GetInt32();
        BinaryPrimitives.WriteHalfLittleEndian(bytes.AsSpan(8 + header + begin + 2), Half.NaN);
        File.WriteAllBytes(file, bytes);
        return tensor.Name;
    }
}
