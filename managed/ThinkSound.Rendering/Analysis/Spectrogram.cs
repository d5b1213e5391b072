namespace ThinkSound.Rendering.Analysis;

/// <summary>Power of a sound over time and frequency, in dB: short-time Fourier transform with a Hann window, on rows of
/// equal width in log-frequency. 0 dB is a sine of amplitude 1; channels are averaged by power.</summary>
public sealed class Spectrogram
{
    /// <summary>What silence is counted as.</summary>
    public const float SilenceDb = -160;

    // 46 ms at 44.1 kHz: short enough to show onsets, long enough to separate 50 Hz hum from 100 Hz. The transform is twice
    // as long, so that the low rows, which lie closer together than its bins, are read from a finer curve.
    private const int WindowSize = 2048, TransformSize = 2 * WindowSize;

    private readonly float[] _db; // [Rows, Columns]

    private Spectrogram(int rows, int columns, double lowestHz, double highestHz, TimeSpan duration, float[] db) =>
        (Rows, Columns, LowestHz, HighestHz, Duration, _db) = (rows, columns, lowestHz, highestHz, duration, db);

    /// <summary>Bands, from the lowest frequency up.</summary>
    public int Rows { get; }
    /// <summary>Points in time.</summary>
    public int Columns { get; }
    /// <summary>Lower edge of row 0.</summary>
    public double LowestHz { get; }
    /// <summary>Upper edge of the last row.</summary>
    public double HighestHz { get; }
    /// <summary>Of the whole sound; a column is <see cref="Duration"/> / <see cref="Columns"/> wide.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Power in dB, not below <see cref="SilenceDb"/>.</summary>
    public float this[int row, int column] => _db[row * Columns + column];

    /// <summary>Centre of a row.</summary>
    public double FrequencyOf(int row) => Edge(row + 0.5);

    /// <summary>The largest value.</summary>
    public float PeakDb() => _db.Max();

    /// <summary>Analyses a clip.</summary>
    /// <param name="clip">Any rate and number of channels; may be empty.</param>
    /// <param name="columns">Points in time, at least 1. Where a column is longer than half a window, the loudest of several
    /// transforms counts, so that no click falls between two of them.</param>
    /// <param name="rows">Bands, at least 1.</param>
    /// <param name="lowestHz">Above 0; half the sample rate is the upper end.</param>
    public static Spectrogram Of(AudioClip clip, int columns, int rows, double lowestHz = 30)
    {
        ArgumentNullException.ThrowIfNull(clip);
        ArgumentOutOfRangeException.ThrowIfLessThan(columns, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lowestHz);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(lowestHz, clip.SampleRate / 2.0);
        var result = new Spectrogram(rows, columns, lowestHz, clip.SampleRate / 2.0, clip.Duration, new float[rows * columns]);
        double samplesPerColumn = (double)clip.Samples / columns;
        int framesPerColumn = Math.Max(1, (int)Math.Ceiling(samplesPerColumn / (WindowSize / 2)));
        Parallel.For(0, columns, () => new Analyser(clip), (column, _, analyser) =>
        {
            analyser.Power.AsSpan().Clear();
            for (int frame = 0; frame < framesPerColumn; frame++)
                analyser.Add((column + (frame + 0.5) / framesPerColumn) * samplesPerColumn);
            result.Fill(column, analyser.Power, clip.SampleRate);
            return analyser;
        }, static _ => { });
        return result;
    }

    private double Edge(double row) => LowestHz * Math.Pow(HighestHz / LowestHz, row / Rows);

    private void Fill(int column, double[] power, int sampleRate)
    {
        double binHz = (double)sampleRate / TransformSize;
        for (int row = 0; row < Rows; row++)
        {
            double low = Edge(row) / binHz, high = Edge(row + 1) / binHz;
            double value;
            if (high - low < 1)
            {
                double centre = Math.Min((low + high) / 2, power.Length - 1);
                int below = Math.Min((int)centre, power.Length - 2);
                value = power[below] + (centre - below) * (power[below + 1] - power[below]);
            }
            else
            {
                // Several bins fall into the row: the strongest is what an ear would pick out.
                int first = (int)Math.Ceiling(low), last = Math.Min((int)high, power.Length - 1);
                value = 0;
                for (int bin = first; bin <= last; bin++) value = Math.Max(value, power[bin]);
            }
            _db[row * Columns + column] = value > 0 ? Math.Max(SilenceDb, (float)(10 * Math.Log10(value))) : SilenceDb;
        }
    }

    /// <summary>The transforms of one thread: the power of each bin, the largest of what was added.</summary>
    private sealed class Analyser(AudioClip clip)
    {
        private static readonly Fft Fft = new(TransformSize);
        private static readonly double[] Window = Hann();

        private readonly double[] _real = new double[TransformSize], _imaginary = new double[TransformSize];
        private readonly double[] _frame = new double[TransformSize / 2 + 1];
        private readonly double[] _left = new double[TransformSize / 2 + 1], _right = new double[TransformSize / 2 + 1];

        public double[] Power { get; } = new double[TransformSize / 2 + 1];

        public void Add(double centre)
        {
            long first = (long)Math.Round(centre) - WindowSize / 2;
            _frame.AsSpan().Clear();
            for (int channel = 0; channel < clip.Channels; channel += 2) AddPair(channel, first);
            for (int bin = 0; bin < _frame.Length; bin++) Power[bin] = Math.Max(Power[bin], _frame[bin] / clip.Channels);
        }

        private void AddPair(int channel, long first)
        {
            bool hasSecond = channel + 1 < clip.Channels;
            ReadOnlySpan<float> left = clip.Channel(channel), right = hasSecond ? clip.Channel(channel + 1) : default;
            _real.AsSpan().Clear();
            _imaginary.AsSpan().Clear();
            int from = (int)Math.Clamp(-first, 0, WindowSize), to = (int)Math.Clamp(clip.Samples - first, 0, WindowSize);
            for (int i = from; i < to; i++)
            {
                _real[i] = Window[i] * left[(int)(first + i)];
                if (hasSecond) _imaginary[i] = Window[i] * right[(int)(first + i)];
            }
            Fft.PairPower(_real, _imaginary, _left, _right);
            for (int bin = 0; bin < _frame.Length; bin++) _frame[bin] += _left[bin] + _right[bin];
        }

        /// <summary>Scaled so that a sine of amplitude 1 has power 1 in its bin: |X| = amplitude · Σw / 2.</summary>
        private static double[] Hann()
        {
            var window = new double[WindowSize];
            for (int i = 0; i < WindowSize; i++) window[i] = 0.5 - 0.5 * Math.Cos(2 * Math.PI * (i + 0.5) / WindowSize);
            double scale = 2 / window.Sum();
            for (int i = 0; i < WindowSize; i++) window[i] *= scale;
            return window;
        }
    }
}
