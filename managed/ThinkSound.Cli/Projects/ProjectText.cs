using System.Globalization;
using System.Text.Json;
using ThinkSound.Projects;

namespace ThinkSound.Cli;

/// <summary>Projects in words for people, and as JSON for programs.</summary>
internal static class ProjectText
{
    /// <summary>Operations, branches and tracks.</summary>
    public static string Log(Project project)
    {
        ProjectDocument document = project.Document;
        ProjectVideo video = project.FindVideo();
        var lines = new List<string> { $"video     {video.FoundAt ?? video.Path}, {Units.Seconds(project.State.Timeline.Duration.TotalSeconds)}" };
        if (video.FoundAt is null) lines.Add($"          missing: {video.Problem}");
        foreach (var (name, tip) in document.Branches) lines.Add($"branch    {(name == document.Branch ? "*" : " ")} {name}, to operation {tip}");
        if (document.Operations.Count > 0)
        {
            HashSet<int> done = [.. document.PathTo(document.Head).Select(operation => operation.Id)];
            var table = new Table("operation", "after", "kind", "seed", "what") { WordColumns = new HashSet<int> { 2, 4 } };
            foreach (Operation operation in document.Operations)
                table.Add($"{(operation.Id == document.Head ? "*" : done.Contains(operation.Id) ? "+" : " ")} {operation.Id}", operation.Parent.ToString(CultureInfo.InvariantCulture),
                          operation.Payload.Kind, operation.Payload.Seed.ToString(CultureInfo.InvariantCulture), operation.Title);
            lines.AddRange(["", table.ToString()]);
        }
        if (project.State.Tracks.Count > 0)
        {
            var table = new Table("track", "gain", "from", "to", "name") { WordColumns = new HashSet<int> { 4 } };
            foreach (Track track in project.State.Tracks)
                table.Add(track.Id, track.IsMuted ? "muted" : track.GainDb.ToString("0.0 dB", CultureInfo.InvariantCulture),
                          Time(track.Audio.Start, project), Time(track.Audio.End, project), track.Description.Length > 0 ? $"{track.Name}: {track.Description}" : track.Name);
            lines.AddRange(["", table.ToString()]);
        }
        return string.Join(Environment.NewLine, lines);
    }

    private static string Time(long sample, Project project) => Units.Seconds((double)sample / project.State.Timeline.SampleRate);

    /// <summary>The whole project, and which operation this call was about.</summary>
    public static string ToJson(Project project, Operation? operation = null) => JsonText.Write(json =>
    {
        ProjectDocument document = project.Document;
        json.WriteStartObject();
        json.WriteString("version", CommandLine.Version);
        json.WriteString("project", project.Folder);
        if (operation is not null) json.WriteNumber("operation", operation.Id);
        json.WriteNumber("head", document.Head);
        json.WriteString("branch", document.Branch);
        json.WriteStartObject("branches");
        foreach (var (name, tip) in document.Branches) json.WriteNumber(name, tip);
        json.WriteEndObject();
        json.WriteNumber("duration_s", project.State.Timeline.Duration.TotalSeconds);
        ProjectVideo video = project.FindVideo();
        json.WriteString("video", video.FoundAt ?? video.Path);
        json.WriteBoolean("video_found", video.FoundAt is not null);
        WriteTracks(json, project.State);
        WriteOperations(json, document);
        json.WriteEndObject();
    });

    private static void WriteTracks(Utf8JsonWriter json, ProjectState state)
    {
        json.WriteStartArray("tracks");
        foreach (Track track in state.Tracks)
        {
            json.WriteStartObject();
            json.WriteString("id", track.Id);
            json.WriteString("name", track.Name);
            json.WriteString("description", track.Description);
            json.WriteNumber("gain_db", track.GainDb);
            json.WriteBoolean("is_muted", track.IsMuted);
            json.WriteNumber("start_s", (double)track.Audio.Start / state.Timeline.SampleRate);
            json.WriteNumber("end_s", (double)track.Audio.End / state.Timeline.SampleRate);
            json.WriteString("sha256", track.Audio.Hash);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteOperations(Utf8JsonWriter json, ProjectDocument document)
    {
        HashSet<int> done = [.. document.PathTo(document.Head).Select(operation => operation.Id)];
        json.WriteStartArray("operations");
        foreach (Operation operation in document.Operations)
        {
            json.WriteStartObject();
            json.WriteNumber("id", operation.Id);
            json.WriteNumber("parent", operation.Parent);
            json.WriteString("kind", operation.Payload.Kind);
            json.WriteString("title", operation.Title);
            json.WriteNumber("seed", operation.Payload.Seed);
            json.WriteBoolean("is_done", done.Contains(operation.Id));
            json.WriteString("created", operation.Created);
            json.WriteString("reasoning_provider", operation.Reasoning?.Provider);
            json.WriteString("model", operation.Result.Model?.Name);
            CandidateArguments.Write(json, operation.Result.Candidates);
            json.WriteStartArray("warnings");
            foreach (string notice in operation.Result.Notices) json.WriteStringValue(notice);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
