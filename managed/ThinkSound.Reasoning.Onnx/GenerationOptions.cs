namespace ThinkSound.Reasoning.Onnx;

/// <summary>How an answer is drawn. What is null is as the folder's generation_config.json says. Immutable; vary it with <c>with</c>.</summary>
public sealed record GenerationOptions
{
    /// <summary>Tokens of the answer, at least 1. The model's context may end it earlier.</summary>
    public int MaxTokens { get; init; } = 512;

    /// <summary>0 takes the likeliest token every time; 1 draws as the model says; more is wilder.</summary>
    public float? Temperature { get; init; }

    /// <summary>Draws from the likeliest tokens that together have this probability, above 0, up to 1.</summary>
    public float? TopP { get; init; }

    /// <summary>Draws from this many of the likeliest tokens; 0 is no limit.</summary>
    public int? TopK { get; init; }

    /// <summary>Divides the odds of what was said or asked already, at least 1; 1 does nothing.</summary>
    public float? RepetitionPenalty { get; init; }

    /// <summary>The same seed, model, device and prompt give the same answer. Draw k depends on the seed and k alone.</summary>
    public ulong Seed { get; init; }

    /// <summary>Texts that end the answer and are not part of it. None is empty.</summary>
    public IReadOnlyList<string> StopTexts { get; init; } = [];

    /// <summary>Tokens that end the answer, besides the model's own.</summary>
    public IReadOnlyList<int> StopTokens { get; init; } = [];

    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxTokens, 1);
        if (Temperature is { } t && !(t >= 0 && float.IsFinite(t))) throw new ArgumentOutOfRangeException(nameof(Temperature), t, "0 or more");
        if (TopP is { } p && p is not (> 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(TopP), p, "above 0, up to 1");
        if (TopK is { } k) ArgumentOutOfRangeException.ThrowIfNegative(k, nameof(TopK));
        if (RepetitionPenalty is { } r && !(r >= 1 && float.IsFinite(r))) throw new ArgumentOutOfRangeException(nameof(RepetitionPenalty), r, "1 or more");
        if (StopTexts.Any(string.IsNullOrEmpty)) throw new ArgumentException("a stop text is empty", nameof(StopTexts));
    }
}
