using SkiaSharp;

namespace ThinkSound.Rendering.Pictures;

/// <summary>Loudness as colour: from black through violet and red to pale yellow. Lightness rises all the way, so that the
/// picture reads the same in grey and to the colour-blind.</summary>
internal static class ColorScale
{
    private static readonly (double At, SKColor Color)[] Anchors =
    [
        (0.00, new SKColor(3, 3, 16)), (0.18, new SKColor(32, 18, 82)), (0.38, new SKColor(104, 28, 118)),
        (0.58, new SKColor(190, 52, 96)), (0.76, new SKColor(238, 104, 62)), (0.90, new SKColor(252, 184, 84)),
        (1.00, new SKColor(253, 246, 204)),
    ];

    /// <summary>Colour at 0 (quiet) to 1 (loud); beyond, the nearest end.</summary>
    public static SKColor At(double position)
    {
        if (!(position > 0)) return Anchors[0].Color;
        for (int i = 1; i < Anchors.Length; i++)
        {
            var (to, high) = Anchors[i];
            if (position > to) continue;
            var (from, low) = Anchors[i - 1];
            double part = (position - from) / (to - from);
            return new SKColor(Mix(low.Red, high.Red), Mix(low.Green, high.Green), Mix(low.Blue, high.Blue));
            byte Mix(byte a, byte b) => (byte)Math.Round(a + part * (b - a));
        }
        return Anchors[^1].Color;
    }
}
