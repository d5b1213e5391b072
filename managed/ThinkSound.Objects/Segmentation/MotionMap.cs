using OpenCvSharp;

namespace ThinkSound.Objects;

/// <summary>What moves in a picture: how far each pixel is from what is there at other times.</summary>
internal static class MotionMap
{
    private const double LargestShare = 0.45; // of the picture: more is a moving camera
    private const double LeastAway = 0.1;     // of the pictures, that show the clicked place without the object

    private const double Rarely = 0.4, Sometimes = 0.25; // share of the pictures in which a moving pixel may look the same

    /// <summary>Moving pixels as 255: what is different most of the time; and, for what mostly rests where it is clicked, what is
    /// different while it is away from there.</summary>
    public static IEnumerable<Mat> Of(Surroundings around, Point at)
    {
        around.Picture.GetArray(out Vec3b[] now);
        Vec3b[][] others = [.. around.Others.Select(mat => mat.GetArray(out Vec3b[] values) ? values : throw new InvalidOperationException("pictures have three channels"))];
        int width = around.Picture.Width, height = around.Picture.Height;
        if (Against(others, Rarely) is { } all) yield return all;
        Vec3b[][] away = [.. others.Where(other => DifferenceAt(other) > around.Threshold)];
        if (away.Length < Math.Max(2, LeastAway * others.Length) || away.Length == others.Length) yield break;
        if (Against(away, Sometimes) is { } some) yield return some;

        Mat? Against(Vec3b[][] pictures, double alike)
        {
            var difference = new byte[now.Length];
            Span<byte> values = stackalloc byte[pictures.Length];
            for (int i = 0; i < difference.Length; i++)
            {
                Vec3b here = now[i];
                for (int n = 0; n < pictures.Length; n++) values[n] = Difference(here, pictures[n][i]);
                values.Sort();
                difference[i] = values[(int)(alike * values.Length)];
            }
            using Mat view = Mat.FromPixelData(height, width, MatType.CV_8UC1, difference);
            Mat map = Matting.Hysteresis(view, around.Threshold, around.Blur);
            if (Cv2.CountNonZero(map) <= LargestShare * difference.Length) return map;
            map.Dispose();
            return null;
        }

        double DifferenceAt(Vec3b[] other)
        {
            double sum = 0;
            int count = 0;
            for (int y = Math.Max(0, at.Y - 1); y <= Math.Min(height - 1, at.Y + 1); y++)
                for (int x = Math.Max(0, at.X - 1); x <= Math.Min(width - 1, at.X + 1); x++, count++)
                    sum += Difference(now[y * width + x], other[y * width + x]);
            return sum / count;
        }
    }

    /// <summary>In the channel that differs most.</summary>
    private static byte Difference(Vec3b a, Vec3b b) => (byte)Math.Max(Math.Abs(a.Item0 - b.Item0), Math.Max(Math.Abs(a.Item1 - b.Item1), Math.Abs(a.Item2 - b.Item2)));
}
