namespace ThinkSound.Media;

/// <summary>Pixels as drawing libraries take them.</summary>
internal static class Rgba
{
    /// <summary>Four bytes a pixel, opaque, of three; both without gaps.</summary>
    public static void Fill(Span<byte> rgba, ReadOnlySpan<byte> rgb)
    {
        for (int from = 0, to = 0; from < rgb.Length; from += 3, to += 4)
        {
            rgb.Slice(from, 3).CopyTo(rgba[to..]);
            rgba[to + 3] = 255;
        }
    }
}
