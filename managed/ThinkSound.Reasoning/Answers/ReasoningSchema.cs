using System.Text.Json;
using System.Text.Json.Nodes;

namespace ThinkSound.Reasoning.Answers;

/// <summary>The schema of reasonings, and the part of it that a model answers.</summary>
internal static class ReasoningSchema
{
    // What every server's structured output understands. Bounds are left to our own check.
    private static readonly string[] Portable = ["type", "description", "enum", "properties", "items", "required", "additionalProperties"];

    /// <summary>Of a whole reasoning as it is saved.</summary>
    public static JsonObject Whole { get; } = JsonNode.Parse(Text)!.AsObject();

    /// <summary>The file reasoning.schema.json.</summary>
    public static string Text => Resource.Read("reasoning.schema.json");

    /// <summary>Of an answer: what is not readOnly, and all of it required. An edit is part of it at its stage only.</summary>
    public static JsonObject Answer(ReasoningStage stage)
    {
        JsonObject answer = WithoutReadOnly(Whole).AsObject();
        if (stage != ReasoningStage.Edit) answer["properties"]!.AsObject().Remove("edit");
        else answer["properties"]!["edit"]!["type"] = "object";
        RequireAll(answer);
        return answer;
    }

    /// <summary>An answer's schema for a server.</summary>
    public static JsonElement ForServer(ReasoningStage stage) => JsonDocument.Parse(Strip(Answer(stage)).ToJsonString()).RootElement;

    private static JsonNode WithoutReadOnly(JsonNode node)
    {
        if (node is not JsonObject schema) return node.DeepClone();
        var kept = new JsonObject();
        foreach (var (key, value) in schema)
        {
            if (key == "properties")
                kept[key] = new JsonObject(value!.AsObject().Where(property => property.Value!["readOnly"] is null)
                                                 .Select(property => KeyValuePair.Create(property.Key, (JsonNode?)WithoutReadOnly(property.Value!))));
            else kept[key] = key == "items" ? WithoutReadOnly(value!) : value?.DeepClone();
        }
        return kept;
    }

    private static void RequireAll(JsonObject schema)
    {
        if (schema["properties"] is JsonObject properties)
        {
            schema["required"] = new JsonArray([.. properties.Select(property => JsonValue.Create(property.Key))]);
            foreach (var (_, property) in properties) RequireAll(property!.AsObject());
        }
        if (schema["items"] is JsonObject items) RequireAll(items);
    }

    private static JsonObject Strip(JsonObject schema)
    {
        var kept = new JsonObject();
        foreach (string key in Portable)
        {
            if (!schema.TryGetPropertyValue(key, out JsonNode? value)) continue;
            kept[key] = (key, value) switch
            {
                ("properties", JsonObject properties) =>
                    new JsonObject(properties.Select(property => KeyValuePair.Create(property.Key, (JsonNode?)Strip(property.Value!.AsObject())))),
                ("items", JsonObject items) => Strip(items),
                _ => value?.DeepClone(),
            };
        }
        return kept;
    }
}
