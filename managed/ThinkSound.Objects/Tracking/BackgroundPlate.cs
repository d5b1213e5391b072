using OpenCvSharp;
using ThinkSound.Projects;

namespace ThinkSound.Objects;

/// <summary>The scene without the object, as far as it has been seen: what is behind the object comes from the times at which it is
/// elsewhere. Pixels that differ from it are the object's or another moving thing's. One caller at a time.</summary>
internal sealed class BackgroundPlate : IDisposable
{
    private const double LeastAlike = 0.2, LeastAway = 0.1; // of the pictures: that make a colour the background's; that show what is behind
    private const double LargestShare = 0.6;  // of the picture: more says that the scene has changed
    private const double LeastInside = 0.05, LeastExplained = 0.5, MostParts = 1.5; // of a mask's area
    private const double LearningRate = 0.04;

    private readonly CameraShift _camera;
    private readonly double _blur, _threshold, _reach;
    private readonly Mat _colours, _known; // float BGR; 255 where it has been seen
    private Mat _seen = new();             // the last picture, as if the camera had not turned

    private BackgroundPlate(CameraShift camera, double blur, double threshold, Mat colours, Mat known)
    {
        (_camera, _blur, _threshold, _colours, _known) = (camera, blur, threshold, colours, known);
        _reach = CameraShift.ReachOf(colours.Width, colours.Height);
    }

    /// <summary>Of the pictures around one in which the object is known.</summary>
    public static BackgroundPlate Of(Surroundings around, Mask mask)
    {
        (int width, int height) = (mask.Width, mask.Height);
        using Mat own = Matting.ToMat(mask), near = Matting.Grown(own, 2);
        near.GetArray(out byte[] isNear);
        around.Picture.GetArray(out Vec3b[] now);
        Vec3b[][] others = [.. around.Others.Select(mat => mat.GetArray(out Vec3b[] values) ? values : throw new InvalidOperationException("pictures have three channels"))];
        var colours = new Vec3f[now.Length];
        var known = new byte[now.Length];
        var chosen = new List<Vec3b>();
        for (int i = 0; i < now.Length; i++)
        {
            chosen.Clear();
            // Beside the object, this picture shows the background, unless something else passes there; behind it, only the others do.
            bool isInside = isNear[i] != 0;
            foreach (Vec3b[] other in others)
                if (Differs(now[i], other[i]) == isInside) chosen.Add(other[i]);
            known[i] = 255;
            if (isInside && chosen.Count < Math.Max(2, LeastAway * others.Length))
            {
                known[i] = 0;
                colours[i] = new Vec3f(now[i].Item0, now[i].Item1, now[i].Item2);
            }
            else if (isInside) colours[i] = MedianOf(chosen);
            else if (chosen.Count >= LeastAlike * others.Length)
            {
                chosen.Add(now[i]);
                colours[i] = MeanOf(chosen);
            }
            else
            {
                chosen.Clear();
                foreach (Vec3b[] other in others) chosen.Add(other[i]);
                colours[i] = MedianOf(chosen);
            }
        }
        using Mat plate = Mat.FromPixelData(height, width, MatType.CV_32FC3, colours), seen = Mat.FromPixelData(height, width, MatType.CV_8UC1, known);
        using Mat reference = new();
        plate.ConvertTo(reference, MatType.CV_8UC3);
        return new BackgroundPlate(new CameraShift(reference), around.Blur, around.Threshold, plate.Clone(), seen.Clone());

        bool Differs(Vec3b a, Vec3b b) =>
            Math.Max(Math.Abs(a.Item0 - b.Item0), Math.Max(Math.Abs(a.Item1 - b.Item1), Math.Abs(a.Item2 - b.Item2))) > around.Threshold;
    }

    /// <summary>How far the scene lies from where it is on the plate, in the picture that was compared last.</summary>
    public Point2d Shift { get; private set; }

    /// <summary>One of its own.</summary>
    public BackgroundPlate Clone() => new(_camera, _blur, _threshold, _colours.Clone(), _known.Clone()) { Shift = Shift };

    /// <summary>What differs from it in a picture, and where nobody knows, both as 255; null where the scene is another one or the
    /// camera has turned too far.</summary>
    public (Mat Foreground, Mat Unknown)? Compare(Mat bgr)
    {
        using Mat smooth = Surroundings.Smooth(bgr, _blur);
        if (_camera.To(smooth, Shift, _reach) is not { } shift) return null;
        Shift = shift;
        using Mat floats = new(), difference = new(), levels = new();
        _seen.Dispose();
        _seen = CameraShift.Undo(smooth, shift);
        _seen.ConvertTo(floats, MatType.CV_32FC3);
        Cv2.Absdiff(floats, _colours, difference);
        difference.ConvertTo(levels, MatType.CV_8UC3);
        Cv2.Split(levels, out Mat[] channels);
        Cv2.Max(channels[0], channels[1], channels[0]);
        Cv2.Max(channels[0], channels[2], channels[0]);
        using Mat all = new(bgr.Size(), MatType.CV_8UC1, Scalar.All(255)), inView = CameraShift.Undo(all, shift, InterpolationFlags.Nearest);
        using Mat behind = new(), differs = Matting.Hysteresis(channels[0], _threshold, _blur);
        foreach (Mat channel in channels) channel.Dispose();
        Cv2.BitwiseAnd(differs, inView, differs);
        Cv2.BitwiseAnd(differs, _known, differs);
        Cv2.BitwiseNot(_known, behind);
        if (Cv2.CountNonZero(differs) > LargestShare * bgr.Width * bgr.Height) return null;
        return (CameraShift.Redo(differs, shift), CameraShift.Redo(behind, shift));
    }

    /// <summary>Whether a mask is all of what moves where it is. Of a hand that was pointed at, it is not: an arm moves with it, which
    /// a plate cannot tell from it.</summary>
    public bool Tells(StillFrame frame, Mask mask)
    {
        using Mat bgr = Matting.ToBgr(frame);
        if (Compare(bgr) is not var (foreground, unknown)) return false;
        using (foreground)
        using (unknown)
        {
            using Mat labels = new(), stats = new(), centroids = new();
            int count = Cv2.ConnectedComponentsWithStats(foreground, labels, stats, centroids);
            labels.GetArray(out int[] of);
            unknown.GetArray(out byte[] isUnknown);
            var inside = new int[count];
            int explained = 0, parts = 0;
            for (int i = 0; i < of.Length; i++)
            {
                if (mask.Values[i] == 0) continue;
                inside[of[i]]++;
                if (of[i] != 0 || isUnknown[i] != 0) explained++;
            }
            for (int label = 1; label < count; label++)
                if (inside[label] >= LeastInside * mask.Area) parts += stats.At<int>(label, (int)ConnectedComponentsTypes.Area);
            return explained >= LeastExplained * mask.Area && parts <= MostParts * mask.Area;
        }
    }

    /// <summary>Takes in what the last picture shows beside the object.</summary>
    public void Learn(Mask mask)
    {
        using Mat own = Matting.ToMat(mask), near = Matting.Near(own, 4), there = CameraShift.Undo(near, Shift, InterpolationFlags.Nearest), beside = new(), first = new();
        Cv2.BitwiseNot(there, beside);
        using Mat floats = new();
        _seen.ConvertTo(floats, MatType.CV_32FC3);
        Cv2.BitwiseNot(_known, first);
        Cv2.BitwiseAnd(first, beside, first);
        floats.CopyTo(_colours, first);
        _known.SetTo(Scalar.All(255), first);
        Cv2.AccumulateWeighted(floats, _colours, LearningRate, beside);
    }

    public void Dispose()
    {
        _colours.Dispose();
        _known.Dispose();
        _seen.Dispose();
    }

    private static Vec3f MeanOf(List<Vec3b> values)
    {
        float b = 0, g = 0, r = 0;
        foreach (Vec3b value in values) (b, g, r) = (b + value.Item0, g + value.Item1, r + value.Item2);
        return new Vec3f(b / values.Count, g / values.Count, r / values.Count);
    }

    private static Vec3f MedianOf(List<Vec3b> values)
    {
        Span<byte> sorted = stackalloc byte[values.Count];
        Span<float> medians = stackalloc float[3];
        for (int c = 0; c < 3; c++)
        {
            for (int i = 0; i < sorted.Length; i++) sorted[i] = values[i][c];
            sorted.Sort();
            medians[c] = sorted[sorted.Length / 2];
        }
        return new Vec3f(medians[0], medians[1], medians[2]);
    }
}
