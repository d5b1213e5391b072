namespace ThinkSound.Projects;

/// <summary>A picture of a scene, the object's grown mask in it (empty where it is not seen), and where the scene lies, in pixels to the right
/// and down.</summary>
internal sealed record SceneShot(Raster Picture, byte[] Mask, (double X, double Y) Camera);

/// <summary>What is usually at each place of a scene, as far as a camera has shown it. Immutable.</summary>
internal sealed class Scenery
{
    private const double Widest = 4; // pictures across or down; of a longer way there is one blurred picture, as if the camera had stood

    private readonly Raster _usual;
    private readonly bool[] _isKnown;
    private readonly (int X, int Y) _origin; // of the scene, which is where a camera that stands has the picture's
    private readonly bool _follows;

    private Scenery(Raster usual, bool[] isKnown, (int, int) origin, bool follows, Raster rest) =>
        (_usual, _isKnown, _origin, _follows, Rest) = (usual, isKnown, origin, follows, rest);

    /// <summary>One picture in which nothing happens, of the size of the others: where the camera was half way.</summary>
    public Raster Rest { get; }

    /// <param name="shots">One at least, all of a size.</param>
    public static Scenery Of(IReadOnlyList<SceneShot> shots)
    {
        (int width, int height) = (shots[0].Picture.Width, shots[0].Picture.Height);
        (double low, double high) across = (shots.Min(s => s.Camera.X), shots.Max(s => s.Camera.X)), down = (shots.Min(s => s.Camera.Y), shots.Max(s => s.Camera.Y));
        bool follows = across.high - across.low <= (Widest - 1) * width && down.high - down.low <= (Widest - 1) * height;
        if (!follows) (across, down) = ((0, 0), (0, 0));
        (int X, int Y) origin = ((int)Math.Floor(-across.high), (int)Math.Floor(-down.high));
        int wide = width + (int)Math.Ceiling(-across.low) - origin.X, tall = height + (int)Math.Ceiling(-down.low) - origin.Y;
        var usual = new Raster(new byte[3 * wide * tall], wide, tall);
        var isKnown = new bool[wide * tall];
        Span<byte> sorted = stackalloc byte[shots.Count];
        var places = new Place[shots.Count];
        var chosen = new List<int>();
        for (int i = 0; i < isKnown.Length; i++)
        {
            chosen.Clear();
            bool isFree = false;
            for (int k = 0; k < shots.Count; k++)
            {
                (double X, double Y) camera = follows ? shots[k].Camera : default;
                if (shots[k].Picture.At(i % wide + origin.X + camera.X, i / wide + origin.Y + camera.Y) is not { } place) continue;
                places[k] = place;
                bool isFreeHere = shots[k].Mask.Length == 0 || shots[k].Mask[place.Nearest] == 0;
                if (isFreeHere && !isFree) chosen.Clear(); // what is behind the object, where it is ever seen
                if (isFreeHere || !isFree) chosen.Add(k);
                isFree |= isFreeHere;
            }
            if (!(isKnown[i] = chosen.Count > 0)) continue;
            for (int c = 0; c < 3; c++)
            {
                for (int n = 0; n < chosen.Count; n++) sorted[n] = shots[chosen[n]].Picture.Value(places[chosen[n]], c);
                sorted[..chosen.Count].Sort();
                usual.Pixels[3 * i + c] = sorted[chosen.Count / 2];
            }
        }
        SceneShot middle = shots[shots.Count / 2];
        var made = new Scenery(usual, isKnown, origin, follows, middle.Picture with { Pixels = [.. middle.Picture.Pixels] });
        made.Around(made.Rest, [], middle.Camera);
        return made;
    }

    /// <summary>Puts the scene around what the mask shows; an object that is not seen (no mask) leaves the scene alone. What no picture of the
    /// scene has shown stays.</summary>
    /// <param name="picture">Changed in place.</param>
    /// <param name="inside">1 where the object is; empty where it is not seen.</param>
    /// <param name="camera">Where the scene lies in it.</param>
    public void Around(Raster picture, ReadOnlySpan<byte> inside, (double X, double Y) camera)
    {
        if (!_follows) camera = default;
        for (int i = 0; i < picture.Width * picture.Height; i++)
        {
            if (!inside.IsEmpty && inside[i] != 0) continue;
            if (_usual.At(i % picture.Width - camera.X - _origin.X, i / picture.Width - camera.Y - _origin.Y) is not { } place || !IsKnown(place)) continue;
            for (int c = 0; c < 3; c++) picture.Pixels[3 * i + c] = _usual.Value(place, c);
        }
    }

    private bool IsKnown(Place place) =>
        _isKnown[place.Index] && _isKnown[place.Index + place.Right] && _isKnown[place.Index + place.Down] && _isKnown[place.Index + place.Right + place.Down];
}

/// <summary>RGB, row after row, and what lies between its pixels.</summary>
internal readonly record struct Raster(byte[] Pixels, int Width, int Height)
{
    /// <summary>Where a place lies; null outside.</summary>
    public Place? At(double x, double y)
    {
        (int left, int top) = ((int)Math.Floor(x), (int)Math.Floor(y));
        (float right, float down) = ((float)(x - left), (float)(y - top));
        bool isInside = left >= 0 && top >= 0 && left + (right > 0 ? 1 : 0) < Width && top + (down > 0 ? 1 : 0) < Height;
        return isInside ? new Place(top * Width + left, right > 0 ? 1 : 0, down > 0 ? Width : 0, right, down) : null;
    }

    /// <summary>A channel's value there.</summary>
    public byte Value(Place place, int channel)
    {
        int at = 3 * place.Index + channel;
        float above = Pixels[at], below = Pixels[at + 3 * place.Down];
        above += place.PartRight * (Pixels[at + 3 * place.Right] - above);
        below += place.PartRight * (Pixels[at + 3 * (place.Right + place.Down)] - below);
        return (byte)(above + place.PartDown * (below - above) + 0.5f);
    }
}

/// <summary>Between four pixels: the first of them, the steps to those on its right and below, and how far on the way there.</summary>
internal readonly record struct Place(int Index, int Right, int Down, float PartRight, float PartDown)
{
    /// <summary>The nearest of the four.</summary>
    public int Nearest => Index + (PartRight >= 0.5f ? Right : 0) + (PartDown >= 0.5f ? Down : 0);
}
