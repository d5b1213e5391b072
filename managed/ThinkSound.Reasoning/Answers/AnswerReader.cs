using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Reasoning.Answers;

/// <summary>What an answer came to.</summary>
/// <param name="Reasoning">Null if it cannot be used.</param>
/// <param name="Problems">Why not, for the model and for people.</param>
/// <param name="IsWhole">It did not break off.</param>
/// <param name="IsRefusal">The model declines.</param>
internal sealed record Answer(Reasoning? Reasoning, IReadOnlyList<string> Problems, bool IsWhole = true, bool IsRefusal = false);

/// <summary>A model's answer to one request: found in its text, mended, held against the schema, and completed.</summary>
internal sealed partial class AnswerReader(ReasoningRequest request, ReasoningSubject subject, string provider, string model)
{
    private const int MostProblems = 6, FewestWords = 3;

    private readonly JsonObject _schema = ReasoningSchema.Answer(request.Stage);

    public Answer Read(string text)
    {
        string[] fields = [.. JsonSchema.Properties(_schema).Select(property => property.Name)];
        if (LenientJson.Find(text, fields) is not { } found)
        {
            if (Declines().IsMatch(text)) return new Answer(null, [], IsRefusal: true);
            return new Answer(null, [text.Trim().Length == 0 ? "it is empty" : "there is no JSON object with the fields asked for in it"]);
        }
        JsonObject value = found.Value;
        List<string> repairs = [.. found.Repairs];
        if (found.IsTruncated) repairs.Add("the answer broke off; what was there is used");
        if (request.Operation is { } operation && value["edit"] is null or JsonObject)
            SetOperation(value, operation);
        var mender = new AnswerMender(subject.Duration.TotalSeconds);
        mender.Mend(value, _schema);
        repairs.AddRange(mender.Repairs);
        DropEmptyEvents(value, repairs);
        if (found.IsTruncated) CutToSentence(value);

        string[] problems = [.. JsonSchema.Check(value, _schema).Take(MostProblems)];
        if (problems.Length > 0) return new Answer(null, problems, !found.IsTruncated);
        return Complete(value, repairs, !found.IsTruncated);
    }

    private Answer Complete(JsonObject value, List<string> repairs, bool isWhole)
    {
        value["version"] = Reasoning.CurrentVersion;
        Reasoning answered = ReasoningFile.FromNode(value);
        Reasoning completed = TextComposer.Complete(answered);
        if (completed.Caption != answered.Caption) repairs.Add("the caption was put together from the events");
        if (completed.ChainOfThought != answered.ChainOfThought) repairs.Add("the chain of thought was put together from the events");
        if (completed.ChainOfThought.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length < FewestWords)
            return new Answer(null, ["chain_of_thought: says nothing, and there are no events to make it of"], isWhole);
        return new Answer(completed with
        {
            Stage = request.Stage, Provider = provider, Model = model, Subject = subject, Repairs = [.. repairs.Distinct()],
        }, [], isWhole);
    }

    private void SetOperation(JsonObject value, EditOperation operation)
    {
        if (request.Stage != ReasoningStage.Edit) return;
        JsonObject edit = value["edit"] as JsonObject ?? [];
        if (edit.Parent is null) value["edit"] = edit;
        edit["operation"] = operation.ToString().ToLowerInvariant();
        if (request.EditRange is not { } range) return;
        (edit["start_s"], edit["end_s"]) = (range.Start.TotalSeconds, range.End.TotalSeconds);
    }

    private static void DropEmptyEvents(JsonObject value, List<string> repairs)
    {
        if (value["events"] is not JsonArray events) return;
        foreach (JsonNode? empty in events.Where(e => ((string[])["object", "action", "sound"]).All(key => e?[key] is JsonValue word && word.ToString().Length == 0)).ToArray())
        {
            events.Remove(empty);
            repairs.Add("an event that says nothing was left out");
        }
    }

    /// <summary>Of a text that broke off its whole sentences are kept.</summary>
    private static void CutToSentence(JsonObject value)
    {
        if (value["chain_of_thought"] is not JsonValue text || text.GetValueKind() != JsonValueKind.String) return;
        IReadOnlyList<string> sentences = Sentences.Split(text.GetValue<string>());
        if (sentences.Count > 0 && !(sentences[^1][^1] is '.' or '!' or '?')) value["chain_of_thought"] = string.Join(' ', sentences.SkipLast(1));
    }

    [GeneratedRegex(@"\b(?:I(?:'|’)?m sorry|I am sorry|I (?:can(?:no|'|’)t|cannot|am (?:not able|unable)|won(?:'|’)t)|as an AI|not able to (?:help|assist))\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Declines();
}
