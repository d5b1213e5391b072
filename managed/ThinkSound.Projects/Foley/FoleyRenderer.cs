namespace ThinkSound.Projects;

/// <summary>Stage one: makes the sound of the whole video, as the track <see cref="Track.Bed"/>. One that is there keeps its place and
/// its levels.</summary>
/// <param name="generator">Makes the sound.</param>
public sealed class FoleyRenderer(ISoundGenerator generator) : IOperationRenderer
{
    /// <inheritdoc/>
    public string Kind => FoleyPayload.KindName;

    /// <inheritdoc/>
    public async Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var payload = (FoleyPayload)request.Payload;
        long length = request.Before.Timeline.NumSamples;
        Conditions conditions = OwnWords.Over(payload.Words, request.Reasoning, payload.Generation.AvoidAsNegative);
        using StemWriter stem = request.Stems.Create();
        SoundOutcome made = await generator.GenerateAsync(new SoundRequest
        {
            Video = request.Video.RequirePath(), NumSamples = length, Conditions = conditions, Generation = payload.Generation, Seed = payload.Seed,
        }, stem.Write, progress, cancellationToken).ConfigureAwait(false);
        if (stem.NumSamples != length) throw new InvalidOperationException($"the generator made {stem.NumSamples} samples of {length}");

        StemAudio audio = stem.Finish();
        Track bed = request.Before.Find(Track.Bed) ?? new Track { Id = Track.Bed, Name = "soundscape", Audio = audio };
        return new OperationResult { Tracks = [bed with { Audio = audio, Description = conditions.Caption ?? "" }], Model = made.Model, Candidates = made.Candidates, Notices = made.Notices };
    }
}
