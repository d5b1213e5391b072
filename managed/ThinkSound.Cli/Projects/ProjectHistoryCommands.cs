using System.CommandLine;
using ThinkSound.Projects;

namespace ThinkSound.Cli;

/// <summary><c>project log</c>, <c>undo</c>, <c>redo</c> and <c>branch</c>.</summary>
internal static class ProjectHistoryCommands
{
    public static Command CreateLog(Terminal terminal) => Create("log", "Lists operations, branches and tracks.", terminal, ProjectAccess.Read, [],
        (_, project, _) => Task.FromResult((ProjectText.Log(project), (Operation?)null)));

    public static Command CreateUndo(Terminal terminal) => Create("undo", "Takes back the last operation. It is kept.", terminal, ProjectAccess.Write, [], async (_, project, cancel) =>
    {
        Operation undone = await project.UndoAsync(cancel);
        return ($"undone: operation {undone.Id}, {undone.Title}", undone);
    });

    public static Command CreateRedo(Terminal terminal) => Create("redo", "Does again what was taken back, on the way to the end of the branch.", terminal, ProjectAccess.Write, [], async (_, project, cancel) =>
    {
        Operation redone = await project.RedoAsync(cancel);
        return ($"redone: operation {redone.Id}, {redone.Title}", redone);
    });

    public static Command CreateBranch(Terminal terminal)
    {
        var name = new Option<string>("--name", "-n") { Description = "The branch to go to; a new one begins here.", HelpName = "NAME", Required = true };
        var at = new Option<int?>("--at") { Description = "The operation at which a new branch begins; 0 is the project without sound.", HelpName = "N" };
        return Create("branch", "Goes to another line of work, or begins one.", terminal, ProjectAccess.Write, [name, at], async (parsed, project, cancel) =>
        {
            bool isNew = await project.BranchAsync(parsed.GetValue(name)!, parsed.GetValue(at), cancel);
            return ($"{(isNew ? "new branch" : "branch")} {project.Document.Branch}, at operation {project.Document.Head}", null);
        });
    }

    private static Command Create(string name, string description, Terminal terminal, ProjectAccess access, Option[] options,
                                  Func<ParseResult, Project, CancellationToken, Task<(string Text, Operation? Operation)>> act)
    {
        var command = new Command(name, description);
        var arguments = new ProjectArguments();
        arguments.AddFolderTo(command);
        foreach (Option option in options) command.Add(option);
        arguments.AddAnswerTo(command);
        command.SetAction(async (parsed, cancel) =>
        {
            using Project project = arguments.Open(parsed, access, terminal);
            var (text, operation) = await act(parsed, project, cancel);
            terminal.WriteResult(arguments.IsJson(parsed) ? ProjectText.ToJson(project, operation) : text);
            return ExitCode.Done;
        });
        return command;
    }
}
