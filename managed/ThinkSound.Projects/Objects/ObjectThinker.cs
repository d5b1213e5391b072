using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Projects;

/// <summary>Has somebody think about an object: they are shown the region video that the sound will be made from.</summary>
public static class ObjectThinker
{
    /// <summary>Thinks.</summary>
    /// <param name="reasoner">Who.</param>
    /// <param name="video">The file.</param>
    /// <param name="track">The object in it.</param>
    /// <param name="region">How it is shown.</param>
    /// <param name="words">The user's own words on it; may be null.</param>
    /// <param name="existing">Sounds that are there already.</param>
    /// <param name="tokens">So that texts are made to fit; may be null.</param>
    /// <param name="onStep">Told each step.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Times count from the begin of the object's sound, which is the track's.</returns>
    public static async Task<Reasoning.Reasoning> ThinkAsync(IReasoner reasoner, string video, ObjectTrack track, RegionOptions? region = null, OwnWords? words = null,
                                                             IReadOnlyList<ExistingSound>? existing = null, ITokenCounter? tokens = null, Action<ReasoningStep>? onStep = null,
                                                             IProgress<ReasoningProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reasoner);
        using var folder = new ScratchFolder();
        string path = folder.At("region.avi"), still = folder.At("still.avi");
        region ??= new RegionOptions();
        var scene = new StillScene(video, track, region.Dilation);
        await Show(path, region, cancellationToken).ConfigureAwait(false);
        var request = new ReasoningRequest
        {
            Video = path,
            Duration = track.Duration,
            Region = new VideoRegion(0, 0, 1, 1), // all of it is the object's region, so that one object is thought about
            Scene = new SceneVideo(video, new TimeRange(track.Start, track.End)) { Still = ShowStill },
            Caption = words?.Caption,
            ChainOfThought = words?.ChainOfThought,
            Existing = existing ?? [],
            Tokens = tokens,
        };
        Reasoning.Reasoning reasoning = await reasoner.ReasonToEndAsync(request, onStep, progress, cancellationToken).ConfigureAwait(false);
        return reasoning with { Subject = reasoning.Subject with { Video = Path.GetFileName(video), Start = track.Start, Region = track.Bounds() } };

        Task Show(string to, RegionOptions view, CancellationToken cancel) => Task.Run(() => RegionVideo.Write(video, track, to, view, scene, null, cancel), cancel);

        async Task<string> ShowStill(CancellationToken cancel)
        {
            if (!File.Exists(still)) await Show(still, region with { View = RegionView.Still }, cancel).ConfigureAwait(false);
            return still;
        }
    }
}
