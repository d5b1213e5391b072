using ThinkSound.Bundles;
using ThinkSound.Reasoning.Texts;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Projects;

/// <summary>Makes sound with a <see cref="FoleyPipeline"/>, whose model is loaded when it is first needed. As long as the pipeline
/// can. One request at a time.</summary>
public sealed class PipelineSoundGenerator : ISoundGenerator, IDisposable
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1); // what a pipeline makes; shorter ones are cut from it

    private readonly EngineOptions _options;
    private readonly FoleyPipeline _pipeline;
    private readonly List<string> _notices = []; // of the request at hand
    private readonly List<CandidateFits> _candidates = [];
    private ModelIdentity? _model;
    private ThinkSoundEngine? _identified;

    /// <summary>A generator for one model; loads nothing yet.</summary>
    /// <param name="engine">The model, where and how.</param>
    /// <param name="cache">Keeps what the vision towers compute; null computes it each time.</param>
    public PipelineSoundGenerator(EngineOptions engine, FeatureCache? cache = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _options = engine;
        _pipeline = new FoleyPipeline(engine, new FoleyPipelineOptions
        {
            Cache = cache, ModelReady = (loaded, _) => Identify(loaded), Notice = _notices.Add, Chosen = _candidates.Add,
        });
    }

    /// <inheritdoc/>
    public async Task<SoundOutcome> GenerateAsync(SoundRequest request, SoundBlock write, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(write);
        _notices.Clear();
        _candidates.Clear();
        TimeSpan duration = TimeSpan.FromSeconds((double)request.NumSamples / 44_100);
        var job = new FoleyJob
        {
            Video = request.Video,
            Start = request.Start,
            Duration = duration < Shortest ? Shortest : duration,
            Streams = request.Streams,
            Conditions = Readable(request.Conditions),
            Generate = request.Generation.ToOptions(duration, request.Seed),
            Outputs = [],
        };
        long left = request.NumSamples;
        await foreach (PcmBlock block in _pipeline.StreamAsync(job, progress is null ? null : new Translated(progress), cancellationToken).ConfigureAwait(false))
        {
            int taken = (int)Math.Min(left, block.Samples);
            write(block.Interleaved.Span[..(taken * 2)]);
            left -= taken;
        }
        return new SoundOutcome(_model!, [.. _notices]) { Candidates = [.. _candidates] };
    }

    /// <summary>Gives the model back.</summary>
    public void Dispose() => _pipeline.Dispose();

    /// <summary>Without words that the model has no encoder for.</summary>
    private Conditions Readable(Conditions conditions)
    {
        if (_options.BundlePath is null) return conditions;
        ITokenCounter tokens = TokenCounter.Of(BundleDescription.Read(_options.BundlePath));
        bool readsClip = tokens.Count(TextEncoder.Clip, "") is not null, readsT5 = tokens.Count(TextEncoder.T5, "") is not null;
        if (conditions.ChainOfThought is not null && !readsT5) _notices.Add("the model has no encoder for a chain of thought, so the caption alone counts");
        return conditions with
        {
            Caption = readsClip ? conditions.Caption : null, NegativeCaption = readsClip ? conditions.NegativeCaption : null,
            ChainOfThought = readsT5 ? conditions.ChainOfThought : null,
        };
    }

    private void Identify(ThinkSoundEngine engine)
    {
        if (engine == _identified) return;
        (_model, _identified) = (ModelIdentity.Of(engine), engine);
    }

    private sealed class Translated(IProgress<ProjectProgress> progress) : IProgress<FoleyProgress>
    {
        public void Report(FoleyProgress value) => progress.Report(new(value.Activity, value.Fraction, value.Detail, value.Remaining));
    }
}
