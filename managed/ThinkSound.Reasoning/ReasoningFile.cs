using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ThinkSound.Reasoning.Answers;

namespace ThinkSound.Reasoning;

/// <summary>Reasonings as JSON, to be kept, edited by hand and used again without the video.</summary>
public static class ReasoningFile
{
    private static readonly ReasoningJson Json = new(new JsonSerializerOptions
    {
        WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>The JSON schema of such files.</summary>
    public static string Schema => ReasoningSchema.Text;

    /// <summary>As JSON.</summary>
    public static string Write(Reasoning reasoning)
    {
        ArgumentNullException.ThrowIfNull(reasoning);
        return JsonSerializer.Serialize(reasoning, Json.Reasoning);
    }

    /// <summary>Writes a file, completely or not at all; one that is there is replaced.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static async Task SaveAsync(Reasoning reasoning, string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        byte[] json = Encoding.UTF8.GetBytes(Write(reasoning) + "\n");
        await Task.Run(() => AtomicFile.Write(path, file => file.Write(json), overwrite: true), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="ResourceNotFoundException">There is none.</exception>
    /// <exception cref="FileAccessException">It cannot be read.</exception>
    /// <exception cref="ReasoningException"><see cref="ReasoningFailure.BadFile"/>: it is not JSON, does not fit the schema, or was
    /// written by a newer version. The message names what does not fit.</exception>
    public static async Task<Reasoning> LoadAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string json;
        try
        {
            json = await File.ReadAllTextAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ResourceNotFoundException($"{path}: no such file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FileAccessException($"{path}: cannot be read: {e.Message}");
        }
        return Parse(json, path);
    }

    /// <summary>Reads JSON. What is missing takes its default.</summary>
    /// <param name="json">A whole reasoning.</param>
    /// <param name="origin">What to call it in messages.</param>
    /// <exception cref="ReasoningException">As <see cref="LoadAsync"/>.</exception>
    public static Reasoning Parse(string json, string origin = "reasoning")
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            var options = new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false };
            JsonNode? value = JsonNode.Parse(json, documentOptions: options);
            if ((value as JsonObject)?["version"] is JsonValue version && version.TryGetValue(out int number) && number > Reasoning.CurrentVersion)
                throw new ReasoningException(ReasoningFailure.BadFile, $"{origin}: is of version {number}, and this program knows up to {Reasoning.CurrentVersion}; use a newer one");
            string[] problems = [.. JsonSchema.Check(value, ReasoningSchema.Whole).Take(5)];
            if (problems.Length > 0) throw new ReasoningException(ReasoningFailure.BadFile, $"{origin}: is no reasoning: {string.Join("; ", problems)}");
            return FromNode(value!.AsObject());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new ReasoningException(ReasoningFailure.BadFile, $"{origin}: is no reasoning: {e.Message}", e);
        }
    }

    /// <summary>A value that fits the schema.</summary>
    internal static Reasoning FromNode(JsonObject value)
    {
        JsonSchema.FillDefaults(value, ReasoningSchema.Whole);
        Reasoning reasoning = value.Deserialize(Json.Reasoning)!;
        return reasoning with { Events = [.. reasoning.Events.OrderBy(e => e.Start)] };
    }
}

[JsonSerializable(typeof(Reasoning))]
internal sealed partial class ReasoningJson : JsonSerializerContext;
