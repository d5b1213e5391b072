using System.Text.Json;
using System.Text.Json.Serialization;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>A reasoning as its own files have it; see <see cref="ReasoningFile"/>.</summary>
internal sealed class ReasoningConverter : JsonConverter<Reasoning.Reasoning>
{
    public override Reasoning.Reasoning Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        try
        {
            return ReasoningFile.Parse(document.RootElement.GetRawText(), "a reasoning in it");
        }
        catch (ReasoningException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    public override void Write(Utf8JsonWriter writer, Reasoning.Reasoning value, JsonSerializerOptions options)
    {
        using JsonDocument document = JsonDocument.Parse(ReasoningFile.Write(value));
        document.RootElement.WriteTo(writer);
    }
}
