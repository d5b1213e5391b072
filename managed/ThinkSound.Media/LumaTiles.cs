namespace ThinkSound.Media;

/// <summary>A picture as 24 × 24 tiles of mean luma, 0 to 255: noise and compression vanish in the mean, and what moves or is cut
/// to does not.</summary>
internal static class LumaTiles
{
    private const int Tiles = 24;
    private const double CutMean = 15, CutTile = 8, CutShare = 0.6; // levels, levels, share of the tiles that reach the latter

    /// <summary>Tiles in a row.</summary>
    public static int Columns(int width) => Math.Min(Tiles, width);

    /// <summary>The tiles of a frame, row by row.</summary>
    /// <param name="frame">RGB, 8 bits each.</param>
    /// <param name="rowBytes">From row to row.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    public static float[] Of(ReadOnlySpan<byte> frame, int rowBytes, int width, int height)
    {
        int columns = Columns(width), rows = Math.Min(Tiles, height);
        var sums = new float[columns * rows];
        var counts = new int[columns * rows];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> row = frame.Slice(y * rowBytes, 3 * width);
            int first = y * rows / height * columns;
            for (int x = 0; x < width; x++)
            {
                int tile = first + x * columns / width;
                sums[tile] += 0.2126f * row[3 * x] + 0.7152f * row[3 * x + 1] + 0.0722f * row[3 * x + 2]; // BT.709
                counts[tile]++;
            }
        }
        for (int i = 0; i < sums.Length; i++) sums[i] /= counts[i];
        return sums;
    }

    /// <summary>The whole picture changed at once.</summary>
    public static bool IsCut(ReadOnlySpan<float> before, ReadOnlySpan<float> now)
    {
        double sum = 0;
        int changed = 0;
        for (int tile = 0; tile < now.Length; tile++)
        {
            double change = Math.Abs(now[tile] - before[tile]);
            sum += change;
            if (change >= CutTile) changed++;
        }
        return sum >= CutMean * now.Length && changed >= CutShare * now.Length;
    }
}
