using OpenCvSharp;
using ThinkSound.Projects;

namespace ThinkSound.Objects;

/// <summary>Follows a mask from one picture to the next. With a <see cref="BackgroundPlate"/>, the object is what differs from the
/// scene near where it was heading and has its colours. Without one, or where nothing such is there, where it goes: the place whose colours are the object's inside and not around
/// (a matched filter over <see cref="ColourModel"/>) and whose pixels are those of last time, near where it was heading. How it
/// changes: GrabCut around the moved mask. Lost, it looks everywhere for what it knew. One caller at a time.</summary>
internal sealed class FrameTracker : IDisposable
{
    private const double LostBelow = 0.32, FoundAbove = 0.5;  // of the score, at most 1
    private const double PixelTolerance = 40;                 // levels of 255, root mean square, at which the likeness of pixels is 1/e
    private const double DistancePenalty = 0.12;              // at the rim of what is searched
    private const double LeastForeground = 0.05;              // of what is found: less is a part of the scene that looks like it
    private const double SmallestPart = 0.3, WholePart = 0.75; // of its usual area: that must be seen; that shows it whole

    private readonly int _width, _height;
    private readonly ColourModel _colours;
    private readonly double _firstArea;
    private readonly CameraPath _camera;
    private BackgroundPlate? _plate; // while the scene stays as it is
    private Mat _template = new(), _shape = new(); // pixels of the object's box, and which of them are its own
    private Point2d _centre, _speed; // of the box, in pixels; per picture
    private double _usualArea;
    private int _shapeArea;

    /// <param name="frame">A picture.</param>
    /// <param name="mask">The object in it, not empty.</param>
    /// <param name="plate">The scene without it, which becomes the tracker's; null if that is not known.</param>
    public FrameTracker(StillFrame frame, Mask mask, BackgroundPlate? plate)
    {
        _plate = plate;
        (_width, _height, _colours, _firstArea) = (frame.Width, frame.Height, new ColourModel(), mask.Area);
        (Current, _usualArea) = (mask, mask.Area);
        using Mat bgr = Matting.ToBgr(frame);
        _camera = new CameraPath(bgr);
        Remember(bgr, mask);
        _centre = CentreOf(Matting.BoxOf(mask));
        _colours.Learn(frame, Sides(mask), 1, 1);
    }

    /// <summary>Where it is, or was last seen.</summary>
    public Mask Current { get; private set; }

    /// <summary>It was found in the last picture.</summary>
    public bool IsSeen { get; private set; } = true;

    /// <summary>How sure that is, up to 1.</summary>
    public double Score { get; private set; } = 1;

    /// <summary>How far the scene of the last picture lies from where it was in the first, in pixels.</summary>
    public Point2d Camera => _camera.Shift;

    /// <summary>The next picture.</summary>
    public void Advance(StillFrame frame)
    {
        using Mat bgr = Matting.ToBgr(frame);
        var compared = Compare(bgr);
        _camera.Next(bgr, _plate?.Shift);
        if (compared is not var (foreground, unknown))
        {
            Match(frame, bgr, _ => true);
            return;
        }
        using (foreground)
        using (unknown)
        {
            if (Parts(frame, foreground, unknown) is var (mask, score)) Take(frame, bgr, mask, Score = score);
            else Match(frame, bgr, found => Share(found, foreground, unknown) >= LeastForeground);
            if (IsSeen) _plate!.Learn(Current);
        }
    }

    /// <summary>By its pixels and colours, without a plate.</summary>
    private void Match(StillFrame frame, Mat bgr, Func<Mask, bool> isThere)
    {
        var (place, score) = Find(frame, bgr);
        Score = score;
        if (score >= (IsSeen ? LostBelow : FoundAbove))
        {
            Mask refined = Refine(bgr, Moved(place));
            if (refined.Area >= SmallestPart * _usualArea && isThere(refined))
            {
                Take(frame, bgr, refined, score);
                return;
            }
        }
        Lose();
    }

    /// <summary>Takes another's word for where it is in the picture that was given last.</summary>
    public void Correct(StillFrame frame, Mask mask)
    {
        if (mask.IsEmpty) return;
        using Mat bgr = Matting.ToBgr(frame);
        _usualArea = mask.Area;
        Take(frame, bgr, mask, Score);
    }

    public void Dispose()
    {
        _template.Dispose();
        _shape.Dispose();
        _camera.Dispose();
        _plate?.Dispose();
    }

    /// <summary>What differs from the scene without it; null, from then on, where that scene is gone.</summary>
    private (Mat Foreground, Mat Unknown)? Compare(Mat bgr)
    {
        var compared = _plate?.Compare(bgr);
        if (compared is null)
        {
            _plate?.Dispose();
            _plate = null;
        }
        return compared;
    }

    /// <summary>The part of a mask in which something is in front of the scene, or may be.</summary>
    private static double Share(Mask mask, Mat foreground, Mat unknown)
    {
        foreground.GetArray(out byte[] isFront);
        unknown.GetArray(out byte[] isUnknown);
        int front = 0;
        for (int i = 0; i < isFront.Length; i++)
            if (mask.Values[i] != 0 && (isFront[i] | isUnknown[i]) != 0) front++;
        return front / (double)Math.Max(1, mask.Area);
    }

    /// <summary>The parts of what differs from the scene without it that lie where it is expected and have its colours; lost, those
    /// that have its size and colours anywhere.</summary>
    private (Mask, double)? Parts(StillFrame frame, Mat foreground, Mat unknown)
    {
        double size = Math.Sqrt(Current.Area), speed = Math.Sqrt(_speed.X * _speed.X + _speed.Y * _speed.Y);
        using Mat last = Matting.ToMat(Current), moved = CameraShift.Redo(last, _speed);
        using Mat near = IsSeen ? Matting.Near(moved, Math.Clamp(0.3 * size + 1.5 * speed, 5, 80)) : new Mat(moved.Size(), MatType.CV_8UC1, Scalar.All(255));
        using Mat labels = new(), stats = new(), centroids = new();
        int count = Cv2.ConnectedComponentsWithStats(foreground, labels, stats, centroids);
        labels.GetArray(out int[] of);
        moved.GetArray(out byte[] isMoved);
        near.GetArray(out byte[] isNear);
        unknown.GetArray(out byte[] isUnknown);
        var likely = new double[count];
        int[] inside = new int[count], close = new int[count];
        ReadOnlySpan<byte> pixels = frame.Pixels;
        for (int i = 0; i < of.Length; i++)
        {
            if (of[i] == 0 || isNear[i] == 0) continue;
            close[of[i]]++;
            if (isMoved[i] != 0) inside[of[i]]++;
            likely[of[i]] += _colours.Probability(pixels, 3 * i);
        }
        var values = new byte[of.Length];
        var taken = new bool[count];
        double sum = 0;
        int total = 0;
        for (int label = 1; label < count; label++)
        {
            if (close[label] < Math.Max(4, 0.02 * _usualArea)) continue;
            double like = likely[label] / close[label];
            int area = stats.At<int>(label, (int)ConnectedComponentsTypes.Area);
            bool isIts = IsSeen ? like >= 0.3 && (close[label] >= 0.5 * area || inside[label] >= 0.3 * Current.Area)
                : like >= 0.5 && area >= 0.4 * _usualArea && area <= 2.5 * _usualArea;
            if (!isIts) continue;
            taken[label] = true;
            sum += likely[label];
            total += close[label];
        }
        if (total == 0 && !IsSeen) return null;
        for (int i = 0; i < of.Length; i++)
            values[i] = (taken[of[i]] && of[i] != 0 && isNear[i] != 0) || (IsSeen && isUnknown[i] != 0 && isMoved[i] != 0) ? (byte)1 : (byte)0;
        using Mat open = Mat.FromPixelData(_height, _width, MatType.CV_8UC1, values), whole = Matting.FillHoles(open);
        Mask mask = Matting.ToMask(whole);
        if (mask.Area < SmallestPart * _usualArea || mask.Area > 3 * _usualArea) return null;
        return (mask, total == 0 ? 0.5 : 0.5 + 0.5 * sum / total);
    }

    private void Lose() => (IsSeen, _speed) = (false, new Point2d(0, 0));

    private void Take(StillFrame frame, Mat bgr, Mask mask, double score)
    {
        Point2d now = CentreOf(Matting.BoxOf(mask));
        _speed = IsSeen ? new Point2d(0.5 * _speed.X + 0.5 * (now.X - _centre.X), 0.5 * _speed.Y + 0.5 * (now.Y - _centre.Y)) : new Point2d(0, 0);
        (_centre, Current, IsSeen) = (now, mask, true);
        // What the picture's edge or another thing cuts off is no change of the object.
        if (score < FoundAbove || mask.Area < WholePart * _usualArea || TouchesEdge(Matting.BoxOf(mask))) return;
        _usualArea += 0.2 * (mask.Area - _usualArea);
        Remember(bgr, mask);
        _colours.Learn(frame, Sides(mask), 0.03, 0.15);
    }

    private void Remember(Mat bgr, Mask mask)
    {
        _template.Dispose();
        _shape.Dispose();
        Rect box = Matting.BoxOf(mask);
        using Mat whole = Matting.ToMat(mask);
        Cv2.Multiply(whole, Scalar.All(255), whole);
        (_template, _shape, _shapeArea) = (bgr[box].Clone(), whole[box].Clone(), mask.Area);
    }

    /// <summary>The best middle of the object's box, and its score.</summary>
    private (Point2d Centre, double Score) Find(StillFrame frame, Mat bgr)
    {
        int w = _template.Width, h = _template.Height, ring = Math.Max(2, Math.Min(w, h) / 4);
        double reach = Math.Max(10, Math.Max(0.8 * Math.Max(w, h), 1.5 * Math.Sqrt(_speed.X * _speed.X + _speed.Y * _speed.Y) + 0.4 * Math.Max(w, h)));
        var expected = new Point2d(_centre.X + _speed.X, _centre.Y + _speed.Y);
        // Boxes may hang out of the picture by half.
        double left = IsSeen ? expected.X - reach : 0, right = IsSeen ? expected.X + reach : _width;
        double top = IsSeen ? expected.Y - reach : 0, bottom = IsSeen ? expected.Y + reach : _height;
        (left, right) = (Math.Clamp(left, 0, _width - 1), Math.Clamp(right, 1, _width));
        (top, bottom) = (Math.Clamp(top, 0, _height - 1), Math.Clamp(bottom, 1, _height));
        var area = new Rect((int)left - w / 2 - ring, (int)top - h / 2 - ring, (int)(right - left) + w + 2 * ring + 1, (int)(bottom - top) + h + 2 * ring + 1);
        using Mat likely = Likely(frame, area), pixels = Padded(bgr, area), filter = Filter(ring), colour = new();
        Cv2.MatchTemplate(likely, filter, colour, TemplateMatchModes.CCorr);
        using Mat inner = pixels[new Rect(ring, ring, pixels.Width - 2 * ring, pixels.Height - 2 * ring)];
        colour.GetArray(out float[] stands);
        (int rows, int columns) = (colour.Height, colour.Width);
        double bestScore = double.MinValue, bestTotal = double.MinValue;
        var best = expected;
        if (IsSeen)
        {
            using Mat difference = new(); // of the same size, by those that it is made from
            Cv2.MatchTemplate(inner, _template, difference, TemplateMatchModes.SqDiff, _shape);
            difference.GetArray(out float[] differs);
            for (int y = 0; y < rows; y++)
                for (int x = 0; x < columns; x++) Try(x, y, differs[y * columns + x]);
        }
        else
            foreach (var (x, y) in Peaks(stands, columns, rows, w, h))
            {
                using Mat part = inner[new Rect(x, y, w, h)], difference = new();
                Cv2.MatchTemplate(part, _template, difference, TemplateMatchModes.SqDiff, _shape);
                Try(x, y, difference.At<float>(0, 0));
            }
        return (best, bestScore);

        void Try(int x, int y, float difference)
        {
            double meanSquare = Math.Max(0, difference) / (3.0 * _shapeArea);
            double score = 0.5 * stands[y * columns + x] + 0.5 * Math.Exp(-meanSquare / (PixelTolerance * PixelTolerance));
            var centre = new Point2d(area.X + ring + x + w / 2.0, area.Y + ring + y + h / 2.0);
            double away = IsSeen ? (Math.Pow(centre.X - expected.X, 2) + Math.Pow(centre.Y - expected.Y, 2)) / (reach * reach) : 0;
            double total = score - DistancePenalty * Math.Min(2, away);
            if (total > bestTotal) (bestTotal, bestScore, best) = (total, score, centre);
        }
    }

    /// <summary>Where a lost object may be: the places whose colours fit best, apart from each other by half of it.</summary>
    private static IEnumerable<(int X, int Y)> Peaks(float[] stands, int columns, int rows, int width, int height)
    {
        const int most = 8;
        var left = (float[])stands.Clone();
        for (int n = 0; n < most; n++)
        {
            int at = Array.IndexOf(left, left.Max());
            if (left[at] < 2 * FoundAbove - 0.9) yield break; // not even the same pixels would make it one
            (int x, int y) = (at % columns, at / columns);
            yield return (x, y);
            for (int v = Math.Max(0, y - height / 2); v < Math.Min(rows, y + height / 2 + 1); v++)
                Array.Fill(left, float.MinValue, v * columns + Math.Max(0, x - width / 2), Math.Min(columns, x + width / 2 + 1) - Math.Max(0, x - width / 2));
        }
    }

    /// <summary>Probabilities of the object's colours in a part of the picture, 0 beyond the edge of it.</summary>
    private Mat Likely(StillFrame frame, Rect area)
    {
        var values = new float[area.Width * area.Height];
        ReadOnlySpan<byte> pixels = frame.Pixels;
        for (int y = Math.Max(0, -area.Y); y < area.Height && area.Y + y < _height; y++)
            for (int x = Math.Max(0, -area.X); x < area.Width && area.X + x < _width; x++)
                values[y * area.Width + x] = _colours.Probability(pixels, 3 * ((area.Y + y) * _width + area.X + x));
        using Mat view = Mat.FromPixelData(area.Height, area.Width, MatType.CV_32FC1, values);
        return view.Clone();
    }

    /// <summary>Mean inside less mean around.</summary>
    private Mat Filter(int ring)
    {
        using Mat shape = new(), around = new(), grown = new();
        Cv2.CopyMakeBorder(_shape, shape, ring, ring, ring, ring, BorderTypes.Constant, Scalar.All(0));
        using Mat wide = Matting.Grown(shape, ring);
        Cv2.Subtract(wide, shape, around);
        var filter = new Mat(shape.Size(), MatType.CV_32FC1, Scalar.All(0));
        filter.SetTo(Scalar.All(1.0 / Math.Max(1, Cv2.CountNonZero(shape))), shape);
        filter.SetTo(Scalar.All(-1.0 / Math.Max(1, Cv2.CountNonZero(around))), around);
        return filter;
    }

    private Mat Padded(Mat bgr, Rect area)
    {
        Rect there = area & new Rect(0, 0, _width, _height);
        using Mat part = bgr[there];
        var padded = new Mat();
        Cv2.CopyMakeBorder(part, padded, there.Y - area.Y, area.Bottom - there.Bottom, there.X - area.X, area.Right - there.Right, BorderTypes.Replicate);
        return padded;
    }

    private Mask Moved(Point2d centre)
    {
        int left = (int)Math.Round(centre.X - _shape.Width / 2.0), top = (int)Math.Round(centre.Y - _shape.Height / 2.0);
        var values = new byte[_width * _height];
        (int width, int height) = (_shape.Width, _shape.Height);
        _shape.GetArray(out byte[] shape);
        for (int y = Math.Max(0, -top); y < height && top + y < _height; y++)
            for (int x = Math.Max(0, -left); x < width && left + x < _width; x++)
                values[(top + y) * _width + left + x] = shape[y * width + x];
        return new Mask(_width, _height, values);
    }

    /// <summary>The moved mask with its border put where the picture has one; itself where the picture does not agree.</summary>
    private Mask Refine(Mat bgr, Mask moved)
    {
        if (moved.IsEmpty) return moved;
        Rect box = Matting.BoxOf(moved);
        int band = Math.Max(2, (int)(0.12 * Math.Sqrt(box.Width * box.Height))), margin = 3 * band + 4;
        Rect area = new Rect(box.X - margin, box.Y - margin, box.Width + 2 * margin, box.Height + 2 * margin) & new Rect(0, 0, _width, _height);
        using Mat whole = Matting.ToMat(moved);
        Cv2.Multiply(whole, Scalar.All(255), whole);
        using Mat shape = whole[area].Clone(), pixels = bgr[area].Clone(), near = Matting.Grown(shape, band), core = Matting.Shrunk(shape, 2 * band);
        using Mat labels = new(shape.Size(), MatType.CV_8UC1, Scalar.All((int)GrabCutClasses.BGD));
        labels.SetTo(Scalar.All((int)GrabCutClasses.PR_BGD), near);
        labels.SetTo(Scalar.All((int)GrabCutClasses.PR_FGD), shape);
        labels.SetTo(Scalar.All((int)GrabCutClasses.FGD), core);
        using Mat? cut = Matting.GrabCut(pixels, labels, 1);
        if (cut is null) return moved;
        using Mat part = Matting.LargestPart(cut), full = Mat.Zeros(_height, _width, MatType.CV_8UC1);
        using (Mat target = full[area]) part.CopyTo(target);
        Mask refined = Matting.ToMask(full);
        // A border that creeps in or out a little each time ends nowhere near the object.
        bool agrees = refined.Overlap(moved) >= 0.55 && refined.Area >= 0.35 * _firstArea && refined.Area <= 3 * _firstArea;
        return agrees ? refined : moved;
    }

    /// <summary>1 the object, 2 a ring around it as wide as half of it.</summary>
    private static byte[] Sides(Mask mask)
    {
        Rect box = Matting.BoxOf(mask);
        Mask near = mask.Dilate(2), wide = mask.Dilate(Math.Clamp((box.Width + box.Height) / 4, 4, 40));
        var sides = new byte[mask.Values.Length];
        for (int i = 0; i < sides.Length; i++) sides[i] = mask.Values[i] != 0 ? (byte)1 : near.Values[i] != 0 ? (byte)0 : wide.Values[i] != 0 ? (byte)2 : (byte)0;
        return sides;
    }

    private bool TouchesEdge(Rect box) => box.X == 0 || box.Y == 0 || box.Right == _width || box.Bottom == _height;

    private static Point2d CentreOf(Rect box) => new(box.X + box.Width / 2.0, box.Y + box.Height / 2.0);
}
