using System.Diagnostics;
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

    /// <summary>Keep the vision towers in memory between jobs, instead of giving their memory back before sampling. Under a
    /// memory cap it is given back all the same.</summary>
    public bool KeepsVision { get; init; }

    /// <summary>Told at once what a person should know, such as words that are cut off. Also part of the results.</summary>
    public Action<string>? Notice { get; init; }

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
public sealed class FoleyPipeline : IDisposable
{
    private readonly FoleyPipelineOptions _options;
    private readonly Engines _engines;
    private string? _visionFingerprint;

    /// <summary>A pipeline for one model; loads nothing yet.</summary>
    public FoleyPipeline(EngineOptions engine, FoleyPipelineOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _options = options ?? new FoleyPipelineOptions();
        _engines = new Engines(engine);
    }

    /// <summary>The model that makes the sound; null before the first job.</summary>
    public EngineInfo? Model => _engines.Sound?.Info;

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
        FoleyPlan plan = await Task.Run(() => FoleyPlan.Of(job, cancellationToken), cancellationToken).ConfigureAwait(false);
        var run = new FoleyRun(progress, _options.Notice);
        foreach (string warning in plan.Warnings) run.Warn(warning);

        ThinkSoundEngine engine = await run.Time(FoleyStage.Load, () => _engines.SoundAsync(job.Conditions, run.Loading, cancellationToken)).ConfigureAwait(false);
        GenerateOptions generate = engine.Complete(job.Generate with { Duration = plan.Duration });
        plan = plan with { Job = job with { Generate = generate } };
        ClipLengths lengths = engine.GetLengths(plan.Duration, generate.Lengths);
        _options.ModelReady?.Invoke(engine, generate);
        WarnOfCutWords(engine, job.Conditions, run);

        var (features, isCached) = plan.Media is null ? (null, false) : await Watch(plan, engine, lengths, run, cancellationToken).ConfigureAwait(false);
        Conditions conditions = features is null ? job.Conditions : job.Conditions with
        {
            ClipFeatures = features.Clip ?? job.Conditions.ClipFeatures, SyncFeatures = features.Sync ?? job.Conditions.SyncFeatures,
        };
        using ThinkSoundSession session = engine.CreateSession();
        var picture = new FoleyPicture(plan);
        for (int i = 0; i < job.Outputs.Count; i++)
        {
            FoleyOutput output = job.Outputs[i];
            run.BeginOutput(i);
            AudioClip clip = await run.Generate(session, conditions, generate with { Seed = output.Seed }, cancellationToken).ConfigureAwait(false);
            FoleyResult result = await run.Time(FoleyStage.Write, () => Task.Run(() => SoundFile.Write(plan, output, clip, engine, picture, cancellationToken), cancellationToken))
                                          .ConfigureAwait(false);
            foreach (string warning in result.Warnings) run.Warn(warning);
            yield return result with { Seconds = run.TakeSeconds(), FeaturesFromCache = isCached, Warnings = run.TakeWarnings() };
        }
    }

    /// <summary>Gives the model back. Not while a job runs.</summary>
    public void Dispose() => _engines.Dispose();

    private async Task<(VideoFeatures? Features, bool IsCached)> Watch(FoleyPlan plan, ThinkSoundEngine sound, ClipLengths lengths, FoleyRun run, CancellationToken cancel)
    {
        BundleDescription bundle = sound.Bundle;
        if (bundle.Find("clip_vision") is null && bundle.Find("synchformer") is null)
            throw new UnsupportedException($"bundle {bundle.Name} has no network that watches video (clip_vision, synchformer); it can make sounds from words alone");
        string? key = _options.Cache is null || bundle.Folder is null ? null
            : await Task.Run(() => KeyOf(plan, sound, lengths), cancel).ConfigureAwait(false);
        if (key is not null && _options.Cache!.TryGet(key) is { } known) return (known, true);

        ThinkSoundEngine vision = await run.Time(FoleyStage.Load, () => _engines.VisionAsync(run.Loading, cancel)).ConfigureAwait(false);
        VideoFeatures features;
        using (ThinkSoundSession session = vision.CreateSession())
        {
            features = await run.Time(FoleyStage.Watch, async () =>
            {
                var (seen, damaged) = await VideoWatcher.WatchAsync(session, lengths, plan.Media!.Path, plan.Job.Start, plan.Media.Video!,
                    (done, left) => run.Report(FoleyStage.Watch, done, $"{plan.Duration.TotalSeconds * done:0.0} of {plan.Duration.TotalSeconds:0.0} s", left), cancel).ConfigureAwait(false);
                if (damaged > 0) run.Warn($"{plan.Media.Path}: {damaged} damaged packets or frames were concealed or left out");
                return seen;
            }).ConfigureAwait(false);
        }
        if (!_options.KeepsVision || _engines.IsCapped) _engines.ReleaseVision();
        if (key is not null) _options.Cache!.Store(key, features);
        return (features, false);
    }

    /// <summary>Everything that features depend on: the video's bytes, the stretch, the towers and how they are computed.</summary>
    private string KeyOf(FoleyPlan plan, ThinkSoundEngine sound, ClipLengths lengths)
    {
        _visionFingerprint ??= sound.Bundle.Fingerprint("clip_vision", "synchformer");
        string facts = string.Join('\n', "features 1", FingerprintOf(plan.Media!.Path), plan.Job.Start.Ticks, lengths.ClipLength, lengths.SyncFrames,
                                   _visionFingerprint, sound.Info.Precision, sound.Info.Device, ThinkSoundRuntime.Version, MediaLibrary.Version, MediaLibrary.FFmpegVersion);
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
