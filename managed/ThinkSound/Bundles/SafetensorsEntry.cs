using System.Buffers.Binary;
using System.Text.Json;

namespace ThinkSound.Bundles;

/// <summary>What the header of a safetensors file says about one tensor.</summary>
internal readonly record struct SafetensorsEntry(string Name, string Type, long Count)
{
    private const long MaxHeaderBytes = 100_000_000; // the format's own limit

    public static IReadOnlyList<SafetensorsEntry> ReadAll(string path)
    {
        if (!File.Exists(path)) throw new ResourceNotFoundException($"{path}: not there, but the bundle names it; is it complete?");
        try
        {
            using FileStream file = File.OpenRead(path);
            Span<byte> prefix = stackalloc byte[8];
            if (file.ReadAtLeast(prefix, 8, throwOnEndOfStream: false) < 8) throw new WeightsException($"{path}: ends before its header");
            ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
            if (length > MaxHeaderBytes || (long)length > file.Length - 8)
                throw new WeightsException($"{path}: its header claims {length} bytes, the file has {file.Length}: truncated, or no safetensors file");
            var header = new byte[length];
            file.ReadExactly(header);
            using JsonDocument document = JsonDocument.Parse(header);
            var entries = new List<SafetensorsEntry>();
            foreach (JsonProperty member in document.RootElement.EnumerateObject())
            {
                if (member.Name == "__metadata__") continue;
                long count = 1;
                foreach (JsonElement axis in member.Value.GetProperty("shape").EnumerateArray()) count = checked(count * axis.GetInt64());
                entries.Add(new SafetensorsEntry(member.Name, member.Value.GetProperty("dtype").GetString() ?? "", count));
            }
            return entries;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw new WeightsException($"{path}: its header is damaged: {e.Message}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FileAccessException($"{path}: cannot be read: {e.Message}");
        }
    }
}
