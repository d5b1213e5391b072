namespace ThinkSound.Rendering.Foley;

/// <summary>One sound on its way, window by window: samples a window so that it goes on from the last one, and decodes what is new
/// as if it had all been one latent. Its memory is that of a window, however long the sound.</summary>
internal sealed class WindowedSound : IDisposable
{
    /// <summary>Steps, a second of them, that every window but the last makes beyond its end, and that are left out: a model that learned
    /// from clips has learned that clips end, and lets their sounds end before (docs/long-videos.md).</summary>
    public const int Tail = 22;

    /// <summary>Steps of <see cref="Tail"/>, the first ones, that the next window varies instead of making them anew, more and more: a joint
    /// is no edge then at which one sound is held and the other is free.</summary>
    private const int Blend = 8;

    private readonly ThinkSoundSession _session;
    private readonly DecodeStream _decoder;
    private readonly GenerateOptions _generate;
    private readonly WindowGrid _grid;
    private readonly long _samples; // of the whole
    private Latent? _last;          // of the last window, with its tail
    private int _lastBegin;
    private long _position;

    /// <param name="session">For the model that makes the sound.</param>
    /// <param name="generate">Its duration is the whole sound's.</param>
    public WindowedSound(ThinkSoundSession session, GenerateOptions generate)
    {
        (_session, _generate, _grid) = (session, generate, WindowGrid.Of(session.Engine));
        _samples = _grid.Samples(generate.Duration);
        _decoder = session.OpenDecodeStream(generate.DecodeChunk);
    }

    /// <summary>What was chosen among the candidates of the last window; null where it had one only.</summary>
    public CandidateFits? LastChoice { get; private set; }

    /// <summary>Makes the next window.</summary>
    /// <param name="window">Follows the one before.</param>
    /// <param name="isLast">There are no more.</param>
    /// <param name="conditions">What is seen in it, and its words.</param>
    /// <param name="progress">Told of each step, on the thread that works.</param>
    /// <param name="cancel">Stops within one step.</param>
    /// <returns>The samples that are finished, following those before.</returns>
    public async Task<AudioClip> NextAsync(LatentWindow window, bool isLast, Conditions conditions, IProgress<GenerateProgress> progress, CancellationToken cancel)
    {
        int length = window.Length + (isLast ? 0 : Tail);
        GenerateOptions options = _generate with { Duration = _grid.Duration(length), Seed = SeedOf(_generate.Seed, window.Begin) };
        if (window.Known > 0)
        {
            options = options with
            {
                KnownLatent = _last!.Slice(window.Begin - _lastBegin, length),
                KnownMask = LatentMask.Free(length, window.Known, length, Blend),
            };
        }
        if (conditions.Caption is null) options = options with { Candidates = 1 }; // nothing is said of this window
        Latent latent = await _session.SampleAsync(conditions, options, progress, cancel).ConfigureAwait(false);
        LastChoice = _session.LastFits;
        (_last, _lastBegin) = (latent, window.Begin);
        Latent made = latent.Slice(window.Known, window.Length - window.Known);
        AudioClip sound = await _decoder.PushAsync(made, isLast, progress, cancel).ConfigureAwait(false);
        AudioClip cut = SoundEnd.Cut(sound, _position, _samples);
        _position += sound.Samples;
        return cut;
    }

    public void Dispose() => _decoder.Dispose();

    /// <summary>The first window has the seed itself, so that one window alone is what it is without windows. Each other has noise of
    /// its own, by where it begins: the same, whatever came before.</summary>
    internal static ulong SeedOf(ulong seed, int begin)
    {
        if (begin == 0) return seed;
        ulong x = seed + (ulong)begin * 0x9E3779B97F4A7C15; // splitmix64
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
