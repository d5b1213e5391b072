using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Projects.Editing;

/// <summary>Renders <see cref="EditPayload"/>: the steps one after the other, each on what the one before left. Tracks that no step
/// touches are left out of the result, and samples of the others outside of the steps' ranges are the same bits.</summary>
/// <param name="model">Gives the model that makes sound when a step first needs one; asked with the project's video. The caller
/// disposes of it.</param>
/// <param name="tokens">Counts what the text encoders read; null leaves texts as long as they are.</param>
public sealed class EditRenderer(Func<ProjectVideo, GenerationSettings, CancellationToken, Task<IEditModel>> model, ITokenCounter? tokens = null) : IOperationRenderer
{
    /// <inheritdoc/>
    public string Kind => EditPayload.KindName;

    /// <inheritdoc/>
    /// <exception cref="EditException">A step cannot be done to these tracks.</exception>
    public async Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Payload is not EditPayload payload) throw new ArgumentException($"a payload of the kind \"{request.Payload.Kind}\" is no edit", nameof(request));
        if (payload.Steps.Count == 0) throw new ArgumentException("the edit has no steps", nameof(request));
        Timeline timeline = request.Before.Timeline;
        EditSound[] sounds = [.. request.Before.Tracks.Select(track => Open(track, request.Stems, timeline))];
        if (sounds.Length == 0) sounds = [Silence(timeline)];
        var editor = new SoundEditor(sounds, cancel => model(request.Video, payload.Generation, cancel), new Wording(tokens));
        for (int i = 0; i < payload.Steps.Count; i++)
        {
            progress?.Report(new("editing", (double)i / payload.Steps.Count, $"step {i + 1} of {payload.Steps.Count}"));
            await editor.ApplyAsync(payload.Steps[i], payload.Steps.Count == 1 ? request.Reasoning : null, payload.Seed + (ulong)i, cancellationToken).ConfigureAwait(false);
        }
        progress?.Report(new("editing", 1));
        return new OperationResult
        {
            Tracks = [.. editor.Sounds.Where(sound => sound.Touched is not null && !sound.IsGone).Select((sound, i) => Keep(sound, request, i))],
            Removed = [.. editor.Sounds.Where(sound => sound is { IsGone: true, Id: not null }).Select(sound => sound.Id!)],
            Model = editor.Model,
            Candidates = [.. editor.Candidates],
            Notices = [.. editor.Notices],
        };
    }

    private static EditSound Open(Track track, IStemStore stems, Timeline timeline)
    {
        using StemReader reader = stems.Open(track.Audio);
        return new EditSound { Id = track.Id, Name = track.Name.Length > 0 ? track.Name : track.Id, Description = track.Description, IsMix = track.Id == Track.Bed, Clip = reader.ReadClip(0, checked((int)timeline.NumSamples)) };
    }

    /// <summary>A project without tracks: something can still be added to it.</summary>
    private static EditSound Silence(Timeline timeline) => new() { Id = "", Name = "", Clip = new AudioClip(timeline.Channels, timeline.SampleRate, new float[timeline.Channels * timeline.NumSamples]) };

    private static Track Keep(EditSound sound, RenderRequest request, int index)
    {
        Track? before = sound.Id is null ? null : request.Before.Find(sound.Id);
        var (from, to) = sound.Touched!.Value;
        // A stem stays as long as it was, and grows where it is heard now.
        int first = before is null ? from : (int)Math.Clamp(Math.Min(before.Audio.Start, from), 0, from), last = before is null ? to : (int)Math.Clamp(Math.Max(before.Audio.End, to), to, sound.Clip.Samples);
        using StemWriter writer = request.Stems.Create(first);
        const int block = 1 << 16;
        int channels = sound.Clip.Channels;
        var interleaved = new float[block * channels];
        for (int at = first; at < last; at += block)
        {
            int count = Math.Min(block, last - at);
            for (int channel = 0; channel < channels; channel++)
            {
                ReadOnlySpan<float> samples = sound.Clip.Channel(channel).Slice(at, count);
                for (int n = 0; n < count; n++) interleaved[n * channels + channel] = samples[n];
            }
            writer.Write(interleaved.AsSpan(0, count * channels));
        }
        StemAudio audio = writer.Finish();
        return before is not null ? before with { Audio = audio, Name = before.Name.Length > 0 ? sound.Name : "", Description = sound.Description }
            : new Track { Id = index == 0 ? $"edit-{request.OperationId}" : $"edit-{request.OperationId}-{index + 1}", Name = sound.Name, Description = sound.Description, Audio = audio };
    }
}
