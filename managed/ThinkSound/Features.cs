namespace ThinkSound;

/// <summary>What an encoder makes of frames or text: rows of equal width, slowest axis first.</summary>
public sealed class Features
{
    /// <summary>Wraps <paramref name="data"/> without copying it.</summary>
    /// <param name="rows">Tokens, at least 1.</param>
    /// <param name="width">Values per token, at least 1.</param>
    /// <param name="data">Row after row, <paramref name="rows"/> · <paramref name="width"/> values.</param>
    public Features(int rows, int width, ReadOnlyMemory<float> data)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        if (data.Length != (long)rows * width)
            throw new ArgumentException($"{rows} × {width} features need {(long)rows * width} values, not {data.Length}", nameof(data));
        (Rows, Width, Data) = (rows, width, data);
    }

    /// <summary>Tokens.</summary>
    public int Rows { get; }
    /// <summary>Values per token.</summary>
    public int Width { get; }
    /// <summary>Row after row.</summary>
    public ReadOnlyMemory<float> Data { get; }
    /// <summary>The values of one token.</summary>
    public ReadOnlySpan<float> Row(int index) => Data.Span.Slice(index * Width, Width);
}
