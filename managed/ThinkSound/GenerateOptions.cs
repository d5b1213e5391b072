namespace ThinkSound;

/// <summary>How one clip is made. Immutable; vary it with <c>with</c>. What is null is as the bundle recommends, or else as the
/// reference has it: <see cref="ThinkSoundEngine.Complete"/> tells.</summary>
public sealed record GenerateOptions
{
    /// <summary>Length of the sound, 1 to 60 seconds.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Steps of the sampler, 1 to 1000. The reference uses 24.</summary>
    public int? Steps { get; init; }

    /// <summary>How far to move past the conditions, away from their absence; 1 turns guidance off and halves the work. The
    /// reference uses 5.</summary>
    public float? GuidanceScale { get; init; }

    /// <summary>Share of the standard-deviation rescale after guidance, 0 to 1. The reference has 0.</summary>
    public float? GuidanceRescale { get; init; }

    /// <summary>Same seed, options, bundle, device and build: same samples.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>The most that <see cref="Candidates"/> can be.</summary>
    public const int MostCandidates = 64;

    /// <summary>How many sounds are sampled, 1 to 64, each from noise of its own; the one whose fit with <see cref="Conditions.Caption"/>
    /// is best goes on, as <see cref="ThinkSoundSession.LastFits"/> tells. More than one take a caption and a bundle with a listener,
    /// no <see cref="Noise"/>, and as many times as long; otherwise 1.</summary>
    public int? Candidates { get; init; }

    /// <summary>How the flow is followed.</summary>
    public Sampler Sampler { get; init; } = Sampler.Euler;

    /// <summary>Which lengths belong to a duration.</summary>
    public LengthRule Lengths { get; init; } = LengthRule.Exact;

    /// <summary>Instead of seeded noise.</summary>
    public Latent? Noise { get; init; }

    /// <summary>A sound to vary, with <see cref="SigmaMax"/> below 1.</summary>
    public Latent? InitialLatent { get; init; }

    /// <summary>Where the flow starts, above 0 and up to 1: at this much noise and the rest <see cref="InitialLatent"/>. So it
    /// is the strength of a variation.</summary>
    public float SigmaMax { get; init; } = 1;

    /// <summary>A sound of which some is kept, where <see cref="KnownMask"/> says so, while the rest is made to go with it:
    /// inpainting and extension. Not with <see cref="Sampler.VDdim"/>.</summary>
    public Latent? KnownLatent { get; init; }

    /// <summary>For each step of <see cref="KnownLatent"/>: 1 keeps it bit for bit, 0 makes it anew, m between varies it with
    /// strength 1 − m. <see cref="LatentMask"/> makes such masks.</summary>
    public ReadOnlyMemory<float> KnownMask { get; init; }

    /// <summary>How many times each stretch of <see cref="JumpLength"/> steps is gone through again, so that what is made
    /// hears more of what is kept, 0 to 1000; the work grows by 1 + jumps. Only with <see cref="KnownLatent"/>; a checkpoint
    /// with masked-latent inputs makes none, because it is shown what is kept. Otherwise 0.</summary>
    public int? Jumps { get; init; }

    /// <summary>Steps of a stretch, 1 to 1000; otherwise 4.</summary>
    public int? JumpLength { get; init; }

    /// <summary>A copy in which <paramref name="defaults"/> stand for what is null.</summary>
    internal GenerateOptions Or(GenerateOptions defaults) => this with
    {
        Steps = Steps ?? defaults.Steps, GuidanceScale = GuidanceScale ?? defaults.GuidanceScale,
        GuidanceRescale = GuidanceRescale ?? defaults.GuidanceRescale, Candidates = Candidates ?? defaults.Candidates,
        Jumps = Jumps ?? defaults.Jumps, JumpLength = JumpLength ?? defaults.JumpLength,
    };

    /// <summary>Latent steps decoded at a time: smaller blocks arrive sooner, larger ones cost less. 0 suits the device.</summary>
    public int DecodeChunk { get; init; }
}

/// <summary>How the flow is followed from noise to sound.</summary>
public enum Sampler
{
    /// <summary>The reference: one evaluation a step.</summary>
    Euler = 0,
    /// <summary>Two evaluations a step.</summary>
    Midpoint = 1,
    /// <summary>Four evaluations a step.</summary>
    RungeKutta4 = 2,
    /// <summary>For checkpoints of the v objective.</summary>
    VDdim = 3,
}

/// <summary>Which lengths belong to a duration D.</summary>
public enum LengthRule
{
    /// <summary>The sound is cut to exactly round(D · 44 100) samples, with a fade of 5 ms.</summary>
    Exact = 0,
    /// <summary>As the authors' code: a whole number of latent steps, and features of whole seconds.</summary>
    Reference = 1,
}

/// <summary>What was chosen among the candidates of one sound.</summary>
/// <param name="Fits">How well each fits the caption, 0 to 1, in the order in which they were made.</param>
/// <param name="Chosen">Index of the one that was taken: the best, of equal ones the first.</param>
public sealed record CandidateFits(IReadOnlyList<float> Fits, int Chosen);

/// <summary>Lengths that belong to a duration.</summary>
/// <param name="LatentLength">Steps of a latent.</param>
/// <param name="ClipLength">Rows of CLIP features, and frames that yield them.</param>
/// <param name="SyncLength">Rows of sync features.</param>
/// <param name="SyncFrames">Frames at <see cref="EngineInfo.SyncFps"/> that yield them.</param>
/// <param name="Samples">Samples per channel of the finished sound.</param>
public sealed record ClipLengths(int LatentLength, int ClipLength, int SyncLength, int SyncFrames, long Samples);

/// <summary>Memory that a generation needs, in bytes.</summary>
/// <param name="WeightsBytes">Of the engine.</param>
/// <param name="ArenaBytes">Of one session: the largest of its stages.</param>
/// <param name="TextBytes">Of the text encoders.</param>
/// <param name="SampleBytes">Of the sampling loop.</param>
/// <param name="DecodeBytes">Of one chunk of the decoder.</param>
/// <param name="VisionBytes">Of one batch of frames in the larger tower.</param>
/// <param name="RecogniseBytes">Of the recogniser, over the features of the duration.</param>
/// <param name="TotalBytes">Weights and arena.</param>
public sealed record MemoryPlan(long WeightsBytes, long ArenaBytes, long TextBytes, long SampleBytes, long DecodeBytes,
                                long VisionBytes, long RecogniseBytes, long TotalBytes);
