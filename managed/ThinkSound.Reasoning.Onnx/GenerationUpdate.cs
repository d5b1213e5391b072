namespace ThinkSound.Reasoning.Onnx;

/// <summary>Why an answer ended.</summary>
public enum GenerationEnd
{
    /// <summary>The model said so, or a stop text or token came up.</summary>
    Stop,
    /// <summary><see cref="GenerationOptions.MaxTokens"/> or the model's context is used up.</summary>
    Length,
}

/// <summary>What an answer cost.</summary>
/// <param name="End">Why it ended.</param>
/// <param name="PromptTokens">Tokens read, those of pictures among them.</param>
/// <param name="Tokens">Tokens drawn, the one that ended the answer among them.</param>
/// <param name="PromptTime">Encoding pictures and reading the prompt, to the first token.</param>
/// <param name="TokenTime">All tokens after the first.</param>
public sealed record GenerationSummary(GenerationEnd End, int PromptTokens, int Tokens, TimeSpan PromptTime, TimeSpan TokenTime)
{
    /// <summary>Tokens after the first, by the time that they took; 0 when there is none.</summary>
    public double TokensPerSecond => Tokens > 1 && TokenTime > TimeSpan.Zero ? (Tokens - 1) / TokenTime.TotalSeconds : 0;
}

/// <summary>One token of an answer, or its end.</summary>
/// <param name="Token">The token; null at the end.</param>
/// <param name="Text">What may be shown by now. It lags behind the tokens while a character or a stop text may be under way.</param>
/// <param name="Summary">At the end, and only there.</param>
public readonly record struct GenerationUpdate(int? Token, string Text, GenerationSummary? Summary);
