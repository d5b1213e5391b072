namespace ThinkSound.Reasoning.Recogniser;

/// <summary>All that the rules know.</summary>
internal sealed record Evidence
{
    /// <summary>What it is about.</summary>
    public required ReasoningSubject Subject { get; init; }

    /// <summary>Which of the paper's stages it is.</summary>
    public ReasoningStage Stage { get; init; }

    /// <summary>What the heads of the model say and what is measured; null without a video.</summary>
    public VideoReading? Video { get; init; }

    /// <summary>What the user says is heard; null if nothing.</summary>
    public UserWords? Words { get; init; }

    /// <summary>Classes that are not to be heard, or are heard already.</summary>
    public IReadOnlyList<string> Excluded { get; init; } = [];

    /// <summary>Where events may begin; null from begin to end.</summary>
    public TimeRange? Range { get; init; }

    /// <summary>Least probability at which a class is taken for seen.</summary>
    public double ClassSure => Video is { IsObject: true } ? Rules.ObjectSure : Rules.ClassSure;

    /// <summary>Probability of a class; null where the recogniser has no such class, or there is no video.</summary>
    public double? ProbabilityOf(string name)
    {
        foreach (Recognised entry in Video?.Recognition.Classes ?? [])
            if (entry.Name == name) return entry.Probability;
        return null;
    }
}

/// <summary>A sound that was decided on.</summary>
/// <param name="Kind">Its class, or the user's words.</param>
/// <param name="Look">What else is known of it.</param>
/// <param name="Confidence">Probability of the class; 1 where the user says so.</param>
/// <param name="Moments">When it strikes; empty where it goes on, or nobody knows.</param>
internal sealed record Source(SoundKind Kind, Look Look, double Confidence, IReadOnlyList<Onset> Moments);
