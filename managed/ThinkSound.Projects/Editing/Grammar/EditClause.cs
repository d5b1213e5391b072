namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>What a clause asks for.</summary>
internal enum ClauseKind
{
    /// <summary>An action.</summary>
    Do,
    /// <summary>That something is not done, or not heard.</summary>
    Avoid,
    /// <summary>That a sound is left alone.</summary>
    Spare,
}

/// <summary>One part of an instruction, read but not yet held against a sound.</summary>
internal sealed record EditClause
{
    /// <summary>What it asks for.</summary>
    public ClauseKind Kind { get; init; }
    /// <summary>The action; of <see cref="ClauseKind.Avoid"/> the one that is not to be.</summary>
    public EditAction Action { get; init; }
    /// <summary>The sounds that it is about; empty where it says none.</summary>
    public IReadOnlyList<SoundPhrase> Targets { get; init; } = [];
    /// <summary>The sounds that come new.</summary>
    public IReadOnlyList<SoundPhrase> With { get; init; } = [];
    /// <summary>All others are meant: "keep only the rain".</summary>
    public bool IsAllBut { get; init; }
    /// <summary>Its target was called "it".</summary>
    public bool IsPronoun { get; init; }
    /// <summary>It moves to a place, which <see cref="Amount"/> must tell.</summary>
    public bool NeedsPlace { get; init; }
    /// <summary>How much.</summary>
    public Amount Amount { get; init; } = new();
    /// <summary>When; null if it does not say.</summary>
    public TimePhrase? When { get; init; }
    /// <summary>How it is to sound: "metal", "in a large church", "bright".</summary>
    public string Style { get; init; } = "";
    /// <summary>The clause as it was read.</summary>
    public string Text { get; init; } = "";
}
