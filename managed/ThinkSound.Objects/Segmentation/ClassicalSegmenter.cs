using OpenCvSharp;
using ThinkSound.Projects;
using ThinkSound.Reasoning;

namespace ThinkSound.Objects;

/// <summary>Needs no model: colour and motion. A click takes what moves there, or else grows to the region of its colour that
/// stands out best; a box is a first guess. The last two are cut out by GrabCut (Rother et al., 2004). It knows no things: an object of several
/// colours that never moves comes out in parts, so draw a box around it.</summary>
public sealed class ClassicalSegmenter : ISegmenter
{
    private const double SmallestShare = 0.0002, LargestShare = 0.5; // of the picture, of what a click can mean
    private const double LeastMoving = 0.6;    // of a region of one colour, that moves if all of the thing does
    private const double NearlyAsClear = 0.7;  // of its step of colour, that lets motion decide
    private const double Faint = 6;            // levels of Lab: a step that noise makes, too
    private static readonly int[] Tolerances = [4, 8, 12, 18, 26, 36]; // levels of Lab, 8 bits, from the colour of the click

    /// <inheritdoc/>
    public string Name => "classical";

    /// <inheritdoc/>
    public bool CorrectsTracks => false;

    /// <inheritdoc/>
    public Mask Segment(StillFrame frame, ObjectSelection selection, Surroundings? around, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentNullException.ThrowIfNull(selection);
        selection.Check();
        VisionLibrary.EnsureLoaded();
        using Mat bgr = Matting.ToBgr(frame);
        cancellationToken.ThrowIfCancellationRequested();
        Point[] on = [.. selection.Points.Where(click => click.IsOn).Select(ToPixel)], beside = [.. selection.Points.Where(click => !click.IsOn).Select(ToPixel)];
        if (selection.Box is { } box)
        {
            using Mat boxed = FromBox(bgr, box, on, beside);
            return Matting.ToMask(boxed);
        }
        using Mat all = Mat.Zeros(bgr.Size(), MatType.CV_8UC1);
        foreach (Point point in on)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using Mat one = FromClick(bgr, point, around, beside);
            Cv2.BitwiseOr(all, one, all);
        }
        return Matting.ToMask(all);

        Point ToPixel(ClickPoint click) => new(Math.Min((int)(click.X * frame.Width), frame.Width - 1), Math.Min((int)(click.Y * frame.Height), frame.Height - 1));
    }

    private static Mat FromClick(Mat bgr, Point at, Surroundings? around, Point[] excluded)
    {
        int reach = Math.Max(2, Math.Max(bgr.Width, bgr.Height) / 100);
        using Mat lab = new(), smooth = new();
        Cv2.PyrMeanShiftFiltering(around?.Picture ?? bgr, smooth, 6, 12, 1); // texture to plain areas; edges stay
        Cv2.CvtColor(smooth, lab, ColorConversionCodes.BGR2Lab);
        using Mat? coloured = Best(OfColour(lab, at, reach)), moving = around is null ? null : Best(Moving(around, at, reach));
        if (coloured is null && moving is null) return Mat.Zeros(bgr.Size(), MatType.CV_8UC1);
        // What moves as one is one thing, whatever its colours; of a thing that swings or turns, motion shows the rim alone.
        if (moving is not null && (coloured is null || IsWhole(moving, coloured))) return moving.Clone();
        return Cut(bgr, coloured!, at, reach, excluded);

        bool IsWhole(Mat moves, Mat colour) =>
            Covers(moves, colour) >= LeastMoving || Score(lab, colour) is var stands && (stands < Faint || Score(lab, moves) >= NearlyAsClear * stands);

        Mat? Best(IEnumerable<Mat> candidates)
        {
            Mat? best = null;
            double bestScore = 0;
            foreach (Mat candidate in candidates)
            {
                double score = excluded.Any(point => candidate.At<byte>(point.Y, point.X) != 0) ? 0 : Score(lab, candidate);
                if (score > bestScore)
                {
                    best?.Dispose();
                    (best, bestScore) = (candidate, score);
                }
                else candidate.Dispose();
            }
            return best;
        }
    }

    /// <summary>The part of one region that another covers.</summary>
    private static double Covers(Mat region, Mat other)
    {
        using Mat both = new();
        Cv2.BitwiseAnd(region, other, both);
        return Cv2.CountNonZero(both) / (double)Cv2.CountNonZero(other);
    }

    /// <summary>Around the guess it may be either; the click is the object, what is far from it is not.</summary>
    private static Mat Cut(Mat bgr, Mat guess, Point at, int reach, Point[] excluded)
    {
        int band = Math.Max(2, (int)(0.15 * Math.Sqrt(Cv2.CountNonZero(guess))));
        using Mat near = Matting.Near(guess, band), core = Matting.Shrunk(guess, band), labels = new(bgr.Size(), MatType.CV_8UC1, Scalar.All((int)GrabCutClasses.BGD));
        labels.SetTo(Scalar.All((int)GrabCutClasses.PR_BGD), near);
        labels.SetTo(Scalar.All((int)GrabCutClasses.PR_FGD), guess);
        labels.SetTo(Scalar.All((int)GrabCutClasses.FGD), core);
        Cv2.Circle(labels, at, 1, Scalar.All((int)GrabCutClasses.FGD), -1);
        foreach (Point point in excluded) Cv2.Circle(labels, point, reach, Scalar.All((int)GrabCutClasses.BGD), -1);
        using Mat? cut = Matting.GrabCut(bgr, labels, 3);
        Mat part = cut is null ? guess.Clone() : Matting.PartAt(cut, at, reach);
        if (Cv2.CountNonZero(part) >= 0.4 * Cv2.CountNonZero(guess)) return part;
        part.Dispose();
        return guess.Clone(); // the colours of both sides are too alike to cut
    }

    /// <summary>Regions of the click's colour, from narrow to wide.</summary>
    private static IEnumerable<Mat> OfColour(Mat lab, Point at, int reach)
    {
        foreach (int tolerance in Tolerances)
        {
            using var filled = new Mat(lab.Height + 2, lab.Width + 2, MatType.CV_8UC1, Scalar.All(0));
            Scalar range = Scalar.All(tolerance);
            Cv2.FloodFill(lab, filled, at, Scalar.All(0), out _, range, range, FloodFillFlags.Link8 | FloodFillFlags.FixedRange | FloodFillFlags.MaskOnly | (FloodFillFlags)(255 << 8));
            using Mat inner = filled[new Rect(1, 1, lab.Width, lab.Height)].Clone();
            yield return Matting.PartAt(inner, at, reach);
        }
    }

    /// <summary>What moves where it is clicked.</summary>
    private static IEnumerable<Mat> Moving(Surroundings around, Point at, int reach)
    {
        foreach (Mat map in MotionMap.Of(around, at))
            using (map) yield return Matting.PartAt(map, at, reach);
    }

    /// <summary>How well a region stands out: the step of colour across its border, less what of the border lies on the picture's
    /// edge; 0 for one that is too small or too large to be meant.</summary>
    private static double Score(Mat lab, Mat region)
    {
        double share = (double)Cv2.CountNonZero(region) / (lab.Width * lab.Height);
        if (share is < SmallestShare or > LargestShare) return 0;
        using Mat grown = Matting.Grown(region, 2), shrunk = Matting.Shrunk(region, 1), outer = new(), inner = new(), floats = new(), difference = new();
        Cv2.Subtract(grown, region, outer);
        Cv2.Subtract(region, shrunk, inner);
        if (Cv2.CountNonZero(outer) == 0 || Cv2.CountNonZero(inner) == 0) return 0;
        // Each pixel just inside against the mean just outside of it: the weakest stretches of a border count, not its mean alone.
        lab.ConvertTo(floats, MatType.CV_32FC3);
        using Mat outside = MeanOf(floats, outer), within = MeanOf(floats, region);
        Cv2.Absdiff(within, outside, difference);
        Scalar step = Cv2.Mean(difference, inner);
        double contrast = Math.Sqrt(step.Val0 * step.Val0 + step.Val1 * step.Val1 + step.Val2 * step.Val2);
        using Mat up = region.Row(0), down = region.Row(region.Height - 1), left = region.Col(0), right = region.Col(region.Width - 1);
        int onEdge = new[] { up, down, left, right }.Sum(line => Cv2.CountNonZero(line));
        double outline = Cv2.CountNonZero(inner) + onEdge;
        return contrast * (1 - onEdge / outline) * Math.Pow(share, 0.1); // of equals the larger: a ball, not its stripe
    }

    /// <summary>Around each pixel, the mean colour of those of a mask.</summary>
    private static Mat MeanOf(Mat floats, Mat mask)
    {
        var size = new Size(7, 7);
        using Mat three = new(), weights = new();
        var mean = new Mat();
        Cv2.CvtColor(mask, three, ColorConversionCodes.GRAY2BGR);
        three.ConvertTo(weights, MatType.CV_32FC3, 1 / 255.0);
        Cv2.Multiply(floats, weights, mean);
        Cv2.BoxFilter(mean, mean, MatType.CV_32FC3, size, normalize: false);
        Cv2.BoxFilter(weights, weights, MatType.CV_32FC3, size, normalize: false);
        Cv2.Max(weights, Scalar.All(1e-3), weights);
        Cv2.Divide(mean, weights, mean);
        return mean;
    }

    private static Mat FromBox(Mat bgr, VideoRegion box, Point[] inside, Point[] excluded)
    {
        int left = (int)(box.X * bgr.Width), top = (int)(box.Y * bgr.Height);
        int right = Math.Clamp((int)Math.Ceiling((box.X + box.Width) * bgr.Width), left + 1, bgr.Width);
        int bottom = Math.Clamp((int)Math.Ceiling((box.Y + box.Height) * bgr.Height), top + 1, bgr.Height);
        var rectangle = new Rect(left, top, right - left, bottom - top);
        using Mat labels = new(bgr.Size(), MatType.CV_8UC1, Scalar.All((int)GrabCutClasses.BGD));
        Cv2.Rectangle(labels, rectangle, Scalar.All((int)GrabCutClasses.PR_FGD), -1);
        foreach (Point point in inside) Cv2.Circle(labels, point, 2, Scalar.All((int)GrabCutClasses.FGD), -1);
        foreach (Point point in excluded) Cv2.Circle(labels, point, 2, Scalar.All((int)GrabCutClasses.BGD), -1);
        using Mat? cut = Matting.GrabCut(bgr, labels, 5);
        Mat part = cut is null ? Mat.Zeros(bgr.Size(), MatType.CV_8UC1) : Matting.LargestPart(cut);
        if (Cv2.CountNonZero(part) >= 0.05 * rectangle.Width * rectangle.Height) return part;
        Cv2.Rectangle(part, rectangle, Scalar.All(255), -1); // nothing stands out in it, so the box is the object
        return part;
    }
}
