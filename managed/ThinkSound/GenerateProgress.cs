namespace ThinkSound;

/// <summary>How far a piece of work is.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Step">Steps of the stage that are done; 0 at its begin.</param>
/// <param name="Steps">Steps that the stage has.</param>
/// <param name="Elapsed">Since the call began.</param>
/// <param name="StageRemaining">Until the stage ends, from the steps measured so far; before the first is done from the
/// engine's earlier runs; null if there were none.</param>
/// <param name="Remaining">Until the call ends: this stage and those after it. Null while one of them has never been
/// measured by this engine, because a guess would look like knowledge.</param>
public readonly record struct GenerateProgress(GenerateStage Stage, int Step, int Steps, TimeSpan Elapsed,
                                               TimeSpan? StageRemaining, TimeSpan? Remaining)
{
    /// <summary>The part of the stage that is done, 0 to 1.</summary>
    public double Fraction => Steps == 0 ? 0 : (double)Step / Steps;
}

/// <summary>Stages of the work, in order.</summary>
public enum GenerateStage
{
    /// <summary>Reading and packing weights.</summary>
    Load = 0,
    /// <summary>Frames to CLIP features.</summary>
    ClipVision = 1,
    /// <summary>Frames to sync features.</summary>
    Synchformer = 2,
    /// <summary>Caption and chain of thought.</summary>
    Text = 3,
    /// <summary>Steps of the flow.</summary>
    Sample = 4,
    /// <summary>Chunks of the decoder.</summary>
    Decode = 5,
    /// <summary>Waveform to latent.</summary>
    EncodeAudio = 6,
}
