namespace ThinkSound;

/// <summary>A text encoder and its tokenizer.</summary>
public enum TextEncoder
{
    /// <summary>CLIP's text tower, for captions.</summary>
    Clip = 0,
    /// <summary>T5, for the chain of thought.</summary>
    T5 = 1,
}

/// <summary>A text as its encoder receives it.</summary>
/// <param name="Ids">Padded or cut to the encoder's length, 77.</param>
/// <param name="Count">Ids before cutting, special ones included.</param>
/// <param name="KeptText">The part of the text that the ids cover; all of it unless <paramref name="IsTruncated"/>.</param>
/// <param name="IsTruncated">The end of the text was cut off.</param>
public sealed record Tokens(IReadOnlyList<int> Ids, int Count, string KeptText, bool IsTruncated);
