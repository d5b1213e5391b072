using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using ThinkSound.Bundles;
using ThinkSound.Media;

namespace ThinkSound.Rendering.Foley;

/// <summary>How a pipeline works.</summary>
public sealed record FoleyPipelineOptions
{
    /// <summary>Keeps what the vision towers compute; null computes it each time.</summary>
    public FeatureCache? Cache { get; init; }

    /// <summary>Keep the vision towers in memory between jobs, instead of giving their memory back before sampling. Between the
    /// windows of a long sound they are kept in any case. Under a memory cap it is given back all the same.</summary>
    public bool KeepsVision { get; init; }

    /// <summary>Told at once what a person should know, such as words that are cut off. Also part of the results.</summary>
    public Action<string>? Notice { get; init; }

    /// <summary>Told what was chosen among candidates, once a piece. Also part of the results.</summary>
    public Action<CandidateFits>? Chosen { get; init; }

    /// <summary>Told when the model that makes the sound is loaded, with what the job asks of it.</summary>
    public Action<ThinkSoundEngine, GenerateOptions>? ModelReady { get; init; }
}

/// <summary>From a video and words to finished files: watches, samples, decodes, writes. The model is loaded with the first
/// job and kept for the next ones. One job at a time.</summary>
/// <example>
/// <code>
/// using var pipeline = new FoleyPipeline(new EngineOptions { BundlePath = "models/foley-small" });
/// var job = new FoleyJob { Video = "clip.mp4", Outputs = [new FoleyOutput { Path = "with-sound.mp4" }] };
/// await foreach (FoleyResult result in pipeline.RunAsync(job)) Console.WriteLine(result.Output.Path);
/// </code>
/// </example>
public sealed partial class FoleyPipeline : IDisposable
{
    private readonly FoleyPipelineOptions _options;
    private readonly Engines _engines;
    private string? _visionFingerprint;
    private WatcherBuffers? _buffers; // while a long sound is made
    private Ahead? _ahead;            // watched before its job

    /// <summary>A pipeline for one model; loads nothing yet.</summary>
    public FoleyPipeline(EngineOptions engine, FoleyPipelineOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _options = options ?? new FoleyPipelineOptions();
        _engines = new Engines(engine);
    }

    /// <summary>The model that makes the sound; null before the first job.</summary>
    public EngineInfo? Model => _engines.Sound?.Info;

    /// <summary>Watches a job's video before the job is done, for somebody who must see it first to find the words. Where
    /// <see cref="RunAsync"/> then makes the same stretch, it does not watch again, and what this took is part of its times.</summary>
    /// <param name="job">What is to be done; its words do not count yet, and its outputs are checked.</param>
    /// <param name="progress">Told of each step, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    /// <returns>What the towers make of the whole; null where there is no video, or where it is watched window by window.</returns>
    /// <exception cref="ThinkSoundException">As for <see cref="RunAsync"/>.</exception>
    public async Task<VideoFeatures?> WatchAsync(FoleyJob job, IProgress<FoleyProgress>? progress = null, CancellationToken cancellationToken = default) =>
        await WatchPlanAsync(await FoleyPlan.OfAsync(job, cancellationToken).ConfigureAwait(false), progress, cancellationToken).ConfigureAwait(false);

    /// <summary>The same for a job that is planned already.</summary>
    internal async Task<VideoFeatures?> WatchPlanAsync(FoleyPlan plan, IProgress<FoleyProgress>? progress, CancellationToken cancellationToken)
    {
        _ahead = null;
        FoleyJob job = plan.Job;
        if (job.Video is null) return null;
        var run = new FoleyRun(progress, notice: null); // the job itself tells
        // Words are to come, so the encoders for them are loaded.
        Prepared ready = await Ready(plan with { Job = job with { WordsFor = job.WordsFor ?? (_ => job.Conditions) } }, run, cancellationToken).ConfigureAwait(false);
        if (ready.Windows.Count > 1) return null;
        Shot shot = ShotOf(ready, ready.Windows[0]);
        var (features, isCached) = await Watch(ready, shot, run, cancellationToken).ConfigureAwait(false);
        _ahead = new Ahead(ready.Plan.Media!.Path, shot, features, isCached, run.TakeSeconds(), run.TakeWarnings());
        return features;
    }

    /// <summary>Does a job; each sound comes when its file is complete. What was written before a failure or the end of the
    /// loop stays; nothing half-written does.</summary>
    /// <param name="job">What to do.</param>
    /// <param name="progress">Told of each step, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    /// <exception cref="InputException">The input has no video, or is too long.</exception>
    /// <exception cref="MediaException">The input cannot be read.</exception>
    /// <exception cref="ArgumentException">An output exists, its format does not fit, or an option is out of range.</exception>
    /// <exception cref="OutputException">An output cannot be written.</exception>
    /// <exception cref="ThinkSoundException">The model cannot be loaded or lacks what the job needs; see <see cref="ThinkSoundEngine.LoadAsync(EngineOptions, IProgress{GenerateProgress}, CancellationToken)"/>.</exception>
    public async IAsyncEnumerable<FoleyResult> RunAsync(FoleyJob job, IProgress<FoleyProgress>? progress = null,
                                                        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (job.Outputs.Count == 0) throw new ArgumentException("the job has no outputs", nameof(job));
        FoleyPlan plan = await FoleyPlan.OfAsync(job, cancellationToken).ConfigureAwait(false);
        await foreach (FoleyResult result in RunPlanAsync(plan, progress, cancellationToken).ConfigureAwait(false)) yield return result;
    }

    /// <summary>The same for a job that is planned already.</summary>
    internal async IAsyncEnumerable<FoleyResult> RunPlanAsync(FoleyPlan plan, IProgress<FoleyProgress>? progress, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var run = new FoleyRun(progress, _options.Notice, _options.Chosen);
        Prepared ready = await Prepare(plan, run, cancellationToken).ConfigureAwait(false);
        plan = ready.Plan;
        var picture = new FoleyPicture(plan);
        if (ready.Windows.Count > 1)
        {
            foreach (FoleyResult result in await RunWindows(ready, picture, run, cancellationToken).ConfigureAwait(false)) yield return result;
            yield break;
        }
        var (conditions, isCached) = await Watch(ready, ready.Windows[0], run, cancellationToken).ConfigureAwait(false);
        using ThinkSoundSession session = ready.Engine.CreateSession();
        for (int i = 0; i < plan.Job.Outputs.Count; i++)
        {
            FoleyOutput output = plan.Job.Outputs[i];
            run.BeginOutput(i);
            AudioClip clip = await run.Generate(stages => session.GenerateAsync(conditions, ready.Generate with { Seed = output.Seed }, stages, cancellationToken)).ConfigureAwait(false);
            run.Choose(session.LastFits);
            FoleyResult result = await run.Time(FoleyStage.Write, () => Task.Run(() => SoundFile.Write(plan, output, clip, ready.Engine, picture, cancellationToken), cancellationToken))
                                          .ConfigureAwait(false);
            foreach (string warning in result.Warnings) run.Warn(warning);
            yield return result with { Candidates = run.ChoicesOf(i), Seconds = run.TakeSeconds(), FeaturesFromCache = isCached, Warnings = run.TakeWarnings() };
        }
    }

    /// <summary>Makes a job's sound and hands it out as it is made, without gain, instead of writing files: one of the seed of
    /// <see cref="FoleyJob.Generate"/>; outputs and loudness do not count. A long sound comes window by window, in constant memory.
    /// Leaving the loop early cancels the rest.</summary>
    /// <param name="job">What to do.</param>
    /// <param name="progress">Told of each step, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    /// <returns>The samples in order and without gaps: round(duration · rate) of them under <see cref="LengthRule.Exact"/>.</returns>
    /// <exception cref="ThinkSoundException">As for <see cref="RunAsync"/>.</exception>
    public async IAsyncEnumerable<PcmBlock> StreamAsync(FoleyJob job, IProgress<FoleyProgress>? progress = null,
                                                        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var run = new FoleyRun(progress, _options.Notice, _options.Chosen);
        FoleyPlan plan = await FoleyPlan.OfAsync(job with { Outputs = [] }, cancellationToken).ConfigureAwait(false);
        Prepared ready = await Prepare(plan, run, cancellationToken).ConfigureAwait(false);
        long position = 0;
        await foreach (AudioClip piece in ready.Windows.Count > 1 ? Pieces() : Whole())
        {
            if (piece.Samples > 0) yield return new PcmBlock(position, piece.SampleRate, piece.ToInterleaved());
            position += piece.Samples;
        }

        async IAsyncEnumerable<AudioClip> Pieces()
        {
            await foreach (IReadOnlyList<AudioClip> pieces in MakeWindows(ready, [ready.Generate.Seed], run, cancellationToken).ConfigureAwait(false)) yield return pieces[0];
        }

        async IAsyncEnumerable<AudioClip> Whole()
        {
            var (conditions, _) = await Watch(ready, ready.Windows[0], run, cancellationToken).ConfigureAwait(false);
            using ThinkSoundSession session = ready.Engine.CreateSession();
            run.BeginOutput(0);
            AudioClip clip = await run.Generate(stages => session.GenerateAsync(conditions, ready.Generate, stages, cancellationToken)).ConfigureAwait(false);
            run.Choose(session.LastFits);
            yield return clip;
        }
    }

    /// <summary>Gives the model back. Not while a job runs.</summary>
    public void Dispose() => _engines.Dispose();

    /// <summary>A job whose model is loaded, and the windows that its sound is made in: one for the whole of a short one.</summary>
    /// <param name="Plan">Of the job.</param>
    /// <param name="Engine">Makes the sound.</param>
    /// <param name="Generate">Its duration is the whole sound's.</param>
    /// <param name="Windows">At least one.</param>
    /// <param name="Cuts">Where windows meet at cuts: the step, and when the cut is, from the begin of the sound.</param>
    private sealed record Prepared(FoleyPlan Plan, ThinkSoundEngine Engine, GenerateOptions Generate, IReadOnlyList<LatentWindow> Windows, IReadOnlyDictionary<int, TimeSpan> Cuts)
    {
        private readonly Lazy<string> _videoFingerprint = new(() => FingerprintOf(Plan.Media!.Path));

        /// <summary>Of the video's bytes, which are read once, however many windows there are.</summary>
        public string VideoFingerprint => _videoFingerprint.Value;
    }

    /// <summary>What a job is made with, and who wants to know is told.</summary>
    private async Task<Prepared> Prepare(FoleyPlan plan, FoleyRun run, CancellationToken cancel)
    {
        Prepared ready = await Ready(plan, run, cancel).ConfigureAwait(false);
        foreach (string warning in plan.Warnings) run.Warn(warning);
        ThinkSoundEngine engine = ready.Engine;
        CheckCandidates(plan.Job, engine);
        _options.ModelReady?.Invoke(engine, ready.Windows.Count == 1 ? ready.Generate
            : ready.Generate with { Duration = WindowGrid.Of(engine).Duration(ready.Windows.Max(window => window.Length) + WindowedSound.Tail) });
        WarnOfCutWords(engine, plan.Job.Conditions, run);
        return ready;
    }

    /// <summary>What sampling would say, before a video is watched for it.</summary>
    private static void CheckCandidates(FoleyJob job, ThinkSoundEngine engine)
    {
        if (job.Generate.Candidates is null or <= 1) return;
        if (!engine.Info.Components.HasFlag(BundleComponents.Listener))
            throw new UnsupportedException($"bundle {engine.Bundle.Name} has no listener, which it takes to choose among candidates: take a bundle that has one, or make one candidate");
        if (job.Conditions.Caption is null) throw new ArgumentException("candidates are chosen by how well they fit a caption, and there is none: give one, or make one candidate");
    }

    private async Task<Prepared> Ready(FoleyPlan plan, FoleyRun run, CancellationToken cancel)
    {
        FoleyJob job = plan.Job;
        ThinkSoundEngine engine = await run.Time(FoleyStage.Load, () => _engines.SoundAsync(job, run.Loading, cancel)).ConfigureAwait(false);
        GenerateOptions generate = engine.Complete(job.Generate with { Duration = plan.Duration });
        plan = plan with { Job = job with { Generate = generate } };
        var (windows, cuts) = await DivideAsync(plan, engine, run, cancel).ConfigureAwait(false);
        return new Prepared(plan, engine, generate, windows, cuts);
    }

    /// <summary>The words for a window, with what is seen in it.</summary>
    private async Task<(Conditions Conditions, bool IsCached)> Watch(Prepared ready, LatentWindow window, FoleyRun run, CancellationToken cancel)
    {
        FoleyJob job = ready.Plan.Job;
        Conditions words = ready.Windows.Count == 1 || job.WordsFor is null ? job.Conditions : job.WordsFor(WindowGrid.Of(ready.Engine).Times(window));
        if (ready.Plan.Media?.Video is null) return (words, false);
        var (features, isCached) = await Watch(ready, ShotOf(ready, window), run, cancel).ConfigureAwait(false);
        return (words with { ClipFeatures = features.Clip ?? words.ClipFeatures, SyncFeatures = features.Sync ?? words.SyncFeatures }, isCached);
    }

    /// <summary>A stretch of a video to watch.</summary>
    private readonly record struct Shot(TimeSpan Start, TimeSpan? SceneEnd, ClipLengths Lengths, ConditionStreams Streams);

    /// <summary>What was watched before the job that needs it, and what that took.</summary>
    private sealed record Ahead(string Path, Shot Shot, VideoFeatures Features, bool IsCached, IReadOnlyDictionary<FoleyStage, double> Seconds, IReadOnlyList<string> Warnings);

    /// <summary>What of the video belongs to a window.</summary>
    private static Shot ShotOf(Prepared ready, LatentWindow window)
    {
        FoleyJob job = ready.Plan.Job;
        WindowGrid grid = WindowGrid.Of(ready.Engine);
        bool isWhole = ready.Windows.Count == 1;
        int tail = window == ready.Windows[^1] ? 0 : WindowedSound.Tail;
        TimeSpan sampled = isWhole ? ready.Plan.Duration : grid.Duration(window.Length + tail);
        TimeSpan start = job.Start + (isWhole ? TimeSpan.Zero : grid.Times(window).Start), last = ready.Plan.Media!.Video!.Duration - TimeSpan.FromMilliseconds(1); // past the end its last frame stays
        TimeSpan? sceneEnd = ready.Cuts.TryGetValue(window.End, out TimeSpan cut) ? job.Start + cut : null;
        return new Shot(start < last || isWhole ? start : last, sceneEnd, ready.Engine.GetLengths(sampled, ready.Generate.Lengths), job.Streams & ConditionStreams.Video);
    }

    private async Task<(VideoFeatures Features, bool IsCached)> Watch(Prepared ready, Shot shot, FoleyRun run, CancellationToken cancel)
    {
        FoleyPlan plan = ready.Plan;
        BundleDescription bundle = ready.Engine.Bundle;
        ConditionStreams towers = Tower("clip_vision", ConditionStreams.Clip) | Tower("synchformer", ConditionStreams.Sync);
        if (towers == ConditionStreams.None)
            throw new UnsupportedException($"bundle {bundle.Name} has no network that watches video (clip_vision, synchformer); it can make sounds from words alone");
        if ((shot.Streams & towers) == ConditionStreams.None) return (new VideoFeatures(null, null), false);
        if (_ahead is { } ahead && ahead.Path == plan.Media!.Path && ahead.Shot == shot)
        {
            _ahead = null;
            run.Add(ahead.Seconds);
            foreach (string warning in ahead.Warnings) run.Warn(warning);
            return (ahead.Features, ahead.IsCached);
        }
        string? key = _options.Cache is null || bundle.Folder is null ? null
            : await Task.Run(() => KeyOf(ready, shot), cancel).ConfigureAwait(false);
        if (key is not null && _options.Cache!.TryGet(key) is { } known) return (known, true);

        ThinkSoundEngine vision = await run.Time(FoleyStage.Load, () => _engines.VisionAsync(run.Loading, cancel)).ConfigureAwait(false);
        VideoFeatures features;
        using (ThinkSoundSession session = vision.CreateSession())
        {
            features = await run.Time(FoleyStage.Watch, async () =>
            {
                var (seen, damaged) = await VideoWatcher.WatchAsync(session, shot.Lengths, plan.Media!.Path, shot.Start, shot.SceneEnd, plan.Media.Video!, shot.Streams,
                    (done, left) => run.Report(FoleyStage.Watch, done, $"{plan.Duration.TotalSeconds * done:0.0} of {plan.Duration.TotalSeconds:0.0} s", left), cancel, _buffers).ConfigureAwait(false);
                if (damaged > 0) run.Warn($"{plan.Media.Path}: {damaged} damaged packets or frames were concealed or left out");
                return seen;
            }).ConfigureAwait(false);
        }
        bool isNeeded = _options.KeepsVision || ready.Windows.Count > 1; // for the next job, or the next window
        if (!isNeeded || _engines.IsCapped) _engines.ReleaseVision();
        if (key is not null) _options.Cache!.Store(key, features);
        return (features, false);

        ConditionStreams Tower(string kind, ConditionStreams stream) => bundle.Find(kind) is null ? ConditionStreams.None : stream;
    }

    /// <summary>Everything that features depend on: the video's bytes, the stretch, the towers and how they are computed.</summary>
    private string KeyOf(Prepared ready, Shot shot)
    {
        ThinkSoundEngine sound = ready.Engine;
        _visionFingerprint ??= sound.Bundle.Fingerprint("clip_vision", "synchformer");
        string facts = string.Join('\n', "features 1", ready.VideoFingerprint, shot.Start.Ticks, shot.Lengths.ClipLength, shot.Lengths.SyncFrames,
                                   _visionFingerprint, sound.Info.Precision, sound.Info.Device, ThinkSoundRuntime.Version, MediaLibrary.Version, MediaLibrary.FFmpegVersion);
        if (shot.SceneEnd is { } end) facts += $"\nscene ends {end.Ticks}";
        if (shot.Streams != ConditionStreams.Video) facts += $"\n{shot.Streams}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(facts)));
    }

    private static string FingerprintOf(string path)
    {
        try
        {
            return FileFingerprint.Of(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FileAccessException($"{path}: cannot be read: {e.Message}");
        }
    }

    private static void WarnOfCutWords(ThinkSoundEngine engine, Conditions conditions, FoleyRun run)
    {
        Check(TextEncoder.T5, conditions.ChainOfThought, "the chain of thought", "pieces");
        Check(TextEncoder.T5, conditions.NegativeChainOfThought, "the negative chain of thought", "pieces");
        Check(TextEncoder.Clip, conditions.Caption, "the caption", "tokens");
        Check(TextEncoder.Clip, conditions.NegativeCaption, "the negative caption", "tokens");

        void Check(TextEncoder encoder, string? text, string name, string units)
        {
            if (text is null || engine.Tokenize(encoder, text) is not { IsTruncated: true } tokens) return;
            // The closing token takes one place.
            string kept = tokens.KeptText.TrimEnd(), tail = kept.Length <= 40 ? kept : "…" + kept[^40..];
            run.Warn($"{name} is cut: it has {tokens.Count - 1} {units}, the model reads {tokens.Ids.Count - 1}; the last it reads is \"{tail}\"");
        }
    }
}
