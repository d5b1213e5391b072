using ThinkSound.Media;

namespace ThinkSound.Projects;

/// <summary>A scene as it usually is, without the object and whatever else moves: made once, when it is first asked for.</summary>
internal sealed class StillScene(string video, ObjectTrack track, double dilation)
{
    private const int Pictures = 16;

    private Scenery? _scenery;

    /// <summary>Of each place of the scene the median over some pictures of the track in which the object is not there, or over all of them where it
    /// always is; as large as what the camera has seen.</summary>
    /// <param name="read">Of pictures of the same size each time.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="MediaException">The video ends before the track does.</exception>
    public Scenery Of(VideoReadOptions read, CancellationToken cancel) => _scenery ??= Make(read, cancel);

    private Scenery Make(VideoReadOptions read, CancellationToken cancel)
    {
        var shots = new List<SceneShot>();
        int count = track.Frames.Count, at = 0;
        using VideoReader reader = VideoReader.Open(video, read, cancel);
        while (at < count && reader.TryRead(out VideoFrame seen))
        {
            (int width, int height) = (seen.Width, seen.Height);
            for (long left = seen.Uses[0].Count; left > 0 && at < count; left--, at++)
            {
                cancel.ThrowIfCancellationRequested();
                if ((long)at * Pictures / count < shots.Count) continue;
                var pixels = new byte[3 * width * height];
                seen.CopyTo(pixels);
                shots.Add(new SceneShot(new Raster(pixels, width, height), Grown(track.MaskOf(at), dilation, width, height), CameraOf(track.Frames[at], width, height)));
            }
        }
        if (at < count) throw IsTooShort(video);
        return Scenery.Of(shots);
    }

    public static MediaException IsTooShort(string video) => new($"{video}: ends before the track of the object does; was it another video?");

    /// <summary>How far the scene lies to the right and down in a picture of that size, in pixels.</summary>
    public static (double X, double Y) CameraOf(TrackedFrame frame, int width, int height) => (frame.CameraX * width, frame.CameraY * height);

    /// <summary>The mask, grown by a part of the root of its area, in the size of a picture; empty if there is none.</summary>
    public static byte[] Grown(Mask? mask, double dilation, int width, int height) =>
        mask is null ? [] : [.. mask.Dilate((int)Math.Round(dilation * Math.Sqrt(mask.Area))).Resize(width, height).Values];
}
