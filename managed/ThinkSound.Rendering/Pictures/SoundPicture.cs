using SkiaSharp;
using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Rendering.Pictures;

/// <summary>A picture of a sound: frames of its video, marks, the waveform of each channel and the spectrogram, one below the
/// other on one time axis, so that one sees whether picture and sound agree.</summary>
public static class SoundPicture
{
    private const double RangeDb = 80; // from the loudest spot down to black
    private const float LeftMargin = 84, RightMargin = 104, BottomMargin = 56, Gap = 8;
    private const float StripShare = 0.16f, WaveformShare = 0.28f; // of the height that they share with the spectrogram

    /// <summary>Draws the picture and writes it as PNG, completely or not at all.</summary>
    /// <param name="clip">May be empty or silent.</param>
    /// <param name="path">An existing file is replaced.</param>
    /// <param name="options">Null takes the defaults.</param>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Save(AudioClip clip, string path, PictureOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        OutputFile.Write(path, ToPng(clip, options), overwrite: true);
    }

    /// <summary>Draws the picture; the bytes of a PNG file.</summary>
    public static byte[] ToPng(AudioClip clip, PictureOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(clip);
        options ??= new PictureOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Width, 320, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Height, 240, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Width, 16384, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Height, 16384, nameof(options));

        var info = new SKImageInfo(options.Width, options.Height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var bitmap = new SKBitmap(info);
        using (var canvas = new SKCanvas(bitmap))
        using (var pen = new Pen(canvas))
            Draw(pen, clip, options);
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return png.ToArray();
    }

    /// <summary>Where frames are drawn, as high as they may be.</summary>
    internal static SKRect StripArea(PictureOptions options)
    {
        float top = Top(options), bottom = options.Height - BottomMargin;
        return new SKRect(LeftMargin, top, options.Width - RightMargin, top + StripShare * (bottom - top));
    }

    private static float Top(PictureOptions options) => options.Title is not null || options.Subtitle is not null ? 84 : 28;

    private static void Draw(Pen pen, AudioClip clip, PictureOptions options)
    {
        pen.Canvas.Clear(SKColors.White);
        var axis = new TimeAxis(LeftMargin, options.Width - RightMargin, clip.Duration.TotalSeconds);
        if (options.Title is { } title) pen.Text(title, axis.Left, 36, 20, Pen.Ink, SKTextAlign.Left, axis.Width);
        if (options.Subtitle is { } subtitle) pen.Text(subtitle, axis.Left, 62, 13, Pen.Faint, SKTextAlign.Left, axis.Width);

        float marks = options.Frames.Count > 0 ? FilmStripPanel.Draw(pen, options.Frames, StripArea(options)) : Top(options);
        float top = marks + options.Marks.Count * MarksPanel.RowHeight + (options.Frames.Count > 0 ? Gap : 0);
        float bottom = options.Height - BottomMargin, split = top + WaveformShare * (bottom - top);
        WaveformPanel.Draw(pen, clip, new SKRect(axis.Left, top, axis.Right, split - Gap));
        var area = new SKRect(axis.Left, split + Gap, axis.Right, bottom);
        Spectrogram spectrogram = Spectrogram.Of(clip, Math.Max(1, (int)area.Width), Math.Max(1, (int)area.Height), LowestHz(clip.SampleRate));
        double loudest = Math.Max(-100, Math.Ceiling(spectrogram.PeakDb() / 10) * 10);
        SpectrogramPanel.Draw(pen, spectrogram, area, loudest - RangeDb, loudest);
        axis.Draw(pen, bottom);
        MarksPanel.Draw(pen, options.Marks, axis, marks, bottom);
    }

    private static double LowestHz(int sampleRate) => Math.Min(30, sampleRate / 8.0);
}
