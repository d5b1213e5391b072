using System.Globalization;

namespace ThinkSound.Rendering.Foley;

/// <summary>The model in two parts, each loaded when first needed: one makes the sound, the other watches. Cached features
/// need no eyes, and words alone neither.</summary>
internal sealed class Engines(EngineOptions options) : IDisposable
{
    private ThinkSoundEngine? _sound, _vision;

    /// <summary>What makes the sound; null before it is first needed.</summary>
    public ThinkSoundEngine? Sound => _sound;

    /// <summary>MM-DiT, decoder, the text encoders that the job's words call for (both, where windows have words of their own), and what
    /// chooses among candidates.</summary>
    public async Task<ThinkSoundEngine> SoundAsync(FoleyJob job, IProgress<GenerateProgress> progress, CancellationToken cancel)
    {
        Conditions words = job.Conditions;
        BundleComponents needed = BundleComponents.MMDiT | BundleComponents.VaeDecoder;
        if (job.WordsFor is not null || (words.Caption ?? words.NegativeCaption) is not null) needed |= BundleComponents.ClipText;
        if (job.WordsFor is not null || (words.ChainOfThought ?? words.NegativeChainOfThought) is not null) needed |= BundleComponents.T5;
        if (job.Generate.Candidates > 1) needed |= BundleComponents.Listener;
        needed &= options.Components;
        if (_sound is not null && (needed & ~_soundComponents) == 0) return _sound;
        _sound?.Dispose();
        _sound = null;
        _sound = await ThinkSoundEngine.LoadAsync(options with { Components = needed }, progress, cancel).ConfigureAwait(false);
        _soundComponents = needed;
        return _sound;
    }

    /// <summary>The towers that watch video. Under a memory cap they get what the other part leaves.</summary>
    public async Task<ThinkSoundEngine> VisionAsync(IProgress<GenerateProgress> progress, CancellationToken cancel)
    {
        if (_vision is not null) return _vision;
        EngineOptions towers = options with { Components = options.Components & (BundleComponents.ClipVision | BundleComponents.Synchformer) };
        if (!IsCapped || _sound is null) return _vision = await ThinkSoundEngine.LoadAsync(towers, progress, cancel).ConfigureAwait(false);
        ulong taken = (ulong)_sound.Info.WeightsBytes;
        towers = towers with { MemoryCapBytes = options.MemoryCapBytes - Math.Min(taken, options.MemoryCapBytes - 1) }; // 0 would be no cap
        try
        {
            return _vision = await ThinkSoundEngine.LoadAsync(towers, progress, cancel).ConfigureAwait(false);
        }
        catch (DeviceMemoryException e)
        {
            throw new DeviceMemoryException(string.Create(CultureInfo.InvariantCulture,
                $"the networks that watch video do not fit beside those that make the sound, which take {taken / 1e6:0.#} of the cap's {options.MemoryCapBytes / 1e6:0.#} MB: {e.Message}"));
        }
    }

    /// <summary>Together the parts may not take more than a cap.</summary>
    public bool IsCapped => options.MemoryCapBytes > 0;

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
