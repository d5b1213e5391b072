using OpenCvSharp;

namespace ThinkSound.Objects;

/// <summary>How far the camera has turned between two pictures of one scene: the shift, in pixels, under which most of the picture
/// agrees. Tiles vote, so that one thing that moves in front of a plain wall is not taken for the camera.</summary>
internal sealed class CameraShift
{
    private const double ReachPerPicture = 4;    // pixels of 256 that a camera turns from one picture to the next
    private const int Side = 160, Tiles = 8;     // pixels of the longer side that are compared; a row and a column of tiles
    private const int LeastVotes = 5, LeastSpread = 6; // tiles that a shift has to make better; columns or rows that they lie in
    private const double LargestShift = 0.25;    // of the longer side
    private const double LeastEnergy = 2; // levels² of slope a pixel, of a tile that is not plain
    private static readonly double[] Scales = [40, 25, 15, 15]; // levels: differences that count by a quarter, getting finer
    private const double Better = 0.95, BetterBy = 0.25; // of a tile's difference; levels of 255

    private readonly Mat _reference;
    private readonly double _scale;
    private readonly byte[] _levels;
    private readonly float[] _weights;

    /// <param name="reference">BGR, 8 bits.</param>
    public CameraShift(Mat reference)
    {
        _scale = Math.Max(1, Math.Max(reference.Width, reference.Height) / (double)Side);
        _reference = Small(reference);
        _reference.GetArray(out _levels);
        _weights = WeightsOf(_levels, _reference.Width, _reference.Height);
    }

    /// <summary>How far a camera turns from one picture to the next, at most, in pixels.</summary>
    public static double ReachOf(int width, int height) => ReachPerPicture * Math.Max(width, height) / 256;

    /// <summary>Where a place of the reference lies in another picture, less where it was.</summary>
    /// <param name="picture">BGR, 8 bits, of the same size.</param>
    /// <param name="near">About where it is expected.</param>
    /// <param name="reach">How far from there it may be, in pixels.</param>
    /// <returns>Null where it is further than a quarter of the picture.</returns>
    public Point2d? To(Mat picture, Point2d near, double reach)
    {
        using Mat now = Small(picture);
        int x0 = (int)Math.Round(near.X / _scale), y0 = (int)Math.Round(near.Y / _scale), steps = (int)Math.Ceiling(reach / _scale);
        int most = (int)(LargestShift * Math.Max(now.Width, now.Height));
        if (Math.Max(Math.Abs(x0), Math.Abs(y0)) + steps > most) return null;
        int margin = Math.Max(Math.Abs(x0), Math.Abs(y0)) + steps, side = 2 * steps + 1;
        if (now.Width <= 3 * margin || now.Height <= 3 * margin) return null;
        var inner = new Rect(margin, margin, now.Width - 2 * margin, now.Height - 2 * margin);
        using Mat part = _reference[inner], difference = new(), tiles = new();
        var costs = new double[side * side];
        var of = new byte[side * side][];
        int best = side * side / 2;
        for (int k = 0; k < costs.Length; k++)
        {
            using Mat moved = now[new Rect(inner.X + x0 + k % side - steps, inner.Y + y0 + k / side - steps, inner.Width, inner.Height)];
            Cv2.Absdiff(part, moved, difference);
            Cv2.Multiply(difference, Scalar.All(4), difference); // tells quarters of a level apart; what differs by 64 differs
            Cv2.Resize(difference, tiles, new Size(Tiles, Tiles), 0, 0, InterpolationFlags.Area);
            tiles.GetArray(out of[k]);
            foreach (byte tile in of[k]) costs[k] += Math.Sqrt(tile);
            if (costs[k] < costs[best]) best = k;
        }
        byte[] before = of[side * side / 2], after = of[best];
        int votes = 0, columns = 0, rows = 0; // as bits
        for (int i = 0; i < after.Length; i++)
        {
            if (before[i] < Better * after[i] - 4 * BetterBy) votes--;
            if (after[i] >= Better * before[i] - 4 * BetterBy) continue;
            votes++;
            (columns, rows) = (columns | 1 << (i % Tiles), rows | 1 << (i / Tiles));
        }
        bool isClear = votes >= LeastVotes && Math.Max(int.PopCount(columns), int.PopCount(rows)) >= LeastSpread;
        (double x, double y) = isClear ? (x0 + best % side - steps, y0 + best / side - steps) : (near.X / _scale, near.Y / _scale);
        Point2d fine = Refined(now, x, y);
        return new Point2d(fine.X * _scale, fine.Y * _scale);
    }

    /// <summary>Between whole pixels: least squares on the reference's slopes (Lucas and Kanade, 1981) in which what differs much counts
    /// little and no tile for more than others, so that edges all over the picture decide; without those, nothing does.</summary>
    private Point2d Refined(Mat now, double x, double y)
    {
        if (_weights.Length == 0) return new Point2d(x, y);
        now.GetArray(out byte[] pixels);
        (int width, int height) = (now.Width, now.Height);
        foreach (double scale in Scales)
        {
            double xx = 0, xy = 0, yy = 0, bx = 0, by = 0;
            (int ix, int iy) = ((int)Math.Floor(x), (int)Math.Floor(y));
            float fx = (float)(x - ix), fy = (float)(y - iy), c = (float)(scale * scale);
            for (int v = Math.Max(1, -iy); v < Math.Min(height - 1, height - 1 - iy); v++)
                for (int u = Math.Max(1, -ix); u < Math.Min(width - 1, width - 1 - ix); u++)
                {
                    int at = v * width + u, there = (v + iy) * width + u + ix;
                    float weight = _weights[at];
                    if (weight == 0) continue;
                    float above = pixels[there] + fx * (pixels[there + 1] - pixels[there]);
                    float below = pixels[there + width] + fx * (pixels[there + width + 1] - pixels[there + width]);
                    float differs = _levels[at] - above - fy * (below - above);
                    float robust = c / (c + differs * differs); // Geman and McClure
                    weight *= robust * robust;
                    float gx = 0.5f * (_levels[at + 1] - _levels[at - 1]), gy = 0.5f * (_levels[at + width] - _levels[at - width]);
                    (xx, xy, yy) = (xx + weight * gx * gx, xy + weight * gx * gy, yy + weight * gy * gy);
                    (bx, by) = (bx + weight * gx * differs, by + weight * gy * differs);
                }
            double damping = 0.01 * (xx + yy) + 1e-6, determinant = (xx + damping) * (yy + damping) - xy * xy; // along an edge nothing is known
            double dx = ((yy + damping) * bx - xy * by) / determinant, dy = ((xx + damping) * by - xy * bx) / determinant;
            (x, y) = (x + Math.Clamp(dx, -1, 1), y + Math.Clamp(dy, -1, 1));
        }
        return new Point2d(x, y);
    }

    /// <summary>Of each pixel's slope; empty where the slopes are those of one place, that may be a thing in front of a plain wall.</summary>
    private static float[] WeightsOf(byte[] levels, int width, int height)
    {
        var energy = new double[Tiles * Tiles];
        var tile = new int[levels.Length];
        for (int v = 1; v < height - 1; v++)
            for (int u = 1; u < width - 1; u++)
            {
                int at = v * width + u, gx = levels[at + 1] - levels[at - 1], gy = levels[at + width] - levels[at - width];
                tile[at] = v * Tiles / height * Tiles + u * Tiles / width;
                energy[tile[at]] += 0.25 * (gx * gx + gy * gy) * Tiles * Tiles / levels.Length;
            }
        int columns = 0, rows = 0;
        for (int i = 0; i < energy.Length; i++)
            if (energy[i] > LeastEnergy) (columns, rows) = (columns | 1 << (i % Tiles), rows | 1 << (i / Tiles));
        if (Math.Max(int.PopCount(columns), int.PopCount(rows)) < LeastSpread) return [];
        double[] textured = [.. energy.Where(e => e > LeastEnergy).Order()];
        double middle = textured[textured.Length / 2];
        return [.. tile.Select(t => (float)Math.Min(1, middle / Math.Max(energy[t], 1e-6)))];
    }
    /// <summary>A picture as it were if the camera had not turned.</summary>
    /// <param name="picture">Any.</param>
    /// <param name="shift">Of the reference to it.</param>
    /// <param name="how">Nearest for masks, whose places beyond the edge become 0.</param>
    public static Mat Undo(Mat picture, Point2d shift, InterpolationFlags how = InterpolationFlags.Linear) => Move(picture, -shift.X, -shift.Y, how);

    /// <summary>What was found in a picture without the camera's turn, where it is in the picture itself.</summary>
    public static Mat Redo(Mat mask, Point2d shift) => Move(mask, Math.Round(shift.X), Math.Round(shift.Y), InterpolationFlags.Nearest);

    private static Mat Move(Mat picture, double dx, double dy, InterpolationFlags how)
    {
        if (dx == 0 && dy == 0) return picture.Clone();
        using Mat matrix = Mat.FromPixelData(2, 3, MatType.CV_64FC1, new[] { 1, 0, dx, 0, 1, dy });
        var moved = new Mat();
        Cv2.WarpAffine(picture, moved, matrix, picture.Size(), how, how == InterpolationFlags.Nearest ? BorderTypes.Constant : BorderTypes.Replicate);
        return moved;
    }

    private Mat Small(Mat bgr)
    {
        using Mat grey = new();
        var small = new Mat();
        Cv2.CvtColor(bgr, grey, ColorConversionCodes.BGR2GRAY);
        Cv2.Resize(grey, small, new Size(Math.Max(1, (int)(bgr.Width / _scale)), Math.Max(1, (int)(bgr.Height / _scale))), 0, 0, InterpolationFlags.Area);
        Cv2.GaussianBlur(small, small, new Size(3, 3), 0);
        return small;
    }
}
