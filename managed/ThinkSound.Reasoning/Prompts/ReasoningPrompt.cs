using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;
using Microsoft.Extensions.AI;
using ThinkSound.Reasoning.Answers;
using ThinkSound.Reasoning.Frames;

namespace ThinkSound.Reasoning.Prompts;

/// <summary>What a chat model is told: who it is, the stage's task with its data and frames, the form of the answer.</summary>
internal static class ReasoningPrompt
{
    // Letters of all scripts stay; < > & and quotation marks are escaped, so that no text can end the block that it stands in.
    private static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.Create(UnicodeRanges.All);
    private static readonly Dictionary<string, string> Nothing = [];

    /// <summary>The conversation that a request begins with; <paramref name="withSchema"/> tells the whole schema in words, where the
    /// server does not hold the model to it.</summary>
    public static List<ChatMessage> Messages(ReasoningRequest request, RequestSubject subject, IReadOnlyList<SampledFrame> frames, bool withSchema)
    {
        var contents = new List<AIContent> { new TextContent(Task(request, subject, frames)) };
        for (int i = 0; i < frames.Count; i++)
        {
            contents.Add(new TextContent(Label(frames[i], i, frames.Count)));
            contents.Add(new DataContent(frames[i].Jpeg, "image/jpeg"));
        }
        contents.Add(new TextContent(Answer(request.Stage, withSchema)));
        return [new ChatMessage(ChatRole.System, PromptTemplate.Render("system", Nothing)), new ChatMessage(ChatRole.User, contents)];
    }

    /// <summary>What is said when an answer cannot be used.</summary>
    public static ChatMessage Again(IEnumerable<string> problems) =>
        new(ChatRole.User, PromptTemplate.Render("again", new Dictionary<string, string> { ["problems"] = string.Join("; ", problems) }));

    /// <summary>The stage's own prompt.</summary>
    public static string Task(ReasoningRequest request, RequestSubject subject, IReadOnlyList<SampledFrame> frames) =>
        PromptTemplate.Render(request.Stage.ToString().ToLowerInvariant(), new Dictionary<string, string>
        {
            ["duration"] = Seconds(subject.Subject.Duration),
            ["region"] = Region(request.Region),
            ["range"] = request.EditRange is { } range ? $"{Seconds(range.Start)} to {Seconds(range.End)} s" : "",
            ["operation"] = request.Stage == ReasoningStage.Edit
                ? PromptTemplate.Render($"edit-{request.Operation?.ToString().ToLowerInvariant() ?? "any"}", Nothing) : "",
            ["frames"] = Frames(subject, frames),
            ["data"] = Data(request, subject),
            ["existing"] = request.Existing.Count == 0 ? "" : request.Stage == ReasoningStage.Edit
                ? "The sounds in \"existing_sounds\" of the data are what there is before the change." : "The sounds in \"existing_sounds\" of the data are there already: do not describe them again, and do not clash with them.",
            ["previous"] = request.Previous is null ? ""
                : frames.Count == 0 ? "There are no frames: \"earlier_reasoning\" of the data says what was seen; build on it."
                : "\"earlier_reasoning\" of the data is what was thought before; keep what still holds.",
        });

    /// <summary>What others wrote, as data between two marks that cannot occur in it.</summary>
    public static string Data(ReasoningRequest request, RequestSubject subject)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = Encoder }))
        {
            json.WriteStartObject();
            Write("file_name", subject.Subject.Video);
            Write("caption", subject.Subject.Caption);
            Write("chain_of_thought", request.ChainOfThought);
            Write("instruction", request.Instruction);
            if (request.Existing.Count > 0)
            {
                json.WriteStartArray("existing_sounds");
                foreach (ExistingSound sound in request.Existing)
                {
                    json.WriteStartObject();
                    Write("name", sound.Name);
                    Write("description", sound.Description);
                    if (sound.Range is { } range) Write("when", $"{Seconds(range.Start)} to {Seconds(range.End)} s");
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            }
            if (request.Previous is { } previous)
            {
                json.WritePropertyName("earlier_reasoning");
                Earlier(previous).WriteTo(json);
            }
            json.WriteEndObject();

            void Write(string name, string? text)
            {
                if (!string.IsNullOrWhiteSpace(text)) json.WriteString(name, text);
            }
        }
        string data = Encoding.UTF8.GetString(stream.ToArray());
        return data == "{}" ? "" : $"<user-data>{data}</user-data>";
    }

    private static string Answer(ReasoningStage stage, bool withSchema)
    {
        JsonObject schema = ReasoningSchema.Answer(stage);
        var fields = new StringBuilder();
        Describe(schema, "", fields);
        string answer = PromptTemplate.Render("answer", new Dictionary<string, string> { ["fields"] = fields.ToString().TrimEnd() });
        return withSchema ? $"{answer}\n\nIt must fit this JSON schema: {ReasoningSchema.ForServer(stage).GetRawText()}" : answer;
    }

    /// <summary>A line a field: "events: list of objects. What is to be heard, by its begin."</summary>
    private static void Describe(JsonObject schema, string indent, StringBuilder to)
    {
        foreach (var (name, property) in JsonSchema.Properties(schema))
        {
            JsonObject? inner = property["items"] as JsonObject;
            string type = string.Join(" or ", JsonSchema.Types(property["type"]!)), kind = inner is null ? type : $"list of {inner["type"]}s";
            string choices = property["enum"] is JsonArray several ? $" ({string.Join(", ", several.Select(choice => $"\"{choice}\""))})" : "";
            to.Append(CultureInfo.InvariantCulture, $"{indent}- {name}: {kind}{choices}. {property["description"]}\n");
            Describe(inner ?? property, indent + "  ", to);
        }
    }

    /// <summary>Of an earlier reasoning what a model answers, without who thought it.</summary>
    private static JsonObject Earlier(Reasoning previous)
    {
        JsonObject whole = JsonNode.Parse(previous.ToJson())!.AsObject();
        HashSet<string> kept = [.. JsonSchema.Properties(ReasoningSchema.Answer(ReasoningStage.Edit)).Select(property => property.Name)];
        foreach (string name in whole.Select(member => member.Key).Where(key => !kept.Contains(key)).ToArray()) whole.Remove(name);
        return whole;
    }

    private static string Frames(RequestSubject subject, IReadOnlyList<SampledFrame> frames)
    {
        if (frames.Count == 0) return "";
        string ends = subject.Watched < subject.Subject.Duration ? $" The picture ends at {Seconds(subject.Watched)} s and stands still from there." : "";
        string still = frames.Count(frame => !frame.IsWhole) == 1 && frames[^1].Until > frames[^1].Time ? " Nothing moves in the picture." : "";
        string whole = frames[0].IsWhole ? " The first one is the whole picture with the region outlined in red, the others are the region alone." : "";
        return $"You are shown {frames.Count} {(frames.Count == 1 ? "frame" : "frames")} with {(frames.Count == 1 ? "its time" : "their times")}.{whole}{still}{ends}";
    }

    private static string Label(SampledFrame frame, int index, int count) =>
        $"Frame {index + 1} of {count}, at {Seconds(frame.Time)} s{(frame.Until > frame.Time ? $", the same until {Seconds(frame.Until)} s" : "")}:";

    private static string Region(VideoRegion? region) => region is not { } box ? "" : string.Create(CultureInfo.InvariantCulture,
        $"from {100 * box.X:0} % to {100 * (box.X + box.Width):0} % of the width and from {100 * box.Y:0} % to {100 * (box.Y + box.Height):0} % of the height");

    private static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.##", CultureInfo.InvariantCulture);
}
