namespace ThinkSound.Reasoning.Onnx.Pictures;

/// <summary>A picture, 8 bits a channel: rows from the top, each pixel R, G, B, no gaps.</summary>
internal sealed class RgbImage
{
    public RgbImage(int width, int height, byte[] pixels)
    {
        if (pixels.Length != 3 * width * height) throw new ArgumentException($"{width} × {height} need {3 * width * height} bytes, not {pixels.Length}", nameof(pixels));
        (Width, Height, Pixels) = (width, height, pixels);
    }

    public int Width { get; }
    public int Height { get; }
    public byte[] Pixels { get; }

    public RgbImage Crop(int left, int top, int width, int height)
    {
        var pixels = new byte[3 * width * height];
        for (int y = 0; y < height; y++)
            Pixels.AsSpan(3 * ((top + y) * Width + left), 3 * width).CopyTo(pixels.AsSpan(3 * y * width));
        return new RgbImage(width, height, pixels);
    }

    /// <summary>One frame of a video, copied.</summary>
    public static RgbImage Of(VideoFrames frames, int index)
    {
        var pixels = new byte[3 * frames.Width * frames.Height];
        for (int y = 0; y < frames.Height; y++)
        {
            int start = checked((int)(index * frames.FrameBytes + y * frames.RowBytes));
            frames.Pixels.Span.Slice(start, 3 * frames.Width).CopyTo(pixels.AsSpan(3 * y * frames.Width));
        }
        return new RgbImage(frames.Width, frames.Height, pixels);
    }
}
