using OpenCvSharp;
using ThinkSound.Projects;

namespace ThinkSound.Objects;

/// <summary>Pieces that segmenters and trackers are made of, on masks of 0 and 255.</summary>
internal static class Matting
{
    /// <summary>BGR of a picture, as OpenCV has it.</summary>
    public static Mat ToBgr(StillFrame frame)
    {
        using Mat rgb = Mat.FromPixelData(frame.Height, frame.Width, MatType.CV_8UC3, frame.Bytes);
        var bgr = new Mat();
        Cv2.CvtColor(rgb, bgr, ColorConversionCodes.RGB2BGR);
        return bgr;
    }

    /// <summary>1 inside, 0 outside.</summary>
    public static Mat ToMat(Mask mask)
    {
        using Mat values = Mat.FromPixelData(mask.Height, mask.Width, MatType.CV_8UC1, mask.Bytes);
        return values.Clone();
    }

    public static Mask ToMask(Mat mat)
    {
        mat.GetArray(out byte[] values);
        return new Mask(mat.Width, mat.Height, values);
    }

    public static Rect BoxOf(Mask mask) => new(mask.Left, mask.Top, mask.Right - mask.Left, mask.Bottom - mask.Top);

    /// <summary>The part of a mask that holds a point, its holes filled; all 0 if there is none within <paramref name="reach"/> pixels.</summary>
    public static Mat PartAt(Mat mask, Point at, int reach)
    {
        using Mat labels = new();
        Cv2.ConnectedComponents(mask, labels);
        labels.GetArray(out int[] of);
        (int width, int height, int label) = (mask.Width, mask.Height, 0);
        double nearest = double.MaxValue;
        for (int y = Math.Max(0, at.Y - reach); y <= Math.Min(height - 1, at.Y + reach); y++)
            for (int x = Math.Max(0, at.X - reach); x <= Math.Min(width - 1, at.X + reach); x++)
            {
                double distance = Math.Pow(x - at.X, 2) + Math.Pow(y - at.Y, 2);
                if (of[y * width + x] == 0 || distance >= nearest) continue;
                (label, nearest) = (of[y * width + x], distance);
            }
        if (label == 0) return Mat.Zeros(mask.Size(), MatType.CV_8UC1);
        using var part = new Mat();
        Cv2.InRange(labels, new Scalar(label), new Scalar(label), part);
        return FillHoles(part);
    }

    /// <summary>The largest part, its holes filled.</summary>
    public static Mat LargestPart(Mat mask)
    {
        using Mat labels = new(), stats = new(), centroids = new();
        int count = Cv2.ConnectedComponentsWithStats(mask, labels, stats, centroids);
        int best = 0;
        for (int label = 1; label < count; label++)
            if (best == 0 || stats.At<int>(label, (int)ConnectedComponentsTypes.Area) > stats.At<int>(best, (int)ConnectedComponentsTypes.Area)) best = label;
        if (best == 0) return Mat.Zeros(mask.Size(), MatType.CV_8UC1);
        using var part = new Mat();
        Cv2.InRange(labels, new Scalar(best), new Scalar(best), part);
        return FillHoles(part);
    }

    /// <summary>GrabCut from labels of its four kinds (which it changes); the foreground as 255, or null where one side is empty.</summary>
    public static Mat? GrabCut(Mat bgr, Mat labels, int iterations)
    {
        using Mat possible = new();
        Cv2.BitwiseAnd(labels, Scalar.All(1), possible);
        int front = Cv2.CountNonZero(possible);
        if (front < 8 || front > bgr.Width * bgr.Height - 8) return null; // five Gaussians want samples on both sides
        using Mat background = new(), foreground = new();
        Cv2.SetTheRNG(1); // its k-means draws at random
        Cv2.GrabCut(bgr, labels, default, background, foreground, iterations, GrabCutModes.InitWithMask);
        var mask = new Mat();
        Cv2.BitwiseAnd(labels, Scalar.All(1), mask); // sure (1) and probable (3) foreground
        Cv2.Multiply(mask, Scalar.All(255), mask);
        return mask;
    }

    /// <summary>What is clearly above a threshold, and what is nearly so around it; single pixels left out, gaps closed. Its border
    /// lies where the levels fall to half of those inside, which no blur moves.</summary>
    /// <param name="levels">8 bits.</param>
    /// <param name="threshold">Of them.</param>
    /// <param name="blur">Standard deviation of the blur they have seen, in pixels.</param>
    public static Mat Hysteresis(Mat levels, double threshold, double blur)
    {
        const double nearly = 0.6;
        int reach = 1 + (int)Math.Ceiling(1.5 * blur);
        using Mat weak = new(), strong = new(), labels = new(), disc = Disc(1);
        Cv2.Threshold(levels, weak, nearly * threshold, 255, ThresholdTypes.Binary);
        Cv2.Threshold(levels, strong, threshold, 255, ThresholdTypes.Binary);
        Cv2.MorphologyEx(weak, weak, MorphTypes.Open, disc);
        int count = Cv2.ConnectedComponents(weak, labels);
        labels.GetArray(out int[] of);
        strong.GetArray(out byte[] isStrong);
        var sure = new bool[count];
        for (int i = 0; i < of.Length; i++) sure[of[i]] |= isStrong[i] != 0;
        var kept = new byte[of.Length];
        for (int i = 0; i < of.Length; i++) kept[i] = of[i] != 0 && sure[of[i]] ? (byte)255 : (byte)0;
        using Mat view = Mat.FromPixelData(levels.Height, levels.Width, MatType.CV_8UC1, kept);
        using Mat closed = new(), core = new(), least = new(), round = Disc(reach);
        Cv2.MorphologyEx(view, closed, MorphTypes.Close, disc, iterations: 2);
        Cv2.Erode(closed, core, round);
        Cv2.Dilate(levels, least, round);
        least.ConvertTo(least, MatType.CV_8UC1, 0.5);
        var inside = new Mat();
        Cv2.Compare(levels, least, inside, CmpTypes.GE);
        Cv2.BitwiseOr(inside, core, inside);
        Cv2.BitwiseAnd(inside, closed, inside);
        Cv2.MedianBlur(inside, inside, 3);
        return inside;
    }

    /// <summary>Grown by any number of pixels, in the time of one.</summary>
    public static Mat Near(Mat mask, double radius)
    {
        using Mat outside = new(), distance = new();
        Cv2.Threshold(mask, outside, 0, 255, ThresholdTypes.BinaryInv);
        Cv2.DistanceTransform(outside, distance, DistanceTypes.L2, DistanceTransformMasks.Mask3);
        var near = new Mat();
        Cv2.Compare(distance, Scalar.All(radius), near, CmpTypes.LE);
        return near;
    }

    public static Mat Grown(Mat mask, int radius)
    {
        var grown = new Mat();
        using Mat disc = Disc(radius);
        Cv2.Dilate(mask, grown, disc);
        return grown;
    }

    public static Mat Shrunk(Mat mask, int radius)
    {
        var shrunk = new Mat();
        using Mat disc = Disc(radius);
        Cv2.Erode(mask, shrunk, disc);
        return shrunk;
    }

    private static Mat Disc(int radius) => Cv2.GetStructuringElement(MorphShapes.Ellipse, new Size(2 * radius + 1, 2 * radius + 1));

    /// <summary>As 255.</summary>
    public static Mat FillHoles(Mat part)
    {
        Cv2.FindContours(part, out Point[][] outlines, out _, RetrievalModes.External, ContourApproximationModes.ApproxNone);
        Mat filled = Mat.Zeros(part.Size(), MatType.CV_8UC1);
        Cv2.DrawContours(filled, outlines, -1, Scalar.All(255), -1);
        return filled;
    }
}
