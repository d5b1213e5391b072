namespace ThinkSound.Projects.Editing;

/// <summary>A track while it is edited: its sound over the whole length, and what it is called.</summary>
internal sealed record EditSound
{
    /// <summary>The <see cref="Track.Id"/>; null for one that the edit makes.</summary>
    public required string? Id { get; init; }
    public required string Name { get; init; }
    public string Description { get; init; } = "";
    /// <summary>See <see cref="EditableTrack.IsMix"/>.</summary>
    public bool IsMix { get; init; }
    /// <summary>From the begin of the whole to its end.</summary>
    public required AudioClip Clip { get; init; }
    /// <summary>Samples in which it may differ from what it was; null if it is what it was.</summary>
    public (int From, int To)? Touched { get; init; }
    /// <summary>It is gone from begin to end.</summary>
    public bool IsGone { get; init; }

    /// <summary>With another sound, changed between two samples.</summary>
    public EditSound With(AudioClip clip, int from, int to) => this with
    {
        Clip = clip, Touched = Touched is { } before ? (Math.Min(before.From, from), Math.Max(before.To, to)) : (from, to),
    };
}
