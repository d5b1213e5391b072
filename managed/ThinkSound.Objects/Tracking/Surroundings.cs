using OpenCvSharp;

namespace ThinkSound.Objects;

/// <summary>Pictures of a shot around one of them, put over it (the camera's turns undone) and freed of noise as far as it needs: what
/// shows which pixels are the same at other times. Immutable.</summary>
public sealed class Surroundings : IDisposable
{
    private const int Least = 4;                // pictures: fewer say nothing
    private const double ReachPerPicture = 8;   // pixels of 256 that a camera turns from one to the next
    private const double QuietNoise = 2.5;      // levels of 255 after a light blur; more asks for a strong one
    private const double LeastThreshold = 10, Deviations = 4.5;

    private Surroundings(Mat picture, IReadOnlyList<Mat> others, double blur, double threshold) =>
        (Picture, Others, Blur, Threshold) = (picture, others, blur, threshold);

    /// <summary>The picture in the middle, BGR, smoothed.</summary>
    internal Mat Picture { get; }
    /// <summary>The others, so that the same place is the same pixel.</summary>
    internal IReadOnlyList<Mat> Others { get; }
    /// <summary>Standard deviation of the blur, in pixels.</summary>
    internal double Blur { get; }
    /// <summary>Levels of 255 by which noise alone does not differ.</summary>
    internal double Threshold { get; }

    /// <summary>Null where the camera moves too far or there is too little to compare with.</summary>
    /// <param name="frame">The picture in the middle.</param>
    /// <param name="before">Pictures before it, the nearest first.</param>
    /// <param name="after">Pictures after it, the nearest first.</param>
    internal static Surroundings? Of(StillFrame frame, IReadOnlyList<StillFrame> before, IReadOnlyList<StillFrame> after)
    {
        if (before.Count + after.Count < Least) return null;
        using Mat bgr = Matting.ToBgr(frame);
        var camera = new CameraShift(bgr);
        double reach = ReachPerPicture * Math.Max(frame.Width, frame.Height) / 256, light = Math.Max(frame.Width, frame.Height) / 256.0;
        var raw = new List<Mat>();
        try
        {
            foreach (IReadOnlyList<StillFrame> side in (IReadOnlyList<StillFrame>[])[before, after])
            {
                var at = new Point2d(0, 0);
                foreach (StillFrame other in side)
                {
                    using Mat picture = Matting.ToBgr(other);
                    if (camera.To(picture, at, reach) is not { } shift) break;
                    at = shift;
                    raw.Add(CameraShift.Undo(picture, shift));
                }
            }
            if (raw.Count < Least) return null;
            double blur = light, noise = NoiseOf(bgr, raw, blur);
            if (noise > QuietNoise) noise = NoiseOf(bgr, raw, blur = 2.5 * light);
            return new Surroundings(Smooth(bgr, blur), [.. raw.Select(mat => Smooth(mat, blur))], blur, Math.Max(LeastThreshold, Deviations * noise));
        }
        finally
        {
            foreach (Mat mat in raw) mat.Dispose();
        }
    }

    internal static Mat Smooth(Mat bgr, double blur)
    {
        var smooth = new Mat();
        Cv2.GaussianBlur(bgr, smooth, default, blur);
        return smooth;
    }

    /// <summary>Gives the pictures back.</summary>
    public void Dispose()
    {
        Picture.Dispose();
        foreach (Mat other in Others) other.Dispose();
    }

    /// <summary>Standard deviation of one picture, by the median difference of several.</summary>
    private static double NoiseOf(Mat bgr, List<Mat> others, double blur)
    {
        const int pictures = 3, levels = 256;
        var counts = new long[levels];
        using Mat smooth = Smooth(bgr, blur), difference = new();
        for (int i = 0; i < pictures; i++)
        {
            using Mat other = Smooth(others[i * others.Count / pictures], blur);
            Cv2.Absdiff(smooth, other, difference);
            difference.GetArray(out Vec3b[] values);
            foreach (Vec3b value in values)
            {
                counts[value.Item0]++;
                counts[value.Item1]++;
                counts[value.Item2]++;
            }
        }
        long half = counts.Sum() / 2, below = 0;
        int median = 0;
        while (below + counts[median] < half) below += counts[median++];
        double middle = median + (half - below) / (double)Math.Max(1, counts[median]); // within the level
        const double medianOfDifference = 0.6745 * 1.4142135623730951;                 // of two normal values of deviation 1
        return middle / medianOfDifference;
    }
}
