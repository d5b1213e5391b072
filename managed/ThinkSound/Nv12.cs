namespace ThinkSound;

/// <summary>NV12 to RGB in the integers that thinksound.h lists.</summary>
internal static class Nv12
{
    private readonly record struct Factors(int Black, int Y, int Rv, int Gu, int Gv, int Bu);

    private static Factors Of(YuvColor color) => color switch
    {
        YuvColor.Bt601 => new(16, 9539, 13075, -3209, -6660, 16525),
        YuvColor.Bt601Full => new(0, 8192, 11485, -2819, -5850, 14516),
        YuvColor.Bt709 => new(16, 9539, 14686, -1747, -4366, 17305),
        _ => new(0, 8192, 12901, -1534, -3835, 15201),
    };

    public static void RowToRgb(YuvColor color, ReadOnlySpan<byte> luma, ReadOnlySpan<byte> chroma, Span<byte> rgb)
    {
        Factors f = Of(color);
        for (int x = 0; x < luma.Length; x++)
        {
            int l = 8 * (luma[x] - f.Black) * f.Y >> 16, u = 8 * (chroma[x / 2 * 2] - 128), v = 8 * (chroma[x / 2 * 2 + 1] - 128);
            rgb[3 * x] = ToByte(l + (v * f.Rv >> 16));
            rgb[3 * x + 1] = ToByte(l + (u * f.Gu >> 16) + (v * f.Gv >> 16));
            rgb[3 * x + 2] = ToByte(l + (u * f.Bu >> 16));
        }
    }

    private static byte ToByte(int value) => (byte)Math.Clamp(value, 0, 255);
}
