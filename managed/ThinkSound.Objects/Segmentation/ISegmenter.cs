using ThinkSound.Projects;

namespace ThinkSound.Objects;

/// <summary>A picture of a video.</summary>
/// <param name="width">Pixels across.</param>
/// <param name="height">Pixels down.</param>
/// <param name="pixels">RGB, 8 bits each, rows without gaps, top row first: 3 · width · height bytes.</param>
public sealed class StillFrame(int width, int height, byte[] pixels)
{
    /// <summary>Pixels across.</summary>
    public int Width { get; } = width;
    /// <summary>Pixels down.</summary>
    public int Height { get; } = height;
    /// <summary>RGB, 8 bits each, [height, width, 3].</summary>
    public ReadOnlySpan<byte> Pixels => Bytes;

    internal byte[] Bytes { get; } = pixels.Length == 3 * width * height ? pixels
        : throw new ArgumentException($"a picture of {width} × {height} has {3 * width * height} bytes, not {pixels.Length}", nameof(pixels));
}

/// <summary>Finds which pixels belong to an object that is pointed at. Any thread; one call at a time.</summary>
public interface ISegmenter
{
    /// <summary>What it is called in results: "classical", "sam2:" and its files' fingerprint.</summary>
    string Name { get; }

    /// <summary>It knows objects from one picture alone, so a tracker may ask it again to keep a mask true.</summary>
    bool CorrectsTracks { get; }

    /// <summary>Segments.</summary>
    /// <param name="frame">The picture.</param>
    /// <param name="selection">Clicks or a box; polygons are masks already and never asked for.</param>
    /// <param name="around">Pictures of the same shot, before and after, that show what moves; null if there are none.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Of the picture's size; empty if nothing stands out.</returns>
    Mask Segment(StillFrame frame, ObjectSelection selection, Surroundings? around, CancellationToken cancellationToken = default);
}
