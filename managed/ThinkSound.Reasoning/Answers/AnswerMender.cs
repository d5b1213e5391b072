using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ThinkSound.Reasoning.Answers;

/// <summary>Brings an answer nearer to its schema where what was meant is plain: other names for fields, numbers with units, words
/// where a number belongs, one thing where a list belongs, times out of bounds. What it does, it says.</summary>
internal sealed class AnswerMender(double durationS)
{
    private const double ShortestS = 0.05, MillisecondsAbove = 20; // so many times too late can only be another unit

    private static readonly Dictionary<string, string[]> OtherNames = new()
    {
        ["start_s"] = ["start", "start_time", "start_seconds", "begin", "begin_s", "from", "onset", "onset_s", "time", "timestamp", "t"],
        ["end_s"] = ["end", "end_time", "end_seconds", "stop", "until", "to", "offset"],
        ["object"] = ["source", "subject", "name", "what"],
        ["action"] = ["event", "motion", "verb"],
        ["material"] = ["materials", "surface"],
        ["sound"] = ["sounds", "description", "sound_description", "audio", "timbre"],
        ["intensity"] = ["loudness", "volume", "level"],
        ["layer"] = ["group", "category", "track"],
        ["level_db"] = ["level", "gain_db", "gain", "volume_db", "db"],
        ["place"] = ["location", "environment", "room", "type", "description"],
        ["reverberation_s"] = ["reverberation", "reverb", "reverb_s", "rt60", "rt60_s", "decay_s"],
        ["distance"] = ["perspective", "distance_m"],
        ["thoughts"] = ["thought", "reasoning", "thinking", "analysis", "steps"],
        ["space"] = ["acoustics", "acoustic_space", "acoustic", "environment"],
        ["events"] = ["sound_events", "sounds"],
        ["avoid"] = ["exclude", "negative", "not_heard"],
        ["edit"] = ["edit_plan", "change"],
        ["target"] = ["object", "what"],
        ["operation"] = ["op", "kind", "type"],
        ["caption"] = ["clip_caption", "summary", "title"],
        ["chain_of_thought"] = ["cot", "caption_cot", "chain-of-thought", "chainOfThought", "t5", "prompt"],
    };

    private readonly List<string> _repairs = [];

    /// <summary>What was done, a sentence each.</summary>
    public IReadOnlyList<string> Repairs => _repairs;

    /// <summary>Mends an answer in place, and fills in what has a default.</summary>
    public void Mend(JsonObject answer, JsonObject schema)
    {
        MendObject(answer, schema, "");
        foreach (var (name, _) in JsonSchema.Properties(schema))
            if (!answer.ContainsKey(name)) _repairs.Add($"{name} was missing");
        JsonSchema.FillDefaults(answer, schema);
        if (answer["events"] is JsonArray events) MendEvents(events);
        if (answer["edit"] is JsonObject edit) MendStretch(edit, "edit", 0, durationS);
        if (answer["layers"] is JsonArray layers) MendLayers(layers, answer["events"] as JsonArray ?? []);
    }

    private void MendObject(JsonObject value, JsonObject schema, string path)
    {
        var known = JsonSchema.Properties(schema).ToDictionary(property => property.Name, property => property.Schema);
        foreach (string name in value.Select(member => member.Key).Where(key => !known.ContainsKey(key)).ToArray())
        {
            JsonNode? member = value[name];
            value.Remove(name);
            string? meant = known.Keys.FirstOrDefault(key => !value.ContainsKey(key) &&
                (key.Equals(name, StringComparison.OrdinalIgnoreCase) || OtherNames.GetValueOrDefault(key, []).Contains(name, StringComparer.OrdinalIgnoreCase)));
            if (meant is not null) value[meant] = member;
            _repairs.Add(meant is null ? $"the unknown field {path}{Short(name)} was left out" : $"{path}{Short(name)} was taken for {meant}");
        }
        foreach (var (name, property) in known)
        {
            if (!value.TryGetPropertyValue(name, out JsonNode? member)) continue;
            JsonNode? mended = MendValue(member, property, path + name);
            if (mended is null && property.ContainsKey("default") && !JsonSchema.Types(property["type"]!).Contains("null")) value.Remove(name);
            else if (!ReferenceEquals(mended, member)) value[name] = mended;
        }
    }

    private JsonNode? MendValue(JsonNode? value, JsonObject schema, string path)
    {
        string type = JsonSchema.Types(schema["type"]!).First();
        switch (type, value)
        {
            case ("object", JsonObject members):
                MendObject(members, schema, path + ".");
                return value;
            case ("array", JsonArray items):
                var item = schema["items"]!.AsObject();
                var kept = new JsonArray();
                foreach (JsonNode? element in items.ToArray())
                {
                    items.Remove(element);
                    if (MendValue(element, item, $"{path}[{kept.Count}]") is { } mended && !IsEmptyText(mended)) kept.Add(mended);
                    else Say(path, "an empty item was left out");
                }
                return kept;
            case ("array", JsonValue or JsonObject):
                Say(path, "one item was taken for a list");
                JsonNode[] parts = value is JsonValue single && single.GetValueKind() == JsonValueKind.String && schema["items"]!["type"]!.GetValue<string>() == "string"
                    ? [.. single.GetValue<string>().Split([',', ';'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(part => JsonValue.Create(part))]
                    : [value.DeepClone()];
                return MendValue(new JsonArray(parts), schema, path);
            case ("string", JsonValue text) when text.GetValueKind() == JsonValueKind.String:
                return MendText(text, schema, path);
            case ("string", JsonValue other):
                Say(path, "a number was taken for words");
                return JsonValue.Create(other.ToJsonString());
            case ("string", JsonArray words) when words.All(word => word is JsonValue):
                Say(path, "a list was taken for one text");
                return JsonValue.Create(string.Join(", ", words.Select(word => word!.ToString())));
            case ("string", null):
                return null;
            case ("number", JsonValue text) when text.GetValueKind() == JsonValueKind.String:
                return MendNumber(text.GetValue<string>(), schema, path);
            case ("number", JsonValue number) when number.GetValueKind() == JsonValueKind.Number && path.EndsWith("intensity", StringComparison.Ordinal):
                return MendIntensity(number, path);
            case ("number", JsonArray { Count: > 0 } range):
                Say(path, "the first of several numbers was taken");
                return MendValue(range[0]?.DeepClone(), schema, path);
        }
        return value;
    }

    private JsonValue MendText(JsonValue value, JsonObject schema, string path)
    {
        string text = value.GetValue<string>(), trimmed = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        if (trimmed.Any(char.IsControl))
        {
            Say(path, "control characters were left out");
            trimmed = string.Concat(trimmed.Where(c => !char.IsControl(c)));
        }
        if (schema["enum"] is JsonArray choices && choices.Select(choice => choice!.GetValue<string>()).FirstOrDefault(choice => IsMeant(choice, trimmed)) is { } meant)
            trimmed = meant;
        if (schema["maxLength"]?.GetValue<int>() is { } most && trimmed.Length > most)
        {
            Say(path, $"{trimmed.Length} characters were cut to {most}");
            trimmed = trimmed[..most];
        }
        return trimmed == text ? value : JsonValue.Create(trimmed);

        // "Addition", "removal", "extension", "in-painting"
        static bool IsMeant(string choice, string said) =>
            said.Replace("-", "").StartsWith(choice.Length > 4 ? choice[..^1] : choice, StringComparison.OrdinalIgnoreCase);
    }

    private JsonNode? MendNumber(string text, JsonObject schema, string path)
    {
        double? number = path.EndsWith("intensity", StringComparison.Ordinal) ? Quantity.Loudness(text) ?? Quantity.Parse(text) : Quantity.Parse(text);
        Say(path, number is null ? $"\"{Short(text)}\" is no number and was left out" : $"\"{Short(text)}\" was taken for a number");
        return number is { } found ? MendValue(JsonValue.Create(found), schema, path) : null;
    }

    /// <summary>Of 10, or of 100.</summary>
    private JsonValue MendIntensity(JsonValue value, string path)
    {
        double number = JsonSchema.Number(value);
        if (number is not (> 1 and <= 100)) return value;
        Say(path, "was scaled to 0 … 1");
        return JsonValue.Create(number <= 10 ? number / 10 : number / 100);
    }

    private void MendEvents(JsonArray events)
    {
        JsonObject[] all = [.. events.OfType<JsonObject>()];
        double[] times = [.. all.SelectMany(e => new[] { Time(e, "start_s"), Time(e, "end_s") }).Where(time => time > 0)];
        // One alone may be a slip; of milliseconds most are too late for seconds.
        if (durationS > 0 && times.Any(time => time > MillisecondsAbove * durationS) && times.Count(time => time > durationS) > times.Length / 2)
        {
            _repairs.Add("times of events were taken for milliseconds");
            foreach (JsonObject e in all)
                foreach (string key in (string[])["start_s", "end_s"]) e[key] = Time(e, key) / 1000;
        }
        for (int i = 0; i < all.Length; i++)
        {
            string path = $"events[{i}]";
            if (Time(all[i], "start_s") >= durationS && durationS > 0)
            {
                events.Remove(all[i]);
                Say(path, string.Create(CultureInfo.InvariantCulture, $"begins after the sound's end ({durationS:0.##} s) and was left out"));
            }
            else MendStretch(all[i], path, ShortestS, durationS);
        }
    }

    /// <summary>A begin before an end, both within the sound.</summary>
    private void MendStretch(JsonObject value, string path, double shortest, double whole)
    {
        double start = Time(value, "start_s"), end = Time(value, "end_s"), from = start, to = end;
        if (to < from && to > 0) (from, to) = (to, from);
        if (to <= from) to = value["end_s"] is null || end == 0 ? whole : from;
        from = Math.Clamp(from, 0, whole);
        to = Math.Clamp(Math.Max(to, from + shortest), 0, whole);
        from = Math.Min(from, Math.Max(0, to - shortest));
        if (from == start && to == end) return;
        (value["start_s"], value["end_s"]) = (from, to);
        Say(path, string.Create(CultureInfo.InvariantCulture, $"{start:0.###} … {end:0.###} s became {from:0.###} … {to:0.###} s"));
    }

    /// <summary>Every layer that an event names is there; the loudest is at 0 dB.</summary>
    private void MendLayers(JsonArray layers, JsonArray events)
    {
        foreach (JsonNode? named in layers.Concat(events))
        {
            string key = layers.Contains(named) ? "name" : "layer";
            if (named?[key] is JsonValue name && name.GetValueKind() == JsonValueKind.String) named[key] = name.GetValue<string>().Trim().ToLowerInvariant();
        }
        var known = layers.Select(layer => layer?["name"]?.ToString()).ToHashSet();
        foreach (string? name in events.Select(e => e?["layer"]?.ToString()).Distinct().Where(name => name is not null && known.Add(name)))
        {
            layers.Add((JsonNode)new JsonObject { ["name"] = name, ["description"] = "", ["level_db"] = 0 });
            if (layers.Count > 1) _repairs.Add($"the layer {Short(name!)} was missing");
        }
        double loudest = layers.Select(layer => layer?["level_db"] is JsonValue level && level.GetValueKind() == JsonValueKind.Number ? JsonSchema.Number(level) : 0)
                               .DefaultIfEmpty(0).Max();
        if (loudest <= 0) return;
        _repairs.Add("levels of layers were moved below 0 dB");
        foreach (JsonObject layer in layers.OfType<JsonObject>())
            if (layer["level_db"] is JsonValue level && level.GetValueKind() == JsonValueKind.Number) layer["level_db"] = Math.Max(-60, JsonSchema.Number(level) - loudest);
    }

    private static double Time(JsonObject value, string key) =>
        value[key] is JsonValue number && number.GetValueKind() == JsonValueKind.Number && JsonSchema.Number(number) is var time && double.IsFinite(time) ? Math.Max(0, time) : 0;

    private static bool IsEmptyText(JsonNode node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String && string.IsNullOrWhiteSpace(value.GetValue<string>());

    private void Say(string path, string what) => _repairs.Add($"{path}: {what}");

    private static string Short(string text) => text.Length <= 40 ? text : text[..39] + "…";
}
