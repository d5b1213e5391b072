using System.CommandLine;

namespace ThinkSound.Cli;

/// <summary><c>thinksound project</c>: work on the sound of a video that is kept in a folder, with undo.</summary>
internal static class ProjectCommand
{
    public static Command Create(Terminal terminal, Option<bool> verbose) =>
        new("project", "Works on the sound of a video in a folder that keeps every step: tracks, undo, branches.")
        {
            ProjectFoleyCommand.CreateNew(terminal, verbose),
            ProjectFoleyCommand.CreateFoley(terminal, verbose),
            ProjectMixCommand.Create(terminal),
            ProjectHistoryCommands.CreateLog(terminal),
            ProjectHistoryCommands.CreateUndo(terminal),
            ProjectHistoryCommands.CreateRedo(terminal),
            ProjectHistoryCommands.CreateBranch(terminal),
            ProjectExportCommands.CreateRender(terminal),
            ProjectExportCommands.CreateExport(terminal),
            ProjectCareCommands.CreateRelink(terminal),
            ProjectCareCommands.CreateCheck(terminal, verbose),
            ProjectCareCommands.CreateRestore(terminal),
        };
}
