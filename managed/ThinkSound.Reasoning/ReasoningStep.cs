namespace ThinkSound.Reasoning;

/// <summary>A piece of thought, as it comes. Pieces of the same kind that follow each other are one text in parts, to be put
/// together without anything between them.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Text">What is new; of <see cref="ReasoningStepKind.Result"/> "".</param>
public sealed record ReasoningStep(ReasoningStepKind Kind, string Text)
{
    /// <summary>1, or more where an answer could not be used and was asked for again. Pieces of a later attempt replace those
    /// of the earlier ones.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>What it came to; of the last step only.</summary>
    public Reasoning? Result { get; init; }
}

/// <summary>What a step is about, in the order in which they are thought.</summary>
public enum ReasoningStepKind
{
    /// <summary>What a model says to itself before it answers; not part of the result.</summary>
    Deliberation,
    /// <summary>What is seen.</summary>
    Seen,
    /// <summary>When things happen.</summary>
    Timing,
    /// <summary>What each of them sounds like.</summary>
    Sound,
    /// <summary>The space in which it is heard.</summary>
    Space,
    /// <summary>What must not be heard.</summary>
    Avoid,
    /// <summary>Levels and order.</summary>
    Mix,
    /// <summary>How the thinking itself goes: repairs, further attempts, waiting. A whole sentence each, not in parts.</summary>
    Note,
    /// <summary>The end; <see cref="ReasoningStep.Result"/> is set.</summary>
    Result,
}

/// <summary>How far a reasoner is.</summary>
/// <param name="Activity">What it does.</param>
/// <param name="Fraction">The part of it that is done, 0 to 1; null while that cannot be known.</param>
/// <param name="Detail">"7 of 12 frames", "214 tokens"; "" if there is nothing to count.</param>
public readonly record struct ReasoningProgress(ReasoningActivity Activity, double? Fraction, string Detail);

/// <summary>What a reasoner does.</summary>
public enum ReasoningActivity
{
    /// <summary>Reads the video.</summary>
    Watching,
    /// <summary>Waits for the first word, or for a server that asked for patience.</summary>
    Waiting,
    /// <summary>Thinks.</summary>
    Thinking,
    /// <summary>Checks what was thought and makes the texts fit.</summary>
    Checking,
}
