namespace ThinkSound.Rendering.Foley;

/// <summary>How far a job is.</summary>
/// <param name="Stage">What is being done.</param>
/// <param name="Output">Which of the job's outputs it is done for, from 0; -1 while it serves all of them.</param>
/// <param name="Fraction">The part of the stage that is done, 0 to 1.</param>
/// <param name="Detail">"12 of 24 steps"; "" if there is nothing to count.</param>
/// <param name="Remaining">Until the stage ends, as measured so far; null if nothing was measured.</param>
public readonly record struct FoleyProgress(FoleyStage Stage, int Output, double Fraction, string Detail, TimeSpan? Remaining)
{
    /// <summary>The stage, for people: "sampling".</summary>
    public string Activity => Stage switch
    {
        FoleyStage.Load => "loading the model",
        FoleyStage.Watch => "watching the video",
        FoleyStage.Text => "reading the words",
        FoleyStage.Sample => "sampling",
        FoleyStage.Decode => "decoding",
        _ => "writing",
    };
}

/// <summary>Stages of a job, in order.</summary>
public enum FoleyStage
{
    /// <summary>Reading the model.</summary>
    Load,
    /// <summary>Decoding the video, and frames to features.</summary>
    Watch,
    /// <summary>Words to features.</summary>
    Text,
    /// <summary>Steps of the flow.</summary>
    Sample,
    /// <summary>Latent to sound.</summary>
    Decode,
    /// <summary>Sound into the file, and pictures of it.</summary>
    Write,
}
