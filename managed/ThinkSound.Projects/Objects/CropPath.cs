using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>Which part of the picture is cut out, picture by picture, in fractions of it. Its size stays, its place may reach out of the
/// picture.</summary>
internal sealed class CropPath
{
    private readonly (double X, double Y)[] _centres;

    private CropPath((double, double)[] centres, (double Width, double Height) size) => (_centres, Size) = (centres, size);

    /// <summary>Fractions of the picture's width and height.</summary>
    public (double Width, double Height) Size { get; }

    public (double Left, double Top, double Width, double Height) At(int frame)
    {
        var (x, y) = _centres[frame];
        return (x - Size.Width / 2, y - Size.Height / 2, Size.Width, Size.Height);
    }

    /// <param name="track">The object.</param>
    /// <param name="view">What is shown.</param>
    /// <param name="aspect">Width of the picture over its height.</param>
    /// <param name="smoothing">Pictures on each side over which the centre is averaged.</param>
    /// <param name="margin">Factor on what the object takes.</param>
    public static CropPath Of(ObjectTrack track, RegionView view, double aspect, int smoothing, double margin)
    {
        int count = track.Frames.Count;
        if (view is RegionView.Without or RegionView.Alone or RegionView.Still) return new CropPath(Enumerable.Repeat((0.5, 0.5), count).ToArray(), (1, 1));
        if (view == RegionView.Crop)
        {
            VideoRegion bounds = track.Bounds();
            (double width, double height) = (Math.Min(1, bounds.Width * margin), Math.Min(1, bounds.Height * margin));
            // Pushed back into the picture where the margin reaches out of it.
            double x = Math.Clamp(bounds.X + bounds.Width / 2, width / 2, 1 - width / 2), y = Math.Clamp(bounds.Y + bounds.Height / 2, height / 2, 1 - height / 2);
            return new CropPath(Enumerable.Repeat((x, y), count).ToArray(), (width, height));
        }
        var centres = new (double X, double Y)[count];
        for (int i = 0; i < count; i++)
        {
            // As many on one side as on the other, or the ends would lag behind.
            int reach = Math.Min(smoothing, Math.Min(i, count - 1 - i));
            for (int k = i - reach; k <= i + reach; k++)
                centres[i] = (centres[i].X + track.Frames[k].X / (2 * reach + 1), centres[i].Y + track.Frames[k].Y / (2 * reach + 1));
        }
        double side = 0; // in heights of the picture
        for (int i = 0; i < count; i++)
        {
            if (track.MaskOf(i) is not { } mask) continue;
            VideoRegion box = mask.Box;
            double across = Math.Max(centres[i].X - box.X, box.X + box.Width - centres[i].X) * aspect, down = Math.Max(centres[i].Y - box.Y, box.Y + box.Height - centres[i].Y);
            side = Math.Max(side, 2 * Math.Max(across, down));
        }
        side = Math.Clamp(side * margin, 0.02, Math.Max(1, aspect));
        return new CropPath(centres, (side / aspect, side));
    }
}
