using ThinkSound.Media;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Projects.Editing;

/// <summary>Edits with a model of the native library: latents that are known are held while the rest is sampled (inpainting, extension,
/// variation), or a latent is walked from one condition to another (flow editing). Nothing of it needs a model that was trained to
/// edit; one whose flow reads masked latents is shown them, too. One call at a time.</summary>
public sealed class NativeEditModel : IEditModel, IDisposable
{
    private const int PlainJumps = 2; // where nobody recommends any: what is made hears much more of what is kept (docs/editing.md)

    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60);

    private readonly ThinkSoundEngine _engine;
    private readonly ThinkSoundSession _session;
    private readonly GenerateOptions _options;
    private readonly MediaInfo? _video;
    private readonly Dictionary<EditWindow, VideoFeatures> _seen = [];
    private ModelIdentity? _identity;

    /// <summary>A model that edits.</summary>
    /// <param name="engine">With both halves of the codec; the caller disposes of it.</param>
    /// <param name="options">Steps, guidance and candidates; null takes the model's own.</param>
    /// <param name="video">What the sound belongs to, for the towers that watch; null if there is none.</param>
    /// <exception cref="ResourceNotFoundException">The video is not there.</exception>
    /// <exception cref="MediaException">The video cannot be read.</exception>
    public NativeEditModel(ThinkSoundEngine engine, GenerateOptions? options = null, string? video = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        (_engine, _options) = (engine, options ?? new GenerateOptions());
        _video = video is null ? null : MediaInfo.Open(video) is { Video: not null } media ? media : null;
        _session = engine.CreateSession();
    }

    /// <summary>Where several candidates are asked for and there are no words to choose by, it is an error; otherwise one is made.</summary>
    public bool MustChoose { get; init; }

    /// <inheritdoc/>
    public CandidateFits? LastFits { get; private set; }

    /// <inheritdoc/>
    public int SampleRate => _engine.Info.SampleRate;

    /// <inheritdoc/>
    public ModelIdentity Identity => _identity ??= ModelIdentity.Of(_engine);

    /// <inheritdoc/>
    public async Task<AudioClip> GenerateAsync(EditWindow window, EditWords words, ulong seed, CancellationToken cancellationToken = default)
    {
        Conditions conditions = await ConditionsOf(window, words, cancellationToken).ConfigureAwait(false);
        AudioClip clip = await _session.GenerateAsync(conditions, OptionsFor(window, seed, conditions), null, cancellationToken).ConfigureAwait(false);
        LastFits = _session.LastFits;
        return clip;
    }

    /// <inheritdoc/>
    public Task<AudioClip> InpaintAsync(EditWindow window, AudioClip sound, int from, int to, EditWords words, ulong seed, CancellationToken cancellationToken = default) =>
        VaryAsync(window, sound, from, to, words, 1, seed, cancellationToken);

    /// <inheritdoc/>
    public async Task<AudioClip> VaryAsync(EditWindow window, AudioClip sound, int from, int to, EditWords words, double strength, ulong seed, CancellationToken cancellationToken = default)
    {
        Latent known = await EncodeAsync(window, sound, cancellationToken).ConfigureAwait(false);
        Conditions conditions = await ConditionsOf(window, words, cancellationToken).ConfigureAwait(false);
        float[] mask = MaskOf(known.Length, from, to);
        bool isAll = mask.All(value => value == 0);
        for (int i = 0; i < mask.Length; i++) mask[i] = Math.Max(mask[i], 1 - (float)strength);
        GenerateOptions options = OptionsFor(window, seed, conditions);
        // A variation from begin to end spends all of its steps on the noise that it needs.
        options = isAll && strength < 1 ? options with { InitialLatent = known, SigmaMax = (float)strength } : options with { KnownLatent = known, KnownMask = mask, Jumps = _options.Jumps ?? _engine.Bundle.Defaults.Jumps ?? PlainJumps };
        Latent latent = await _session.SampleAsync(conditions, options, null, cancellationToken).ConfigureAwait(false);
        LastFits = _session.LastFits;
        return await DecodeAsync(window, latent, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task<AudioClip> ChangeAsync(EditWindow window, AudioClip sound, int from, int to, EditWords source, EditWords target, double strength, ulong seed,
                                             CancellationToken cancellationToken = default)
    {
        Latent known = await EncodeAsync(window, sound, cancellationToken).ConfigureAwait(false);
        GenerateOptions options = OptionsFor(window, seed);
        int steps = options.Steps!.Value, walked = Math.Clamp((int)Math.Round(strength * steps), 1, steps);
        var edit = new EditOptions
        {
            Source = known, KnownMask = MaskOf(known.Length, from, to), Duration = options.Duration, Lengths = options.Lengths, Seed = seed, Steps = steps,
            EditSteps = walked, GuidanceScale = options.GuidanceScale,
            // Far from the source, what is left of its detail would only be in the way.
            TargetSteps = strength > 0.7 ? walked / 3 : 0,
        };
        Latent edited = await _session.EditAsync(await ConditionsOf(window, source, cancellationToken).ConfigureAwait(false),
                                                 await ConditionsOf(window, target, cancellationToken).ConfigureAwait(false), edit, null, cancellationToken).ConfigureAwait(false);
        LastFits = null;
        return await DecodeAsync(window, edited, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives its working memory back.</summary>
    public void Dispose() => _session.Dispose();

    private GenerateOptions OptionsFor(EditWindow window, ulong seed)
    {
        // Rounded down to a tick, so that a whole number of latent steps stays one.
        TimeSpan duration = TimeSpan.FromTicks(window.Samples * TimeSpan.TicksPerSecond / SampleRate);
        if (window.Samples == (int)Shortest.TotalSeconds * SampleRate) duration = Shortest;
        if (duration < Shortest || duration > Longest)
            throw new EditException(EditProblem.Impossible, FormattableString.Invariant($"the model works on {Shortest.TotalSeconds} to {Longest.TotalSeconds} s at a time, not on {duration.TotalSeconds:0.##} s"));
        return _engine.Complete(_options) with { Duration = duration, Lengths = LengthRule.Exact, Seed = seed };
    }

    /// <summary>For what is sampled anew: several candidates only where there are words to choose by.</summary>
    private GenerateOptions OptionsFor(EditWindow window, ulong seed, Conditions conditions)
    {
        GenerateOptions options = OptionsFor(window, seed);
        if (options.Candidates <= 1 || conditions.Caption is not null) return options;
        return MustChoose ? throw new ArgumentException($"the best of {options.Candidates} candidates is chosen by how well it fits what is to be heard, and nobody says what that is: say it, or make one candidate")
            : options with { Candidates = 1 };
    }

    private async Task<Latent> EncodeAsync(EditWindow window, AudioClip sound, CancellationToken cancel)
    {
        Latent latent = await _session.EncodeAudioAsync(sound, 0, null, cancel).ConfigureAwait(false);
        int wanted = _engine.GetLengths(OptionsFor(window, 0).Duration).LatentLength;
        return latent.Length == wanted ? latent : latent.Slice(0, wanted);
    }

    private async Task<AudioClip> DecodeAsync(EditWindow window, Latent latent, CancellationToken cancel)
    {
        AudioClip whole = await _session.DecodeAsync(latent, 0, null, cancel).ConfigureAwait(false);
        return new AudioClip(2, SampleRate, (float[])[.. whole.Channel(0)[..window.Samples], .. whole.Channel(1)[..window.Samples]]);
    }

    /// <summary>Steps that hold any of the samples are free.</summary>
    private float[] MaskOf(int length, int from, int to) => LatentMask.Free(length, from / _engine.Info.Hop, Math.Min(length, (to + _engine.Info.Hop - 1) / _engine.Info.Hop));

    private async Task<Conditions> ConditionsOf(EditWindow window, EditWords words, CancellationToken cancel)
    {
        BundleComponents has = _engine.Info.Components;
        var conditions = new Conditions
        {
            Caption = has.HasFlag(BundleComponents.ClipText) && words.Caption.Length > 0 ? words.Caption : null,
            ChainOfThought = has.HasFlag(BundleComponents.T5) && words.ChainOfThought.Length > 0 ? words.ChainOfThought : null,
            NegativeCaption = has.HasFlag(BundleComponents.ClipText) && words.Avoid.Length > 0 ? words.Avoid : null,
        };
        if (_video is null || !has.HasFlag(BundleComponents.ClipVision) && !has.HasFlag(BundleComponents.Synchformer)) return conditions;
        if (window.Start >= _video.Video!.Duration) return conditions; // the sound goes on without a picture
        if (!_seen.TryGetValue(window, out VideoFeatures? features))
        {
            ClipLengths lengths = _engine.GetLengths(OptionsFor(window, 0).Duration);
            (features, _) = await VideoWatcher.WatchAsync(_session, lengths, _video.Path, window.Start, null, _video.Video, ConditionStreams.Video, static (_, _) => { }, cancel).ConfigureAwait(false);
            _seen[window] = features;
        }
        return conditions with { ClipFeatures = features.Clip, SyncFeatures = features.Sync };
    }
}
