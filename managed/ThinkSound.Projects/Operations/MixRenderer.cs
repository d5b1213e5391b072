namespace ThinkSound.Projects;

/// <summary>Sets levels of tracks. Writes no stems.</summary>
internal sealed class MixRenderer : IOperationRenderer
{
    public string Kind => MixPayload.KindName;

    public Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var changes = ((MixPayload)request.Payload).Changes;
        if (changes.Count == 0) throw new ArgumentException("there is no change of a level");
        return Task.FromResult(new OperationResult { Tracks = [.. changes.Select(change => Changed(change, request.Before))] });
    }

    private static Track Changed(TrackMix change, ProjectState state)
    {
        Track track = state.Require(change.Track);
        return track with
        {
            GainDb = change.GainDb ?? track.GainDb,
            IsMuted = change.IsMuted ?? track.IsMuted,
            Pan = change.Pan is { } pan ? pan == 0 ? [] : [new AutomationPoint(TimeSpan.Zero, pan)] : track.Pan,
        };
    }
}
