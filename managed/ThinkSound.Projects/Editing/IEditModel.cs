namespace ThinkSound.Projects.Editing;

/// <summary>What editing asks of a model that makes sound. Clips are stereo at <see cref="SampleRate"/>; what comes back is as long as
/// what was given. Same arguments and model, same samples. One call at a time.</summary>
public interface IEditModel
{
    /// <summary>Hz.</summary>
    int SampleRate { get; }

    /// <summary>What made the sound, for the project's record.</summary>
    ModelIdentity Identity { get; }

    /// <summary>What the last call chose among candidates; null if it made one sound.</summary>
    CandidateFits? LastFits => null;

    /// <summary>A new sound.</summary>
    Task<AudioClip> GenerateAsync(EditWindow window, EditWords words, ulong seed, CancellationToken cancellationToken = default);

    /// <summary>Makes samples <paramref name="from"/> to <paramref name="to"/> anew, to fit the rest.</summary>
    Task<AudioClip> InpaintAsync(EditWindow window, AudioClip sound, int from, int to, EditWords words, ulong seed, CancellationToken cancellationToken = default);

    /// <summary>Turns a sound that is <paramref name="source"/> into one that is <paramref name="target"/>, between two samples.</summary>
    /// <param name="window">When.</param>
    /// <param name="sound">What is there.</param>
    /// <param name="from">First sample to change.</param>
    /// <param name="to">The sample after the last to change.</param>
    /// <param name="source">What it is.</param>
    /// <param name="target">What it is to be.</param>
    /// <param name="strength">How far, above 0 up to 1.</param>
    /// <param name="seed">Of the noise.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    Task<AudioClip> ChangeAsync(EditWindow window, AudioClip sound, int from, int to, EditWords source, EditWords target, double strength, ulong seed,
                                CancellationToken cancellationToken = default);

    /// <summary>Another take of a sound, between two samples.</summary>
    Task<AudioClip> VaryAsync(EditWindow window, AudioClip sound, int from, int to, EditWords words, double strength, ulong seed, CancellationToken cancellationToken = default);
}

/// <summary>The stretch of the whole that a model works on.</summary>
/// <param name="Start">In the sound, and in its video.</param>
/// <param name="Samples">Samples per channel, at the model's rate.</param>
public readonly record struct EditWindow(TimeSpan Start, int Samples);

/// <summary>What a sound is said to be.</summary>
/// <param name="Caption">For CLIP; "" for nothing.</param>
/// <param name="ChainOfThought">For T5; "" for nothing.</param>
/// <param name="Avoid">What must not be heard; "" for nothing.</param>
public sealed record EditWords(string Caption, string ChainOfThought = "", string Avoid = "")
{
    /// <summary>Nothing is said.</summary>
    public static EditWords None { get; } = new("");
}
