using System.CommandLine;
using ThinkSound.Projects;

namespace ThinkSound.Cli;

/// <summary>What every command on a project takes: its folder, how it answers.</summary>
internal sealed class ProjectArguments
{
    private readonly Argument<string> _folder = new("FOLDER") { Description = "The project. Default: the folder one is in.", DefaultValueFactory = _ => "." };
    private readonly Option<bool> _json = new("--json") { Description = "The project as JSON on standard output." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "No progress; warnings and errors only." };

    public void AddFolderTo(Command command) => command.Add(_folder);

    public void AddAnswerTo(Command command)
    {
        command.Add(_json);
        command.Add(_quiet);
    }

    public string Folder(ParseResult parsed) => parsed.GetValue(_folder)!;

    public bool IsJson(ParseResult parsed) => parsed.GetValue(_json);

    public bool IsQuiet(ParseResult parsed) => parsed.GetValue(_quiet);

    /// <summary>Opens the project, and tells of a program that died on it.</summary>
    public Project Open(ParseResult parsed, ProjectAccess access, Terminal terminal)
    {
        Project project = Project.Open(Folder(parsed), access);
        if (project.Died is { } died) terminal.Warn($"the program that had the project open before did not close it ({died}); what it had completed is there");
        return project;
    }

    public ProjectProgressLines? Progress(ParseResult parsed, Terminal terminal) => IsQuiet(parsed) ? null : new ProjectProgressLines(terminal);

    /// <summary>What was done, and the project after it.</summary>
    public void Answer(ParseResult parsed, Terminal terminal, Project project, string text, Operation? operation = null)
    {
        foreach (string notice in operation?.Result.Notices ?? []) terminal.Warn(notice);
        terminal.WriteResult(IsJson(parsed) ? ProjectText.ToJson(project, operation) : text);
    }
}

/// <summary>Progress of an operation; see <see cref="ActivityLines"/>.</summary>
internal sealed class ProjectProgressLines(Terminal terminal) : IProgress<ProjectProgress>
{
    private readonly ActivityLines _lines = new(terminal, "");

    public void Report(ProjectProgress value) => _lines.Report(value.Activity, value.Fraction, value.Detail, value.Remaining);

    public void End() => _lines.End();
}
