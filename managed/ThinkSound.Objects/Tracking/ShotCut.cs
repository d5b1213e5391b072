namespace ThinkSound.Objects;

/// <summary>Whether a cut lies between two pictures: nearly everything changes at once, and so do the colours as a whole.</summary>
internal static class ShotCut
{
    private const int Tiles = 16, Bins = 8;
    private const double TileChanges = 12, ShareOfTiles = 0.55, MeanChange = 14; // levels of 255
    private const double ColoursInCommon = 0.72;                                 // share of the pixels; a pan keeps more

    public static bool Between(StillFrame before, StillFrame now)
    {
        (float[] a, float[] b) = (TilesOf(before), TilesOf(now));
        double mean = 0;
        int changed = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double change = Math.Abs(a[i] - b[i]);
            mean += change / a.Length;
            if (change >= TileChanges) changed++;
        }
        return mean >= MeanChange && changed >= ShareOfTiles * a.Length && InCommon(before, now) < ColoursInCommon;
    }

    private static float[] TilesOf(StillFrame frame)
    {
        var sums = new float[Tiles * Tiles];
        var counts = new int[Tiles * Tiles];
        ReadOnlySpan<byte> pixels = frame.Pixels;
        for (int y = 0; y < frame.Height; y++)
            for (int x = 0; x < frame.Width; x++)
            {
                int tile = y * Tiles / frame.Height * Tiles + x * Tiles / frame.Width, at = 3 * (y * frame.Width + x);
                sums[tile] += 0.2126f * pixels[at] + 0.7152f * pixels[at + 1] + 0.0722f * pixels[at + 2]; // BT.709
                counts[tile]++;
            }
        for (int i = 0; i < sums.Length; i++) sums[i] /= Math.Max(1, counts[i]);
        return sums;
    }

    /// <summary>Share of the pixels whose colours both have.</summary>
    private static double InCommon(StillFrame a, StillFrame b)
    {
        (int[] first, int[] second) = (Histogram(a), Histogram(b));
        return (double)first.Zip(second, Math.Min).Sum() / first.Sum();
    }

    private static int[] Histogram(StillFrame frame)
    {
        var counts = new int[Bins * Bins * Bins];
        ReadOnlySpan<byte> pixels = frame.Pixels;
        for (int i = 0; i < pixels.Length; i += 3) counts[((pixels[i] * Bins >> 8) * Bins + (pixels[i + 1] * Bins >> 8)) * Bins + (pixels[i + 2] * Bins >> 8)]++;
        return counts;
    }
}
