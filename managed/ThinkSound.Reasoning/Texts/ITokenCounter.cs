namespace ThinkSound.Reasoning.Texts;

/// <summary>Counts what the text encoders of a model read. Any thread.</summary>
public interface ITokenCounter
{
    /// <summary>Pieces of a text without the tokens that open and close it; null where the model has no such encoder.</summary>
    int? Count(TextEncoder encoder, string text);

    /// <summary>The most pieces that the encoder reads: 76 for T5, 75 for CLIP.</summary>
    int Limit(TextEncoder encoder);
}
