namespace ThinkSound;

/// <summary>What a sound is made from. Everything is optional, in any combination: what is absent is replaced by what the
/// model learned to stand for it. Features take precedence over the text they would be computed from.</summary>
public sealed record Conditions
{
    /// <summary>What is heard, in a few words: for the CLIP text tower (77 tokens).</summary>
    public string? Caption { get; init; }

    /// <summary>The chain of thought: what happens, in which order, and how it sounds. For T5, whose first 76 pieces count.</summary>
    public string? ChainOfThought { get; init; }

    /// <summary>What should not be heard: takes the place of the learned empty caption that guidance moves away from. An
    /// extension of ours, not in the paper.</summary>
    public string? NegativeCaption { get; init; }

    /// <summary>The same for the chain of thought.</summary>
    public string? NegativeChainOfThought { get; init; }

    /// <summary>What the video shows, from <see cref="ThinkSoundSession.EncodeClipFramesAsync"/>.</summary>
    public Features? ClipFeatures { get; init; }

    /// <summary>When things happen in the video, from <see cref="ThinkSoundSession.EncodeSyncFramesAsync"/>.</summary>
    public Features? SyncFeatures { get; init; }

    /// <summary>Instead of <see cref="Caption"/>, from <see cref="ThinkSoundSession.EncodeTextAsync"/>.</summary>
    public Features? TextFeatures { get; init; }

    /// <summary>Instead of <see cref="ChainOfThought"/>, from <see cref="ThinkSoundSession.EncodeTextAsync"/>.</summary>
    public Features? T5Features { get; init; }

    /// <summary>One row. The published model is never given one.</summary>
    public Features? GlobalTextFeature { get; init; }

    /// <summary>For checkpoints that fill gaps: the known sound, 0 where sound is to be made.</summary>
    public Latent? MaskedLatent { get; init; }
}
