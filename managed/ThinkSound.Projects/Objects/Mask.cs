using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>Which pixels of a picture belong to an object. Immutable.</summary>
public sealed class Mask
{
    private readonly byte[] _inside; // 0 or 1, row after row
    private readonly double _sumX, _sumY;

    /// <summary>Takes a copy.</summary>
    /// <param name="width">Pixels across, at least 1.</param>
    /// <param name="height">Pixels down, at least 1.</param>
    /// <param name="inside">Row after row, [height, width]; anything but 0 belongs to the object.</param>
    public Mask(int width, int height, ReadOnlySpan<byte> inside)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(width);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(height);
        if (inside.Length != width * height) throw new ArgumentException($"a mask of {width} × {height} has {width * height} values, not {inside.Length}", nameof(inside));
        (Width, Height, _inside) = (width, height, new byte[inside.Length]);
        (int left, int top, int right, int bottom) = (width, height, 0, 0);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                if (inside[y * width + x] == 0) continue;
                _inside[y * width + x] = 1;
                Area++;
                (_sumX, _sumY) = (_sumX + x, _sumY + y);
                (left, right) = (Math.Min(left, x), Math.Max(right, x + 1));
                (top, bottom) = (Math.Min(top, y), y + 1);
            }
        if (Area > 0) (Left, Top, Right, Bottom) = (left, top, right, bottom);
    }

    /// <summary>Pixels across.</summary>
    public int Width { get; }
    /// <summary>Pixels down.</summary>
    public int Height { get; }
    /// <summary>Row after row, 1 inside and 0 outside.</summary>
    public ReadOnlySpan<byte> Values => _inside;
    /// <summary>Pixels of the object.</summary>
    public int Area { get; }
    /// <summary>First column of its box.</summary>
    public int Left { get; }
    /// <summary>First row of its box.</summary>
    public int Top { get; }
    /// <summary>The column after its box.</summary>
    public int Right { get; }
    /// <summary>The row below its box.</summary>
    public int Bottom { get; }
    /// <summary>Share of the picture, 0 to 1.</summary>
    public double Share => (double)Area / _inside.Length;
    /// <summary>There is no pixel in it.</summary>
    public bool IsEmpty => Area == 0;
    /// <summary>Mean place of its pixels, fractions from the left and from above; the middle of the picture if it is empty.</summary>
    public PicturePoint Centre => IsEmpty ? new(0.5, 0.5) : new((_sumX / Area + 0.5) / Width, (_sumY / Area + 0.5) / Height);

    /// <summary>The smallest rectangle that holds it; all of the picture if it is empty.</summary>
    public VideoRegion Box => IsEmpty ? new VideoRegion(0, 0, 1, 1)
        : new VideoRegion((double)Left / Width, (double)Top / Height, (double)(Right - Left) / Width, (double)(Bottom - Top) / Height);

    /// <summary>Intersection over union, 0 to 1; 1 for two empty masks.</summary>
    public double Overlap(Mask other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if ((Width, Height) != (other.Width, other.Height)) throw new ArgumentException($"a mask of {other.Width} × {other.Height} beside one of {Width} × {Height}", nameof(other));
        int both = 0;
        for (int i = 0; i < _inside.Length; i++) both += _inside[i] & other._inside[i];
        int either = Area + other.Area - both;
        return either == 0 ? 1 : (double)both / either;
    }

    /// <summary>The pixels whose middles lie inside of a polygon; where it crosses itself, inside and outside take turns.</summary>
    /// <param name="corners">Fractions of the picture.</param>
    /// <param name="width">Pixels across of the mask.</param>
    /// <param name="height">Pixels down of the mask.</param>
    public static Mask OfPolygon(IReadOnlyList<PicturePoint> corners, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(corners);
        var values = new byte[checked(width * height)];
        var crossings = new List<double>();
        for (int row = 0; row < height; row++)
        {
            double y = (row + 0.5) / height;
            crossings.Clear();
            for (int i = 0; i < corners.Count; i++)
            {
                (PicturePoint a, PicturePoint b) = (corners[i], corners[(i + 1) % corners.Count]);
                if (a.Y <= y != b.Y <= y) crossings.Add(a.X + (y - a.Y) / (b.Y - a.Y) * (b.X - a.X));
            }
            crossings.Sort();
            for (int i = 0; i + 1 < crossings.Count; i += 2)
                for (int x = Math.Max(0, (int)Math.Ceiling(crossings[i] * width - 0.5)); x < width && x + 0.5 <= crossings[i + 1] * width; x++)
                    values[row * width + x] = 1;
        }
        return new Mask(width, height, values);
    }

    /// <summary>Grown by a disc: every pixel whose middle is at most <paramref name="radius"/> from that of one of its own.</summary>
    /// <param name="radius">Pixels, from 0 on.</param>
    public Mask Dilate(int radius)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(radius);
        if (radius == 0 || IsEmpty) return this;
        var grown = new byte[_inside.Length];
        for (int dy = -radius; dy <= radius; dy++)
        {
            int reach = (int)Math.Sqrt(radius * radius - dy * dy);
            for (int y = Math.Max(Top, -dy); y < Bottom && y + dy < Height; y++)
            {
                // Runs of the row, each longer by the reach on both sides.
                ReadOnlySpan<byte> row = _inside.AsSpan(y * Width, Width);
                Span<byte> to = grown.AsSpan((y + dy) * Width, Width);
                for (int x = Left; x < Right;)
                {
                    if (row[x] == 0)
                    {
                        x++;
                        continue;
                    }
                    int begin = x;
                    while (x < Right && row[x] != 0) x++;
                    to[Math.Max(0, begin - reach)..Math.Min(Width, x + reach)].Fill(1);
                }
            }
        }
        return new Mask(Width, Height, grown);
    }

    /// <summary>For a picture of another size: each pixel as the nearest one here.</summary>
    public Mask Resize(int width, int height)
    {
        if ((width, height) == (Width, Height)) return this;
        var resized = new byte[checked(width * height)];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                resized[y * width + x] = _inside[(int)((y + 0.5) * Height / height) * Width + (int)((x + 0.5) * Width / width)];
        return new Mask(width, height, resized);
    }

    /// <summary>The values themselves, for those that hand them to native code and leave them alone.</summary>
    internal byte[] Bytes => _inside;
}
