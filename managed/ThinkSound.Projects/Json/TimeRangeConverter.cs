using System.Text.Json;
using System.Text.Json.Serialization;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>A stretch of time as <c>{"start_s": 1.5, "end_s": 3}</c>, to the microsecond.</summary>
internal sealed class TimeRangeConverter : JsonConverter<TimeRange>
{
    private const string StartName = "start_s", EndName = "end_s";

    public override TimeRange Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new JsonException("a stretch of time is an object");
        TimeSpan? start = null, end = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string? name = reader.GetString();
            reader.Read();
            if (name == StartName) start = TimeSpan.FromSeconds(reader.GetDouble());
            else if (name == EndName) end = TimeSpan.FromSeconds(reader.GetDouble());
            else throw new JsonException($"a stretch of time has no \"{name}\"");
        }
        return new TimeRange(start ?? throw new JsonException("no start_s"), end ?? throw new JsonException("no end_s"));
    }

    public override void Write(Utf8JsonWriter writer, TimeRange value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteNumber(StartName, Math.Round(value.Start.TotalSeconds, 6));
        writer.WriteNumber(EndName, Math.Round(value.End.TotalSeconds, 6));
        writer.WriteEndObject();
    }
}
