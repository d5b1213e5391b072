using ThinkSound.Reasoning;

namespace ThinkSound.Projects.Editing;

/// <summary>The sound that an instruction is held against: what there is to name, and when it is heard. Immutable.</summary>
public sealed record EditSubject
{
    /// <summary>Length of the sound.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Its tracks, at least one.</summary>
    public required IReadOnlyList<EditableTrack> Tracks { get; init; }

    /// <summary>It may become longer: a sound without a picture.</summary>
    public bool MayGrow { get; init; }
}

/// <summary>A track, as an instruction may name it.</summary>
public sealed record EditableTrack
{
    /// <summary>Its name for the program: <see cref="Track.Id"/>.</summary>
    public required string Id { get; init; }

    /// <summary>Its name for people; "" if it has none.</summary>
    public string Name { get; init; } = "";

    /// <summary>What is heard on it; "" if nobody said.</summary>
    public string Description { get; init; } = "";

    /// <summary>Several sounds may be on it, as on the bed or in a file from elsewhere: what it holds cannot be taken apart exactly.</summary>
    public bool IsMix { get; init; }

    /// <summary>What is thought to be heard on it.</summary>
    public IReadOnlyList<SoundEvent> Events { get; init; } = [];

    /// <summary>Its sound from the begin of the whole to its end, asked for where an instruction counts what is heard; null if there is
    /// none to listen to.</summary>
    public Func<AudioClip>? Listen { get; init; }
}

/// <summary>What was chosen beside the words.</summary>
public sealed record EditChoices
{
    /// <summary>When; null leaves it to the words.</summary>
    public TimeRange? Range { get; init; }
    /// <summary>A track's id or name; null leaves it to the words.</summary>
    public string? Track { get; init; }
    /// <summary>What "it" is; null leaves it to the words.</summary>
    public string? Object { get; init; }
    /// <summary>0 to 1, for variations and changes of style; null leaves it to the words.</summary>
    public double? Strength { get; init; }
}

/// <summary>What an instruction comes to, before anything is done. Immutable.</summary>
public sealed record EditScript
{
    /// <summary>As it was written.</summary>
    public required string Instruction { get; init; }
    /// <summary>What will be done, one after the other.</summary>
    public required IReadOnlyList<EditStep> Steps { get; init; }
    /// <summary>The same in words, a sentence a step.</summary>
    public required IReadOnlyList<string> Statements { get; init; }
    /// <summary>What was assumed, and what else to know.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];
    /// <summary>Who read it: "grammar", or the reasoner's provider.</summary>
    public string Reader { get; init; } = EditReader.Grammar;
    /// <summary>What was thought, if a reasoner read it; null if the grammar did.</summary>
    public Reasoning.Reasoning? Reasoning { get; init; }
}
