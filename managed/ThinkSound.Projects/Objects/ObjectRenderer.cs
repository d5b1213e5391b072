using ThinkSound.Bundles;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Recogniser;

namespace ThinkSound.Projects;

/// <summary>Renders stage two: the region video through the model, as a track of its own; its place in the mix follows the object; the
/// bed stays, makes room, or is made anew without the object. Outside of the object's time no sample of the mix changes. The same
/// request gives the same samples on the same model.</summary>
/// <param name="generator">Makes the sound of a video.</param>
public sealed class ObjectRenderer(ISoundGenerator generator) : IOperationRenderer
{
    private const double EdgeSeconds = 0.01;     // fades at both ends of the stem: the object is there, then it is not
    private const double CrossFadeSeconds = 0.08; // from the bed to the new bed and back, inside of the object's time
    private const int BlockSamples = 8192;

    /// <inheritdoc/>
    public string Kind => ObjectPayload.KindName;

    /// <inheritdoc/>
    public async Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Payload is not ObjectPayload payload) throw new ArgumentException($"an operation \"{request.Payload.Kind}\" is not \"{Kind}\"", nameof(request));
        string video = request.Video.RequirePath(), id = $"{ObjectPayload.KindName}-{request.OperationId}";
        Timeline timeline = request.Before.Timeline;
        ObjectTrack track = TrackOf(payload, request.Stems);
        long begin = timeline.SampleAt(track.Start), end = timeline.SampleAt(track.End);
        if (begin >= end) throw new ArgumentException($"the object is seen from {track.Start.TotalSeconds:0.##} s on, after the end of the project's sound at {timeline.Duration.TotalSeconds:0.##} s");
        var (pan, level) = ObjectPlacement.Of(track, payload.PanWidth, payload.LevelRangeDb);
        Conditions words = WordsOf(payload, request.Reasoning);
        if (payload.Generation.Candidates > 1 && words.Caption is null)
            throw new ArgumentException($"the best of {payload.Generation.Candidates} candidates is chosen by how well it fits a caption, and there is none: give one, or make one candidate");
        Track? bed = request.Before.Find(Track.Bed);
        if (bed is null && payload.Bed != BedTreatment.Keep)
            throw new ArgumentException($"there is no track \"{Track.Bed}\" to {payload.Bed.ToString().ToLowerInvariant()}; make the video's sound first, or keep the bed as it is");

        var notices = new List<string>();
        using var scratch = new ScratchFolder();
        var (stem, made) = await MakeStem(request, payload, track, words, video, scratch, begin, end, progress, cancellationToken).ConfigureAwait(false);
        notices.AddRange(made.Notices);
        var tracks = new List<Track>
        {
            new() { Id = id, Name = NameOf(payload, request.Reasoning), Description = words.Caption ?? "", Audio = stem, Pan = pan, LevelDb = level },
        };
        var time = new TimeRange(TimeSpan.FromSeconds((double)begin / timeline.SampleRate), TimeSpan.FromSeconds((double)end / timeline.SampleRate));
        if (payload.Bed == BedTreatment.Duck)
        {
            if (payload.DuckDb is not (> 0 and <= 60)) throw new ArgumentException($"the bed is lowered by 0 to 60 dB, not {payload.DuckDb}");
            tracks.Add(bed! with { Ducks = [.. bed.Ducks, new Duck { For = id, Range = time, AmountDb = payload.DuckDb }] });
        }
        else if (payload.Bed == BedTreatment.Regenerate)
            tracks.Add(bed! with { Audio = await MakeBed(request, payload, track, words, video, scratch, bed.Audio, begin, end, notices, progress, cancellationToken).ConfigureAwait(false) });
        foreach (TimeRange lost in payload.Trajectory.Lost)
            notices.Add(FormattableString.Invariant($"the object is not seen from {lost.Start.TotalSeconds:0.00} to {lost.End.TotalSeconds:0.00} s; its sound stays where it was"));
        return new OperationResult { Tracks = tracks, Model = made.Model, Candidates = made.Candidates, Notices = notices };
    }

    /// <summary>As it was followed; of a payload without masks, its boxes.</summary>
    public static ObjectTrack TrackOf(ObjectPayload payload, IStemStore stems)
    {
        ArgumentNullException.ThrowIfNull(payload);
        ArgumentNullException.ThrowIfNull(stems);
        return payload.Trajectory.Masks is { } masks ? ObjectTrackFile.Read(stems.Get(masks), "the object's masks") : ObjectTrack.OfBoxes(payload.Trajectory);
    }

    private async Task<(StemAudio Stem, SoundOutcome Made)> MakeStem(RenderRequest request, ObjectPayload payload, ObjectTrack track, Conditions words, string video,
        ScratchFolder scratch, long begin, long end, IProgress<ProjectProgress>? progress, CancellationToken cancel)
    {
        Timeline timeline = request.Before.Timeline;
        var view = new RegionOptions { View = payload.View, Dilation = payload.Dilation };
        string region = await Show(video, track, scratch.At("object.avi"), view, "cutting out the object", progress, cancel).ConfigureAwait(false);
        using StemWriter writer = request.Stems.Create(begin);
        var edges = new Edges(end - begin, (long)(EdgeSeconds * timeline.SampleRate));
        long at = 0;
        SoundOutcome outcome = await generator.GenerateAsync(Ask(request, payload, region, words, end - begin) with { Streams = StreamsOf(payload, words) }, block =>
        {
            int count = (int)Math.Min(block.Length / 2, end - begin - at);
            var mono = new float[2 * count];
            for (int i = 0; i < count; i++)
            {
                // A thing is a point: where it is heard is up to the pan of its track alone.
                float sample = (float)(edges.At(at + i) * 0.5 * ((double)block[2 * i] + block[2 * i + 1]));
                mono[2 * i] = mono[2 * i + 1] = sample;
            }
            writer.Write(mono);
            at += count;
        }, progress, cancel).ConfigureAwait(false);
        return (writer.Finish(), outcome);
    }

    private async Task<StemAudio> MakeBed(RenderRequest request, ObjectPayload payload, ObjectTrack track, Conditions words, string video, ScratchFolder scratch,
        StemAudio old, long begin, long end, List<string> notices, IProgress<ProjectProgress>? progress, CancellationToken cancel)
    {
        Timeline timeline = request.Before.Timeline;
        var view = new RegionOptions { View = RegionView.Without, Dilation = payload.Dilation };
        string without = await Show(video, track, scratch.At("without.avi"), view, "taking the object out of the picture", progress, cancel).ConfigureAwait(false);
        // What the object was called is what must not be heard.
        var conditions = new Conditions { NegativeCaption = words.Caption };
        using StemReader reader = request.Stems.Open(old);
        using StemWriter writer = request.Stems.Create(old.Start);
        var fade = new Edges(end - begin, (long)(CrossFadeSeconds * timeline.SampleRate));
        (long from, long to) = (Math.Clamp(begin, old.Start, old.End), Math.Clamp(end, old.Start, old.End));
        Copy(reader, writer, old.Start, from, cancel);
        long at = 0; // of the new sound
        SoundOutcome outcome = await generator.GenerateAsync(Ask(request, payload, without, conditions, end - begin), block =>
        {
            var mixed = new float[block.Length];
            reader.Read(begin + at, mixed);
            int first = 0, count = 0;
            for (int i = 0; i < block.Length / 2; i++, at++)
            {
                if (begin + at < from || begin + at >= to) continue; // where there was no bed
                if (count++ == 0) first = i;
                double part = fade.At(at);
                for (int c = 2 * i; c < 2 * i + 2; c++) mixed[c] = (float)((1 - part) * mixed[c] + part * block[c]);
            }
            writer.Write(mixed.AsSpan(2 * first, 2 * count));
        }, progress, cancel).ConfigureAwait(false);
        Copy(reader, writer, to, old.End, cancel);
        notices.AddRange(outcome.Notices);
        return writer.Finish();
    }

    private static void Copy(StemReader from, StemWriter to, long begin, long end, CancellationToken cancel)
    {
        var block = new float[2 * BlockSamples];
        for (long at = begin; at < end; at += BlockSamples)
        {
            cancel.ThrowIfCancellationRequested();
            Span<float> samples = block.AsSpan(0, 2 * (int)Math.Min(BlockSamples, end - at));
            from.Read(at, samples);
            to.Write(samples);
        }
    }

    private static SoundRequest Ask(RenderRequest request, ObjectPayload payload, string video, Conditions words, long samples) => new()
    {
        // A model makes a second at least; what is more than the object's time is not taken.
        Video = video, NumSamples = Math.Max(samples, request.Before.Timeline.SampleRate), Conditions = words, Seed = payload.Seed,
        // A bed without the object has no words to choose by.
        Generation = words.Caption is null ? payload.Generation with { Candidates = 1 } : payload.Generation,
    };

    private static async Task<string> Show(string video, ObjectTrack track, string path, RegionOptions view, string activity, IProgress<ProjectProgress>? progress, CancellationToken cancel)
    {
        await Task.Run(() => RegionVideo.Write(video, track, path, view, done => progress?.Report(new ProjectProgress(activity, done)), cancel), cancel).ConfigureAwait(false);
        return path;
    }

    /// <summary>Where a caption was counted on and there is none, all of the video has to say what it is.</summary>
    private static ConditionStreams StreamsOf(ObjectPayload payload, Conditions words) =>
        payload.Streams.HasFlag(ConditionStreams.Caption) && words.Caption is null ? ConditionStreams.Video : payload.Streams;

    /// <summary>The words that the model is given.</summary>
    /// <param name="payload">What is asked.</param>
    /// <param name="reasoning">What was thought; may be null.</param>
    public static Conditions WordsOf(ObjectPayload payload, Reasoning.Reasoning? reasoning)
    {
        ArgumentNullException.ThrowIfNull(payload);
        Conditions words = OwnWords.Over(payload.Words, reasoning, payload.Generation.AvoidAsNegative);
        return words with
        {
            Caption = payload.Streams.HasFlag(ConditionStreams.Caption) ? words.Caption : payload.Words?.Caption,
            ChainOfThought = payload.Streams.HasFlag(ConditionStreams.Cot) ? words.ChainOfThought : payload.Words?.ChainOfThought,
            NegativeCaption = words.NegativeCaption ?? payload.Avoid,
        };
    }

    /// <summary>What the model's sound of an object passes for, for <see cref="ObjectPayload.Avoid"/>; null where the bundle does not say, or the
    /// caption names no sound or several.</summary>
    /// <param name="bundle">Of the model.</param>
    /// <param name="caption">What is to be heard; may be null.</param>
    public static string? AvoidOf(BundleDescription bundle, string? caption)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return UserWords.Of(caption ?? "").Kinds is [var kind] ? bundle.ObjectAvoid.GetValueOrDefault(kind.Name) : null;
    }

    private static string NameOf(ObjectPayload payload, Reasoning.Reasoning? reasoning) =>
        payload.Words?.Caption ?? (reasoning?.Events is [{ Object.Length: > 0 } first, ..] ? first.Object : reasoning?.Caption is { Length: > 0 } caption ? caption : "object");

    /// <summary>0 before and after, 1 in between, straight at both ends.</summary>
    private readonly struct Edges(long length, long fade)
    {
        private readonly long _fade = Math.Min(fade, length / 2);

        public double At(long sample)
        {
            long edge = Math.Min(sample, length - 1 - sample);
            return edge < 0 ? 0 : edge >= _fade ? 1 : (double)edge / _fade;
        }
    }
}
