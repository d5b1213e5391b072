using ThinkSound.Media;

namespace ThinkSound.Projects;

/// <summary>A scene as it usually is, without the object and whatever else moves: made once, when it is first asked for.</summary>
internal sealed class StillScene(string video, ObjectTrack track, double dilation)
{
    private const int Pictures = 16;

    private (byte[] Pixels, int Width, int Height)? _picture;

    /// <summary>RGB of the size that <paramref name="read"/> gives, the same each time: of each pixel the median over some pictures of the
    /// track in which the object is not there, or over all of them where it always is.</summary>
    /// <exception cref="MediaException">The video ends before the track does.</exception>
    public (byte[] Pixels, int Width, int Height) Picture(VideoReadOptions read, CancellationToken cancel) => _picture ??= Make(read, cancel);

    private (byte[], int, int) Make(VideoReadOptions read, CancellationToken cancel)
    {
        var pictures = new List<byte[]>();
        var masks = new List<byte[]>();
        int count = track.Frames.Count, at = 0, width = 0, height = 0;
        using VideoReader reader = VideoReader.Open(video, read, cancel);
        while (at < count && reader.TryRead(out VideoFrame seen))
        {
            (width, height) = (seen.Width, seen.Height);
            for (long left = seen.Uses[0].Count; left > 0 && at < count; left--, at++)
            {
                cancel.ThrowIfCancellationRequested();
                if ((long)at * Pictures / count < pictures.Count) continue;
                var pixels = new byte[3 * width * height];
                seen.CopyTo(pixels);
                pictures.Add(pixels);
                masks.Add(Grown(track.MaskOf(at), dilation, width, height));
            }
        }
        if (at < count) throw IsTooShort(video);
        var still = new byte[pictures[0].Length];
        Span<byte> sorted = stackalloc byte[Pictures];
        for (int i = 0; i < still.Length / 3; i++)
        {
            bool isEverFree = masks.Exists(mask => mask.Length == 0 || mask[i] == 0);
            for (int c = 0; c < 3; c++)
            {
                int taken = 0;
                for (int k = 0; k < pictures.Count; k++)
                    if (!isEverFree || masks[k].Length == 0 || masks[k][i] == 0) sorted[taken++] = pictures[k][3 * i + c];
                sorted[..taken].Sort();
                still[3 * i + c] = sorted[taken / 2];
            }
        }
        return (still, width, height);
    }

    public static MediaException IsTooShort(string video) => new($"{video}: ends before the track of the object does; was it another video?");

    /// <summary>Puts the scene around what the mask shows; an object that is not seen (no mask) leaves the scene alone.</summary>
    public static void Around(byte[] pixels, byte[] still, ReadOnlySpan<byte> inside)
    {
        for (int i = 0; i < pixels.Length / 3; i++)
            if (inside.IsEmpty || inside[i] == 0) still.AsSpan(3 * i, 3).CopyTo(pixels.AsSpan(3 * i, 3));
    }

    /// <summary>The mask, grown by a part of the root of its area, in the size of a picture; empty if there is none.</summary>
    public static byte[] Grown(Mask? mask, double dilation, int width, int height) =>
        mask is null ? [] : [.. mask.Dilate((int)Math.Round(dilation * Math.Sqrt(mask.Area))).Resize(width, height).Values];
}
