using System.CommandLine;
using System.Text.Json;
using ThinkSound.Projects;

namespace ThinkSound.Cli;

/// <summary><c>project relink</c>, <c>check</c> and <c>restore</c>: what mends a project.</summary>
internal static class ProjectCareCommands
{
    public static Command CreateRelink(Terminal terminal)
    {
        var command = new Command("relink", "Says where the video is now.");
        var arguments = new ProjectArguments();
        var video = new Option<string>("--video") { Description = "The project's video in its new place.", HelpName = "VIDEO", Required = true };
        var any = new Option<bool>("--any-video") { Description = "Take another video of the same length, too; operations may then render to other samples." };
        arguments.AddFolderTo(command);
        command.Add(video);
        command.Add(any);
        arguments.AddAnswerTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            using Project project = arguments.Open(parsed, ProjectAccess.Write, terminal);
            await project.RelinkAsync(parsed.GetValue(video)!, parsed.GetValue(any), cancel);
            arguments.Answer(parsed, terminal, project, $"the video is {project.FindVideo().FoundAt}");
            return ExitCode.Done;
        });
        return command;
    }

    public static Command CreateRestore(Terminal terminal)
    {
        var command = new Command("restore", "Goes back to the copy from before the last change where project.json is damaged; the damaged one is kept beside it.");
        var arguments = new ProjectArguments();
        arguments.AddFolderTo(command);
        arguments.AddAnswerTo(command);
        command.SetAction(parsed =>
        {
            Project.Restore(arguments.Folder(parsed));
            using Project project = arguments.Open(parsed, ProjectAccess.Read, terminal);
            arguments.Answer(parsed, terminal, project, $"{project.Folder}: restored, at operation {project.Document.Head} on {project.Document.Branch}");
            return ExitCode.Done;
        });
        return command;
    }

    public static Command CreateCheck(Terminal terminal, Option<bool> verbose)
    {
        var command = new Command("check", "Compares all sound of the project with its hashes; renders operations again on demand.");
        var arguments = new ProjectArguments();
        var engine = new EngineArguments();
        var repair = new Option<bool>("--repair") { Description = "Render operations again whose sound is missing or damaged." };
        var again = new Option<bool>("--render") { Description = "Render every operation again: each must give the same samples." };
        arguments.AddFolderTo(command);
        command.Add(repair);
        command.Add(again);
        engine.AddTo(command);
        arguments.AddAnswerTo(command);
        command.Add(verbose);
        command.SetAction(async (parsed, cancel) =>
        {
            bool renders = parsed.GetValue(repair) || parsed.GetValue(again);
            using Project project = arguments.Open(parsed, renders ? ProjectAccess.Write : ProjectAccess.Read, terminal);
            ProjectProgressLines? progress = arguments.Progress(parsed, terminal);
            var findings = new SortedDictionary<int, Finding>();
            foreach (DamagedSound damaged in await project.VerifyAsync(progress, cancel)) findings[damaged.Operation.Id] = new("damaged", damaged.Problem);
            int[] ids = [.. project.Document.Operations.Select(operation => operation.Id).Where(id => parsed.GetValue(again) || (parsed.GetValue(repair) && findings.ContainsKey(id)))];
            if (ids.Length > 0)
            {
                using var renderers = new ProjectRenderers(engine.Read(parsed));
                foreach (int id in ids) // in their order: later ones read what earlier ones made
                {
                    RerenderResult result = await project.RerenderAsync(id, renderers.All, progress, cancel);
                    findings[id] = result.IsSame ? new(findings.ContainsKey(id) ? "repaired" : "same", "") : new("different", result.HasOtherModel
                        ? "rendered again, it gives other samples, by another model, device or version" : "rendered again, it gives other samples");
                }
            }
            progress?.End();
            bool isWell = findings.Values.All(finding => finding.Verdict is "same" or "repaired");
            terminal.WriteResult(arguments.IsJson(parsed) ? JsonText.Write(json => Write(json, project, findings, isWell)) : Describe(project, findings));
            return isWell ? ExitCode.Done : ExitCode.Failed;
        });
        return command;
    }

    private sealed record Finding(string Verdict, string Problem);

    private static string Describe(Project project, SortedDictionary<int, Finding> findings)
    {
        string[] lines = [.. findings.Select(finding => $"operation {finding.Key}: {finding.Value.Verdict}{(finding.Value.Problem.Length > 0 ? $": {finding.Value.Problem}" : "")}")];
        return lines.Length > 0 ? string.Join(Environment.NewLine, lines) : $"{project.Folder}: {project.Document.Operations.Count} operations, all of their sound as it was";
    }

    private static void Write(Utf8JsonWriter json, Project project, SortedDictionary<int, Finding> findings, bool isWell)
    {
        json.WriteStartObject();
        json.WriteString("version", CommandLine.Version);
        json.WriteNumber("operations", project.Document.Operations.Count);
        json.WriteBoolean("is_well", isWell);
        json.WriteStartArray("results");
        foreach (var (id, finding) in findings)
        {
            json.WriteStartObject();
            json.WriteNumber("operation", id);
            json.WriteString("status", finding.Verdict);
            if (finding.Problem.Length > 0) json.WriteString("error", finding.Problem);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
