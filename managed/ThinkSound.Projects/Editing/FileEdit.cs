using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Projects.Editing;

/// <summary>What became of a sound.</summary>
/// <param name="Clip">Of the rate and channels that it had.</param>
/// <param name="Touched">The stretches, in samples, that may differ from what it was; all others are the same bits.</param>
/// <param name="Model">That took part; null if none did.</param>
/// <param name="Notices">What else to know.</param>
public sealed record FileEditResult(AudioClip Clip, IReadOnlyList<(int From, int To)> Touched, ModelIdentity? Model, IReadOnlyList<string> Notices)
{
    /// <summary>What was chosen among candidates, piece by piece; empty where one was made.</summary>
    public IReadOnlyList<CandidateFits> Candidates { get; init; } = [];
}

/// <summary>Edits a sound that belongs to no project: a recording, or the sound of a video.</summary>
public static class FileEdit
{
    /// <summary>What its only track is called.</summary>
    public const string TrackId = "sound";

    /// <summary>Carries out a script that was read against <see cref="EditSubjects.Of(AudioClip, string, bool)"/>.</summary>
    /// <param name="clip">One or two channels, any rate.</param>
    /// <param name="description">What is heard; "" if nobody says.</param>
    /// <param name="script">What to do.</param>
    /// <param name="model">Gives the model when a step first needs one; the caller disposes of it.</param>
    /// <param name="seed">Of the noise; each step has the next.</param>
    /// <param name="tokens">Counts what the text encoders read; null leaves texts as long as they are.</param>
    /// <param name="cancellationToken">Stops within one step of the model.</param>
    /// <exception cref="EditException">A step cannot be done to this sound.</exception>
    public static async Task<FileEditResult> ApplyAsync(AudioClip clip, string description, EditScript script, Func<CancellationToken, Task<IEditModel>> model, ulong seed = 42,
                                                        ITokenCounter? tokens = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clip);
        ArgumentNullException.ThrowIfNull(script);
        if (clip.Channels > 2) throw new EditException(EditProblem.Impossible, $"the sound has {clip.Channels} channels, and what can be edited has one or two: mix it down first");
        if (clip.Samples == 0) throw new EditException(EditProblem.Impossible, "the sound has no samples");
        var editor = new SoundEditor([new EditSound { Id = TrackId, Name = TrackId, Description = description, IsMix = true, Clip = clip }], model, new Wording(tokens));
        for (int i = 0; i < script.Steps.Count; i++)
            await editor.ApplyAsync(script.Steps[i], script.Steps.Count == 1 ? script.Reasoning : null, seed + (ulong)i, cancellationToken).ConfigureAwait(false);
        return new FileEditResult(editor.Mix(), [.. editor.Sounds.Select(sound => sound.Touched).OfType<(int, int)>()], editor.Model, [.. editor.Notices]) { Candidates = [.. editor.Candidates] };
    }
}
