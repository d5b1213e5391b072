namespace ThinkSound.Reasoning.Onnx.Pictures;

/// <summary>The filters of the processor configurations, under the numbers that their key "resample" has.</summary>
internal enum ResampleFilter
{
    Lanczos = 1,
    Bilinear = 2,
    Bicubic = 3,
}

/// <summary>Separable resampling with antialiasing, as the processors' imaging library does it, to the bit: weights in fixed point with
/// 22 fraction bits, columns before rows, 8 bits in between.</summary>
internal static class Resampler
{
    private const int FractionBits = 32 - 8 - 2;

    public static RgbImage Resize(RgbImage image, int width, int height, ResampleFilter filter)
    {
        if (image.Width != width)
        {
            var taps = Taps.Make(image.Width, width, filter);
            var pixels = new byte[3 * width * image.Height];
            for (int y = 0; y < image.Height; y++)
                taps.Apply(image.Pixels.AsSpan(3 * y * image.Width), pixels.AsSpan(3 * y * width), lanes: 3);
            image = new RgbImage(width, image.Height, pixels);
        }
        if (image.Height != height)
        {
            // A row is one sample of 3 · width lanes.
            var pixels = new byte[3 * width * height];
            Taps.Make(image.Height, height, filter).Apply(image.Pixels, pixels, lanes: 3 * width);
            image = new RgbImage(width, height, pixels);
        }
        return image;
    }

    /// <summary>Which samples an output sample is made of.</summary>
    /// <param name="First">The first of them, for each output.</param>
    /// <param name="Weights">Theirs, for each output.</param>
    private readonly record struct Taps(int[] First, int[][] Weights)
    {
        public static Taps Make(int from, int to, ResampleFilter filter)
        {
            double scale = (double)from / to, stretch = Math.Max(scale, 1), support = Support(filter) * stretch, shrink = 1 / stretch;
            var taps = new Taps(new int[to], new int[to][]);
            for (int i = 0; i < to; i++)
            {
                double center = (i + 0.5) * scale;
                int first = Math.Max(0, (int)(center - support + 0.5)), end = Math.Min(from, (int)(center + support + 0.5));
                var weights = new double[end - first];
                for (int k = 0; k < weights.Length; k++) weights[k] = Weight(filter, (k + first - center + 0.5) * shrink);
                double unit = 1 / weights.Sum();
                taps.First[i] = first;
                taps.Weights[i] = [.. weights.Select(w => (int)(w * unit * (1 << FractionBits) + (w * unit < 0 ? -0.5 : 0.5)))];
            }
            return taps;
        }

        /// <summary>Sums samples of <paramref name="lanes"/> bytes each.</summary>
        public void Apply(ReadOnlySpan<byte> from, Span<byte> to, int lanes)
        {
            var sums = new int[lanes];
            for (int i = 0; i < First.Length; i++)
            {
                Array.Fill(sums, 1 << (FractionBits - 1));
                for (int k = 0; k < Weights[i].Length; k++)
                {
                    int weight = Weights[i][k];
                    ReadOnlySpan<byte> sample = from.Slice((First[i] + k) * lanes, lanes);
                    for (int lane = 0; lane < lanes; lane++) sums[lane] += weight * sample[lane];
                }
                Span<byte> output = to.Slice(i * lanes, lanes);
                for (int lane = 0; lane < lanes; lane++) output[lane] = (byte)Math.Clamp(sums[lane] >> FractionBits, 0, 255);
            }
        }
    }

    private static double Support(ResampleFilter filter) => filter switch
    {
        ResampleFilter.Lanczos => 3,
        ResampleFilter.Bilinear => 1,
        _ => 2,
    };

    private static double Weight(ResampleFilter filter, double x)
    {
        x = Math.Abs(x);
        const double a = -0.5; // the cubic's free parameter
        return filter switch
        {
            ResampleFilter.Bilinear => x < 1 ? 1 - x : 0,
            ResampleFilter.Lanczos => x < 3 ? Sinc(x) * Sinc(x / 3) : 0,
            _ => x < 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0,
        };
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(x * Math.PI) / (x * Math.PI);
}
