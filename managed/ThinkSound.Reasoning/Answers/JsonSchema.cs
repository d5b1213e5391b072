using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ThinkSound.Reasoning.Answers;

/// <summary>Holds JSON against a schema: the keywords that reasoning.schema.json uses (type, enum, const, required,
/// properties, additionalProperties, items, default, and bounds of numbers, strings and arrays), and no others.</summary>
internal static class JsonSchema
{
    /// <summary>What does not fit, a sentence each, beginning with the place: "events[2].end_s: …".</summary>
    public static IEnumerable<string> Check(JsonNode? value, JsonObject schema, string path = "")
    {
        if (schema["type"] is { } type && !Types(type).Any(name => IsOfType(value, name)))
            return [$"{Place(path)}: {string.Join(" or ", Types(type))} belongs here, not {Describe(value)}"];
        return value switch
        {
            JsonObject members => CheckObject(members, schema, path),
            JsonArray items => CheckArray(items, schema, path),
            JsonValue single => CheckValue(single, schema, path),
            _ => [],
        };
    }

    /// <summary>Puts in what is missing and has a default, all the way down.</summary>
    public static void FillDefaults(JsonNode? value, JsonObject schema)
    {
        if (value is JsonObject members)
        {
            foreach (var (name, property) in Properties(schema))
            {
                if (!members.ContainsKey(name) && property.ContainsKey("default")) members[name] = property["default"]?.DeepClone();
                if (members[name] is { } member) FillDefaults(member, property);
            }
        }
        else if (value is JsonArray items && schema["items"] is JsonObject item)
        {
            foreach (JsonNode? element in items) FillDefaults(element, item);
        }
    }

    public static IEnumerable<(string Name, JsonObject Schema)> Properties(JsonObject schema) =>
        schema["properties"] is JsonObject properties ? properties.Select(pair => (pair.Key, pair.Value!.AsObject())) : [];

    /// <summary>The types that a schema allows: one, or several.</summary>
    public static IEnumerable<string> Types(JsonNode type) =>
        type is JsonArray several ? several.Select(name => name!.GetValue<string>()) : [type.GetValue<string>()];

    private static IEnumerable<string> CheckObject(JsonObject members, JsonObject schema, string path)
    {
        foreach (JsonNode? name in schema["required"]?.AsArray() ?? [])
            if (!members.ContainsKey(name!.GetValue<string>())) yield return $"{Place(Member(path, name.GetValue<string>()))}: is missing";
        foreach (var (name, member) in members)
        {
            if (schema["properties"]?[name] is JsonObject property)
                foreach (string problem in Check(member, property, Member(path, name))) yield return problem;
            else if (schema["additionalProperties"] is JsonValue others && !others.GetValue<bool>())
                yield return $"{Place(Member(path, name))}: no such field";
        }
    }

    private static IEnumerable<string> CheckArray(JsonArray items, JsonObject schema, string path)
    {
        if (schema["maxItems"] is { } most && items.Count > most.GetValue<int>()) yield return $"{Place(path)}: {items.Count} items are more than {most.GetValue<int>()}";
        if (schema["items"] is not JsonObject item) yield break;
        for (int i = 0; i < items.Count; i++)
            foreach (string problem in Check(items[i], item, $"{path}[{i}]")) yield return problem;
    }

    private static IEnumerable<string> CheckValue(JsonValue value, JsonObject schema, string path)
    {
        if (schema["const"] is { } only && !JsonNode.DeepEquals(value, only)) yield return $"{Place(path)}: is {Describe(value)}, and only {only.ToJsonString()} is known";
        if (schema["enum"] is JsonArray choices && !choices.Any(choice => JsonNode.DeepEquals(choice, value)))
            yield return $"{Place(path)}: is {Describe(value)}, not one of {string.Join(", ", choices.Select(choice => choice!.GetValue<string>()))}";
        if (value.GetValueKind() == JsonValueKind.Number)
        {
            double number = Number(value);
            if (schema["minimum"] is { } least && number < Number(least)) yield return Bound("less", least);
            if (schema["exclusiveMinimum"] is { } below && number <= Number(below)) yield return Bound("not more", below);
            if (schema["maximum"] is { } most && number > Number(most)) yield return Bound("more", most);
            string Bound(string how, JsonNode bound) =>
                string.Create(CultureInfo.InvariantCulture, $"{Place(path)}: {number} is {how} than {Number(bound)}");
        }
        else if (value.GetValueKind() == JsonValueKind.String)
        {
            int length = value.GetValue<string>().Length;
            if (schema["minLength"] is { } least && length < least.GetValue<int>()) yield return $"{Place(path)}: is empty";
            if (schema["maxLength"] is { } most && length > most.GetValue<int>()) yield return $"{Place(path)}: {length} characters are more than {most.GetValue<int>()}";
        }
    }

    private static bool IsOfType(JsonNode? value, string type) => (value?.GetValueKind() ?? JsonValueKind.Null, type) switch
    {
        (JsonValueKind.Object, "object") or (JsonValueKind.Array, "array") or (JsonValueKind.String, "string") or (JsonValueKind.Null, "null") or
            (JsonValueKind.True or JsonValueKind.False, "boolean") => true,
        (JsonValueKind.Number, "number") => double.IsFinite(Number(value!)),
        (JsonValueKind.Number, "integer") => double.IsInteger(Number(value!)),
        _ => false,
    };

    /// <summary>Of a number, however the node holds it.</summary>
    public static double Number(JsonNode value) => double.Parse(value.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);

    private static string Member(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";

    private static string Place(string path) => path.Length == 0 ? "the whole" : path;

    private static string Describe(JsonNode? value)
    {
        string text = value switch { null => "null", JsonObject => "an object", JsonArray => "an array", _ => value.ToJsonString() };
        return text.Length <= 60 ? text : text[..57] + "…";
    }
}
