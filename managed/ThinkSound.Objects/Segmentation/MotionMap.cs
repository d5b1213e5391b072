using OpenCvSharp;

namespace ThinkSound.Objects;

/// <summary>What moves in a picture: how far each pixel is from the median of the shot around it.</summary>
internal static class MotionMap
{
    private const int Threshold = 14;          // levels of 255 in the channel that differs most; noise and compression stay below
    private const double LargestShare = 0.45;  // of the picture: more is a moving camera

    /// <summary>Moving pixels as 255; null where the camera moves or there is too little to compare with.</summary>
    public static Mat? Of(StillFrame frame, IReadOnlyList<StillFrame> neighbours)
    {
        if (neighbours.Count < 4) return null;
        byte[] now = frame.Bytes, moving = new byte[frame.Width * frame.Height];
        Span<byte> values = stackalloc byte[neighbours.Count + 1];
        for (int i = 0; i < moving.Length; i++)
        {
            int largest = 0;
            for (int c = 3 * i; c < 3 * i + 3; c++)
            {
                for (int n = 0; n < neighbours.Count; n++) values[n] = neighbours[n].Bytes[c];
                values[^1] = now[c];
                values.Sort();
                largest = Math.Max(largest, Math.Abs(now[c] - values[values.Length / 2]));
            }
            moving[i] = largest > Threshold ? (byte)255 : (byte)0;
        }
        using Mat view = Mat.FromPixelData(frame.Height, frame.Width, MatType.CV_8UC1, moving);
        Mat map = view.Clone();
        using Mat disc = Cv2.GetStructuringElement(MorphShapes.Ellipse, new Size(3, 3));
        Cv2.MorphologyEx(map, map, MorphTypes.Open, disc);
        Cv2.MorphologyEx(map, map, MorphTypes.Close, disc, iterations: 2);
        if (Cv2.CountNonZero(map) <= LargestShare * moving.Length) return map;
        map.Dispose();
        return null;
    }
}
