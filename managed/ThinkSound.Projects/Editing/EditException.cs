namespace ThinkSound.Projects.Editing;

/// <summary>Why an instruction is not carried out.</summary>
public enum EditProblem
{
    /// <summary>There are no words in it.</summary>
    Empty,
    /// <summary>It is too long, or holds characters that no sentence has.</summary>
    NotASentence,
    /// <summary>A part of it is not understood; nothing is done then, not even the other parts.</summary>
    NotUnderstood,
    /// <summary>It can be read in several ways; the message asks which.</summary>
    Ambiguous,
    /// <summary>Its parts contradict each other, or what was chosen beside it.</summary>
    Contradictory,
    /// <summary>It names a sound that is not there.</summary>
    UnknownSound,
    /// <summary>It names a time that the sound does not have.</summary>
    OutOfRange,
    /// <summary>It asks for nothing to be done.</summary>
    NothingToDo,
    /// <summary>It is understood, and cannot be done to this sound or by this model.</summary>
    Impossible,
}

/// <summary>An instruction that is not carried out; nothing was changed. The message says why, and how to say it instead.</summary>
public sealed class EditException(EditProblem problem, string message, Exception? innerException = null) : ThinkSoundException(message, innerException)
{
    /// <summary>What kind of problem it is.</summary>
    public EditProblem Problem { get; } = problem;
}
