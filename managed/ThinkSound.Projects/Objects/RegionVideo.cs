using System.Text.Json.Serialization;
using SkiaSharp;
using ThinkSound.Media;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>How an object is shown to a model.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<RegionView>))]
public enum RegionView
{
    /// <summary>The whole picture, in which nothing happens but the object: outside of the grown mask is what is usually there.</summary>
    Alone,
    /// <summary>Everything outside of the grown mask is black, and the crop goes with the object.</summary>
    Masked,
    /// <summary>One rectangle that holds the object at all times, as it is.</summary>
    Crop,
    /// <summary>The whole picture, with the grown mask black: what is there without the object.</summary>
    Without,
    /// <summary>The whole picture, in which nothing happens: what is usually there, and the object only where it never moves away.</summary>
    Still,
}

/// <summary>What is shown and for how long. Immutable.</summary>
public sealed record RegionOptions
{
    /// <summary>How.</summary>
    public RegionView View { get; init; } = RegionView.Alone;

    /// <summary>How far the mask is grown, in fractions of its size (the root of its area), 0 to 2.</summary>
    public double Dilation { get; init; } = 0.1;

    /// <summary>Longest side of the pictures, 32 to 1024 pixels.</summary>
    public int MaxSide { get; init; } = 320;

    /// <summary>Shortest video; the last picture of a shorter track stays.</summary>
    public TimeSpan Least { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>The video of one object, from when it is first seen to when it is last seen: what vision towers, recognisers and chat
/// models are shown. Lossless, 24 pictures a second, so that picture n of it is picture n of the track.</summary>
/// <remarks>What is usually there, for <see cref="RegionView.Alone"/> and <see cref="RegionView.Still"/>, is the median of sixteen pictures in which the object is elsewhere; where
/// it never is, of all of them. It moves with the camera, as the track tells it.
/// The crop of <see cref="RegionView.Masked"/> is a square about the mean of the object's places within a second around, large
/// enough for the object wherever it is in that time. So it goes along with what travels, and what bounces, swings or knocks is still
/// seen to move.</remarks>
public static class RegionVideo
{
    private const int Smoothing = (int)ObjectTrack.FramesPerSecond / 2; // pictures on each side
    private const double Margin = 1.1;
    private static readonly SKPngEncoderOptions Quick = new(SKPngEncoderFilterFlags.Sub, zLibLevel: 1); // it is read once or twice, then deleted

    /// <summary>Writes it.</summary>
    /// <param name="video">The file that the track is of.</param>
    /// <param name="track">The object.</param>
    /// <param name="path">An AVI file to make; one that is there is replaced.</param>
    /// <param name="options">How; null takes the defaults.</param>
    /// <param name="progress">Told the part that is done.</param>
    /// <param name="cancellationToken">Stops within a picture, and leaves nothing.</param>
    /// <returns>Its length.</returns>
    /// <exception cref="ProjectException">It cannot be written.</exception>
    /// <exception cref="MediaException">The video cannot be read.</exception>
    public static TimeSpan Write(string video, ObjectTrack track, string path, RegionOptions? options = null, Action<double>? progress = null,
                                 CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(video);
        ArgumentNullException.ThrowIfNull(track);
        options ??= new RegionOptions();
        return Write(video, track, path, options, new StillScene(video, track, options.Dilation), progress, cancellationToken);
    }

    /// <summary>Several views of one track share what is usually there.</summary>
    internal static TimeSpan Write(string video, ObjectTrack track, string path, RegionOptions options, StillScene scene, Action<double>? progress,
                                   CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (options.Dilation is not (>= 0 and <= 2)) throw new ArgumentOutOfRangeException(nameof(options), options.Dilation, "Dilation is 0 to 2");
        if (options.MaxSide is < 32 or > 1024) throw new ArgumentOutOfRangeException(nameof(options), options.MaxSide, "MaxSide is 32 to 1024");
        if (track.Frames.Count == 0) throw new ArgumentException("the track has no pictures", nameof(track));
        MediaInfo media = MediaInfo.Open(video, cancellationToken);
        if (media.Video is not { } stream) throw new MediaException($"{video}: no video in it");
        var crops = CropPath.Of(track, options.View, (double)stream.Width / Math.Max(1, stream.Height), Smoothing, Margin);
        try
        {
            return Write(video, stream, track, crops, path, options, scene, progress, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ProjectException(ProjectFailure.CannotWrite, $"{path}: cannot be written: {e.Message}", e);
        }
    }

    private static TimeSpan Write(string video, StreamInfo stream, ObjectTrack track, CropPath crops, string path, RegionOptions options, StillScene scene,
                                  Action<double>? progress, CancellationToken cancel)
    {
        // The crop at the source's own sharpness, up to MaxSide.
        (double across, double down) = crops.Size;
        double longer = Math.Max(across * stream.Width, down * stream.Height), scale = Math.Min(1, options.MaxSide / longer);
        int width = Even(across * stream.Width * scale), height = Even(down * stream.Height * scale);
        int count = Math.Max(track.Frames.Count, (int)Math.Ceiling(options.Least.TotalSeconds * ObjectTrack.FramesPerSecond));
        var read = new VideoReadOptions
        {
            Rates = [new FrameRate(ObjectTrack.FramesPerSecond, track.Frames.Count)], Start = track.Start,
            MaxSide = Math.Max(32, (int)Math.Ceiling(Math.Max(stream.Width, stream.Height) * scale)),
        };
        Scenery? scenery = options.View is RegionView.Alone or RegionView.Still ? scene.Of(read, cancel) : null;
        using var file = new AviFile(path, width, height, (int)ObjectTrack.FramesPerSecond);
        byte[] png = [];
        int at = 0;
        if (options.View == RegionView.Still) png = ToPng(scenery!.Rest.Pixels, scenery.Rest.Width, scenery.Rest.Height, crops.At(0), width, height); // of all pictures
        else
        {
            using VideoReader reader = VideoReader.Open(video, read, cancel);
            while (at < track.Frames.Count && reader.TryRead(out VideoFrame seen))
            {
                var pixels = new byte[3 * seen.Width * seen.Height];
                for (long left = seen.Uses[0].Count; left > 0 && at < track.Frames.Count; left--, at++)
                {
                    cancel.ThrowIfCancellationRequested();
                    seen.CopyTo(pixels);
                    if (options.View == RegionView.Alone)
                        scenery!.Around(new Raster(pixels, seen.Width, seen.Height), StillScene.Grown(track.MaskOf(at), options.Dilation, seen.Width, seen.Height),
                                        StillScene.CameraOf(track.Frames[at], seen.Width, seen.Height));
                    else if (options.View != RegionView.Crop) Blacken(pixels, seen.Width, seen.Height, track.MaskOf(at), options);
                    png = ToPng(pixels, seen.Width, seen.Height, crops.At(at), width, height);
                    file.Add(png);
                    progress?.Invoke((double)(at + 1) / count);
                }
            }
            if (at < track.Frames.Count) throw StillScene.IsTooShort(video);
        }
        for (; at < count; at++)
        {
            cancel.ThrowIfCancellationRequested();
            file.Add(png);
        }
        file.Finish();
        return TimeSpan.FromSeconds(count / ObjectTrack.FramesPerSecond);
    }

    private static int Even(double pixels) => Math.Max(16, 2 * (int)Math.Round(pixels / 2)); // encoders and towers like even sides

    /// <summary>Not seen, an object has no mask: all of it is black under <see cref="RegionView.Masked"/>, nothing under <see cref="RegionView.Without"/>.</summary>
    private static void Blacken(byte[] pixels, int width, int height, Mask? mask, RegionOptions options)
    {
        ReadOnlySpan<byte> inside = StillScene.Grown(mask, options.Dilation, width, height);
        byte black = options.View == RegionView.Masked ? (byte)0 : (byte)1;
        for (int i = 0; i < width * height; i++)
            if ((inside.IsEmpty ? 0 : inside[i]) == black) pixels.AsSpan(3 * i, 3).Clear();
    }

    private static byte[] ToPng(byte[] pixels, int width, int height, (double Left, double Top, double Width, double Height) crop, int outWidth, int outHeight)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Rgba.Fill(bitmap.GetPixelSpan(), pixels);
        using var part = new SKBitmap(new SKImageInfo(outWidth, outHeight, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using (var canvas = new SKCanvas(part))
        using (SKImage image = SKImage.FromBitmap(bitmap))
        {
            canvas.Clear(SKColors.Black); // what lies beyond the picture's edge
            var source = new SKRect((float)(crop.Left * width), (float)(crop.Top * height), (float)((crop.Left + crop.Width) * width), (float)((crop.Top + crop.Height) * height));
            float sx = outWidth / source.Width, sy = outHeight / source.Height;
            canvas.SetMatrix(SKMatrix.CreateScale(sx, sy).PreConcat(SKMatrix.CreateTranslation(-source.Left, -source.Top)));
            canvas.DrawImage(image, 0, 0, new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        }
        using SKData data = part.PeekPixels()!.Encode(Quick)!;
        return data.ToArray();
    }
}
