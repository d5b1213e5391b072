namespace ThinkSound.Reasoning;

/// <summary>Why there is no reasoning.</summary>
public enum ReasoningFailure
{
    /// <summary>No provider is set up that could do it.</summary>
    NotConfigured,
    /// <summary>The server cannot be reached, breaks off, or fails again and again.</summary>
    Unreachable,
    /// <summary>The server does not let this key or model do it.</summary>
    Denied,
    /// <summary>The model declines to answer.</summary>
    Refused,
    /// <summary>What the model answers cannot be used, even after repair and further attempts.</summary>
    BadAnswer,
    /// <summary>The model does not come to an end within its budget of tokens.</summary>
    Endless,
    /// <summary>A file of a reasoning is damaged or of another version.</summary>
    BadFile,
}

/// <summary>There is no usable answer. The message carries the facts and what to do.</summary>
public sealed class ReasoningException(ReasoningFailure failure, string message, Exception? innerException = null)
    : ThinkSoundException(message, innerException)
{
    /// <summary>What kind of failure it is.</summary>
    public ReasoningFailure Failure { get; } = failure;
}
