namespace ThinkSound.Rendering.Foley;

/// <summary>The model in two parts, each loaded when first needed: one makes the sound, the other watches. Cached features
/// need no eyes, and words alone neither.</summary>
internal sealed class Engines(EngineOptions options) : IDisposable
{
    private ThinkSoundEngine? _sound, _vision;

    /// <summary>What makes the sound; null before it is first needed.</summary>
    public ThinkSoundEngine? Sound => _sound;

    /// <summary>MM-DiT, decoder, and the text encoders that <paramref name="conditions"/> call for.</summary>
    public async Task<ThinkSoundEngine> SoundAsync(Conditions conditions, CancellationToken cancel)
    {
        BundleComponents needed = BundleComponents.MMDiT | BundleComponents.VaeDecoder;
        if ((conditions.Caption ?? conditions.NegativeCaption) is not null) needed |= BundleComponents.ClipText;
        if ((conditions.ChainOfThought ?? conditions.NegativeChainOfThought) is not null) needed |= BundleComponents.T5;
        needed &= options.Components;
        if (_sound is not null && (needed & ~_soundComponents) == 0) return _sound;
        _sound?.Dispose();
        _sound = null;
        _sound = await ThinkSoundEngine.LoadAsync(options with { Components = needed }, cancel).ConfigureAwait(false);
        _soundComponents = needed;
        return _sound;
    }

    /// <summary>The towers that watch video.</summary>
    public async Task<ThinkSoundEngine> VisionAsync(CancellationToken cancel) => _vision ??= await ThinkSoundEngine.LoadAsync(
        options with { Components = options.Components & (BundleComponents.ClipVision | BundleComponents.Synchformer) }, cancel).ConfigureAwait(false);

    /// <summary>Gives the memory of the towers back.</summary>
    public void ReleaseVision()
    {
        _vision?.Dispose();
        _vision = null;
    }

    public void Dispose()
    {
        ReleaseVision();
        _sound?.Dispose();
    }

    private BundleComponents _soundComponents; // asked for, whether or not the bundle has them
}
