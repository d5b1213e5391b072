namespace ThinkSound.Reasoning.Onnx.Families;

/// <summary>Where tokens are, for a decoder.</summary>
/// <param name="Ids">[axes, length].</param>
/// <param name="Axes">1, or 3 for time, row and column.</param>
/// <param name="Next">Where the next token is, on every axis.</param>
internal sealed record Positions(long[] Ids, int Axes, long Next);

/// <summary>A picture or video among the tokens of a prompt.</summary>
/// <param name="Start">Its first token.</param>
/// <param name="Times">Steps of time; 1 for a picture.</param>
/// <param name="Rows">Rows of tokens.</param>
/// <param name="Columns">Columns of tokens.</param>
/// <param name="PositionsPerStep">How far apart two steps of time are.</param>
internal readonly record struct TokenGrid(int Start, int Times, int Rows, int Columns, double PositionsPerStep);

/// <summary>The multimodal rotary positions of Qwen-VL (Wang et al., 2024): text counts on along all three axes at once; the tokens of a
/// picture or video are at their step of time, row and column past the text before it; what follows begins past the largest of them.</summary>
internal static class MultimodalPositions
{
    /// <summary>Positions of a prompt of <paramref name="length"/> tokens, whose grids are in order and do not overlap.</summary>
    public static Positions Of(int length, IEnumerable<TokenGrid> grids)
    {
        var ids = new long[3 * length];
        long next = 0;
        int at = 0;
        foreach (TokenGrid grid in grids)
        {
            CountTo(grid.Start);
            long origin = next;
            for (int t = 0; t < grid.Times; t++)
                for (int row = 0; row < grid.Rows; row++)
                    for (int column = 0; column < grid.Columns; column++)
                        Put(origin + (long)(t * grid.PositionsPerStep), origin + row, origin + column);
        }
        CountTo(length);
        return new Positions(ids, 3, next);

        void CountTo(int end)
        {
            while (at < end) Put(next, next, next);
        }

        void Put(long time, long row, long column)
        {
            (ids[at], ids[length + at], ids[2 * length + at]) = (time, row, column);
            at++;
            next = Math.Max(next, Math.Max(time, Math.Max(row, column)) + 1);
        }
    }
}
