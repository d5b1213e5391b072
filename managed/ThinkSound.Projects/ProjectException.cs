namespace ThinkSound.Projects;

/// <summary>What is the matter with a project.</summary>
public enum ProjectFailure
{
    /// <summary>The folder holds no project.</summary>
    NotAProject,
    /// <summary>There is one already, or other files are in the way.</summary>
    InTheWay,
    /// <summary>Its document or sound is damaged.</summary>
    Damaged,
    /// <summary>It was written by a newer version of this program.</summary>
    Newer,
    /// <summary>Another process has it open.</summary>
    InUse,
    /// <summary>Its video is not where it was, or another one is there.</summary>
    VideoMissing,
    /// <summary>It cannot be written: a full disk, no rights. It is as it was before.</summary>
    CannotWrite,
    /// <summary>There is nothing to undo, to redo or to render.</summary>
    NothingThere,
}

/// <summary>A project cannot be used as was asked. It is as it was before. The message carries the facts and what to do.</summary>
public sealed class ProjectException(ProjectFailure failure, string message, Exception? innerException = null)
    : ThinkSoundException(message, innerException)
{
    /// <summary>What kind of failure it is.</summary>
    public ProjectFailure Failure { get; } = failure;
}
