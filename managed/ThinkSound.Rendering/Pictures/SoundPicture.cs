using SkiaSharp;
using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Rendering.Pictures;

/// <summary>What is written on a picture, and how large it is. Immutable; vary it with <c>with</c>.</summary>
public sealed record PictureOptions
{
    /// <summary>Pixels across, 320 to 16 384.</summary>
    public int Width { get; init; } = 1600;
    /// <summary>Pixels down, 240 to 16 384.</summary>
    public int Height { get; init; } = 900;
    /// <summary>First line, large.</summary>
    public string? Title { get; init; }
    /// <summary>Second line, small.</summary>
    public string? Subtitle { get; init; }
    /// <summary>Moments marked by a line through the picture, such as onsets.</summary>
    public IReadOnlyList<PictureMarker> Markers { get; init; } = [];
}

/// <summary>A moment to mark.</summary>
/// <param name="Time">From the begin of the sound.</param>
/// <param name="Label">Written beside it; null for a line only.</param>
public readonly record struct PictureMarker(TimeSpan Time, string? Label = null);

/// <summary>A picture of a sound: the waveform of each channel above the spectrogram, on one time axis.</summary>
public static class SoundPicture
{
    private const double RangeDb = 80; // from the loudest spot down to black

    /// <summary>Draws the picture and writes it as PNG, completely or not at all.</summary>
    /// <param name="clip">May be empty or silent.</param>
    /// <param name="path">An existing file is replaced.</param>
    /// <param name="options">Null takes the defaults.</param>
    /// <exception cref="OutputException">The file cannot be written.</exception>
    public static void Save(AudioClip clip, string path, PictureOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        AtomicFile.Write(path, ToPng(clip, options), overwrite: true);
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

    private static void Draw(Pen pen, AudioClip clip, PictureOptions options)
    {
        pen.Canvas.Clear(SKColors.White);
        bool hasHeading = options.Title is not null || options.Subtitle is not null;
        float left = 84, right = options.Width - 104, top = hasHeading ? 84 : 28, bottom = options.Height - 56;
        float split = top + 0.28f * (bottom - top);
        var waveform = new SKRect(left, top, right, split - 8);
        var spectrogram = new SKRect(left, split + 8, right, bottom);
        double seconds = clip.Duration.TotalSeconds;

        if (options.Title is { } title) pen.Text(title, left, 36, 20, Pen.Ink, SKTextAlign.Left, right - left);
        if (options.Subtitle is { } subtitle) pen.Text(subtitle, left, 62, 13, Pen.Faint, SKTextAlign.Left, right - left);

        WaveformPanel.Draw(pen, clip, waveform);
        Spectrogram analysed = Spectrogram.Of(clip, Math.Max(1, (int)spectrogram.Width), Math.Max(1, (int)spectrogram.Height),
                                              LowestHz(clip.SampleRate));
        double loudest = Math.Max(-100, Math.Ceiling(analysed.PeakDb() / 10) * 10);
        SpectrogramPanel.Draw(pen, analysed, spectrogram, loudest - RangeDb, loudest);

        foreach (Tick tick in Ticks.Linear(0, seconds, (int)Math.Max(2, (right - left) / 120)))
        {
            float x = left + (float)(seconds > 0 ? tick.Value / seconds : 0) * (right - left);
            pen.Line(x, bottom, x, bottom + 5, Pen.Ink);
            pen.Text(tick.Label, x, bottom + 20, 12, Pen.Ink, SKTextAlign.Center);
        }
        pen.Text("seconds", (left + right) / 2, bottom + 42, 13, Pen.Ink, SKTextAlign.Center);

        foreach (PictureMarker marker in options.Markers)
        {
            double at = seconds > 0 ? marker.Time.TotalSeconds / seconds : -1;
            if (at is < 0 or > 1) continue;
            float x = left + (float)at * (right - left);
            pen.Line(x, top, x, bottom, new SKColor(0, 200, 170, 200), 1.5f);
            if (marker.Label is { } label) pen.Text(label, x + 3, top - 4, 11, Pen.Faint, SKTextAlign.Left);
        }
    }

    private static double LowestHz(int sampleRate) => Math.Min(30, sampleRate / 8.0);
}
