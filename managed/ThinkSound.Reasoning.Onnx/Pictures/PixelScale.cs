namespace ThinkSound.Reasoning.Onnx.Pictures;

/// <summary>From 8 bits to what a vision encoder reads: (byte · factor − mean) / deviation, in f32, channel by channel.</summary>
internal sealed class PixelScale
{
    private readonly float[][] _values = new float[3][];

    public PixelScale(double factor, ReadOnlySpan<float> mean, ReadOnlySpan<float> deviation)
    {
        for (int c = 0; c < 3; c++)
        {
            _values[c] = new float[256];
            for (int v = 0; v < 256; v++) _values[c][v] = ((float)(v * factor) - mean[c]) / deviation[c];
        }
    }

    public float this[int channel, byte value] => _values[channel][value];

    /// <summary>Writes a picture as <paramref name="planes"/> [3, height, width].</summary>
    public void WritePlanes(RgbImage image, Span<float> planes)
    {
        int size = image.Width * image.Height;
        for (int c = 0; c < 3; c++)
        {
            float[] values = _values[c];
            Span<float> plane = planes.Slice(c * size, size);
            for (int i = 0; i < size; i++) plane[i] = values[image.Pixels[3 * i + c]];
        }
    }
}
