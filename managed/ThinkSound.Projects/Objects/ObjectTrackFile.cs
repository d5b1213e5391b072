using System.Text.Json;
using System.Text.Json.Serialization;

namespace ThinkSound.Projects;

/// <summary>Tracks as JSON in UTF-8: times in seconds, masks as runs in Base64.</summary>
public static class ObjectTrackFile
{
    private const double MostCamera = 1000; // pictures

    /// <summary>The bytes of a track.</summary>
    public static byte[] Write(ObjectTrack track) => JsonSerializer.SerializeToUtf8Bytes(track, TrackJson.Default.ObjectTrack);

    /// <summary>A track of its bytes.</summary>
    /// <param name="json">What <see cref="Write"/> wrote.</param>
    /// <param name="name">Where they are from, for messages.</param>
    /// <exception cref="ProjectException">They are no track.</exception>
    public static ObjectTrack Read(ReadOnlySpan<byte> json, string name)
    {
        try
        {
            ObjectTrack track = JsonSerializer.Deserialize(json, TrackJson.Default.ObjectTrack) ?? throw new FormatException("it is empty");
            if (track is not { Width: > 0 and <= 16384, Height: > 0 and <= 16384, FirstFrame: >= 0, Frames.Count: > 0 }) throw new FormatException("it has no pictures, or of no size");
            for (int i = 0; i < track.Frames.Count; i++)
            {
                TrackedFrame frame = track.Frames[i];
                if (!(frame is { X: >= 0 and <= 1, Y: >= 0 and <= 1, Share: >= 0 and <= 1 })) throw new FormatException($"picture {i} has a place outside of 0 to 1");
                if (!(Math.Abs(frame.CameraX) <= MostCamera && Math.Abs(frame.CameraY) <= MostCamera)) throw new FormatException($"picture {i} has a camera that is more than {MostCamera} pictures away");
                track.MaskOf(i);
            }
            return track;
        }
        catch (Exception e) when (e is JsonException or FormatException or OverflowException)
        {
            throw new ProjectException(ProjectFailure.Damaged, $"{name}: is no track of an object: {e.Message}", e);
        }
    }
}

[JsonSerializable(typeof(ObjectTrack))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = false)]
internal sealed partial class TrackJson : JsonSerializerContext;
