namespace ThinkSound;

/// <summary>How a sound is edited along the flow, from what it is said to be to what it should be. What is null is as
/// <see cref="ThinkSoundEngine.Complete"/> has it for generating.</summary>
/// <remarks>FlowEdit (Kulikov et al., 2024): no noise is inverted and nothing is trained. What both conditions agree on cancels,
/// so that timing stays and the difference moves.</remarks>
public sealed record EditOptions
{
    /// <summary>The sound, from <see cref="ThinkSoundSession.EncodeAudioAsync"/> or <see cref="ThinkSoundSession.SampleAsync"/>.</summary>
    public required Latent Source { get; init; }

    /// <summary>For each step of <see cref="Source"/>: 1 stays bit for bit, 0 is edited, m between is edited from the time 1 − m of
    /// the flow on. Empty edits all. <see cref="LatentMask"/> makes such masks.</summary>
    public ReadOnlyMemory<float> KnownMask { get; init; }

    /// <summary>Length of the sound, 1 to 60 seconds.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Which lengths belong to it.</summary>
    public LengthRule Lengths { get; init; } = LengthRule.Exact;

    /// <summary>Steps of the whole flow, 1 to 1000.</summary>
    public int? Steps { get; init; }

    /// <summary>How many of them are walked, 1 to <see cref="Steps"/>: the more, the further from the source it may go. Null takes
    /// two thirds.</summary>
    public int? EditSteps { get; init; }

    /// <summary>The last so many of those follow the target alone: new detail, and less of the source.</summary>
    public int TargetSteps { get; init; }

    /// <summary>Draws of noise for each step, 1 to 100: more are steadier and as many times slower.</summary>
    public int Averages { get; init; } = 1;

    /// <summary>How far to move past the source's conditions; 1 turns that guidance off.</summary>
    public float SourceGuidanceScale { get; init; } = 1;

    /// <summary>How far to move past the target's.</summary>
    public float? GuidanceScale { get; init; }

    /// <summary>Same seed, options, bundle, device and build: same latent.</summary>
    public ulong Seed { get; init; } = 42;

    internal EditOptions Or(GenerateOptions defaults)
    {
        int steps = Steps ?? defaults.Steps!.Value;
        return this with { Steps = steps, EditSteps = EditSteps ?? (2 * steps + 2) / 3, GuidanceScale = GuidanceScale ?? defaults.GuidanceScale };
    }
}
