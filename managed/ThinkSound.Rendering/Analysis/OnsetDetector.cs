namespace ThinkSound.Rendering.Analysis;

/// <summary>Where in a sound something begins: peaks of spectral flux. What it finds are the moments at which many bands grow
/// louder within 10 ms, whatever they are: knocks, steps, drops; not what swells or goes on evenly.</summary>
/// <remarks>
/// <para>Log-mel of 64 bands every 5 ms; flux = root mean square over the bands of their rise in 10 ms, each band as loud as its
/// loudest neighbour (a partial that glides into the next band is no onset); onsets are the peaks that exceed the median of ±0.4 s
/// by 0.4 nat, at least 50 ms apart.</para>
/// <para>Source: Böck, Krebs and Schedl, Evaluating the online capabilities of onset detection methods, ISMIR 2012; with the
/// constants of training/scenes/onsets.py, which measures trained models with it. Any thread.</para>
/// </remarks>
public static class OnsetDetector
{
    /// <summary>Values of the flux per second; an onset is known to half of such a step.</summary>
    public const int FramesPerSecond = 200;

    private const int SampleRate = 44100;
    private const double Hop = (double)SampleRate / FramesPerSecond;
    private const int WindowSize = 1024, Bands = 64;
    private const double LowestHz = 40, HighestHz = 16000;
    private const double Floor = 2e-3;                       // added to amplitudes: −54 dB of a full-scale sine
    private const float Margin = 0.4f;                       // nat above the median
    private const int MedianReach = 80, PeakReach = 5;       // frames to either side: 0.4 s, 25 ms
    private const int Apart = FramesPerSecond / 20;          // 50 ms
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(-1); // of the flux's peak after the onset, measured on clicks

    private static readonly double[] Window = Hann();
    private static readonly MelBand[] Bank = MelBands();

    /// <summary>The onsets of a sound, in order; none for silence.</summary>
    /// <param name="clip">Any rate (resampled to 44.1 kHz, which needs the native library) and number of channels.</param>
    public static IReadOnlyList<TimeSpan> Detect(AudioClip clip)
    {
        ArgumentNullException.ThrowIfNull(clip);
        float[] flux = Flux(clip);
        var onsets = new List<TimeSpan>();
        int last = -Apart;
        for (int frame = 0; frame < flux.Length; frame++)
        {
            if (!IsPeak(flux, frame) || frame - last < Apart) continue;
            onsets.Add(frame * TimeSpan.FromSeconds(1.0 / FramesPerSecond) - Delay);
            last = frame;
        }
        return onsets;
    }

    /// <summary>Onset strength, in nat: value n belongs to n / <see cref="FramesPerSecond"/> s.</summary>
    internal static float[] Flux(AudioClip clip)
    {
        if (clip.Samples == 0) return [];
        if (clip.SampleRate != SampleRate) clip = clip.Resample(SampleRate);
        float[][] mel = LogMel(clip);
        var flux = new float[mel.Length];
        for (int frame = 2; frame < mel.Length; frame++)
        {
            double power = 0;
            for (int band = 0; band < Bands; band++)
            {
                double rise = Math.Max(0, WithNeighbours(mel[frame], band) - WithNeighbours(mel[frame - 2], band));
                power += rise * rise;
            }
            flux[frame] = (float)Math.Sqrt(power / Bands);
        }
        return flux;
    }

    private static float WithNeighbours(float[] mel, int band) =>
        Math.Max(mel[band], Math.Max(mel[Math.Max(band - 1, 0)], mel[Math.Min(band + 1, Bands - 1)]));

    private static bool IsPeak(float[] flux, int frame)
    {
        int from = Math.Max(0, frame - PeakReach), to = Math.Min(flux.Length, frame + PeakReach + 1);
        foreach (float near in flux.AsSpan(from, to - from))
            if (near > flux[frame]) return false;
        return flux[frame] > Margin && flux[frame] > Median(flux, frame) + Margin; // the first alone is a quick no
    }

    /// <summary>Of the values around a frame; beyond an end its last value stands.</summary>
    private static float Median(float[] flux, int frame)
    {
        Span<float> around = stackalloc float[2 * MedianReach + 1];
        for (int i = 0; i < around.Length; i++) around[i] = flux[Math.Clamp(frame - MedianReach + i, 0, flux.Length - 1)];
        around.Sort();
        return around[MedianReach];
    }

    /// <summary>Natural logarithm of the bands' amplitudes, averaged over the channels: [frames][64].</summary>
    private static float[][] LogMel(AudioClip clip)
    {
        var mel = new float[(int)(clip.Samples / Hop) + 1][];
        Parallel.For(0, mel.Length, () => new Analyser(clip), (frame, _, analyser) =>
        {
            mel[frame] = analyser.LogMel((int)Math.Round(frame * Hop) - WindowSize / 2); // halves to even, as the original
            return analyser;
        }, static _ => { });
        return mel;
    }

    private static double[] Hann()
    {
        var window = new double[WindowSize];
        for (int i = 0; i < WindowSize; i++) window[i] = 0.5 - 0.5 * Math.Cos(2 * Math.PI * i / (WindowSize - 1));
        return window;
    }

    /// <summary>A triangle over the bins of the transform: weights, which sum to 1, from bin <paramref name="First"/> on.</summary>
    private readonly record struct MelBand(int First, double[] Weights);

    /// <summary>Evenly spaced on the HTK mel scale, 2595 · log10(1 + f/700).</summary>
    private static MelBand[] MelBands()
    {
        double low = 2595 * Math.Log10(1 + LowestHz / 700), high = 2595 * Math.Log10(1 + HighestHz / 700);
        double BinOf(int edge) => 700 * (Math.Pow(10, (low + (high - low) * edge / (Bands + 1)) / 2595) - 1) * WindowSize / SampleRate;
        var bank = new MelBand[Bands];
        for (int band = 0; band < Bands; band++)
        {
            double left = BinOf(band), centre = BinOf(band + 1), right = BinOf(band + 2);
            int first = (int)Math.Ceiling(left), last = (int)Math.Floor(right);
            double[] weights = [.. Enumerable.Range(first, last - first + 1).Select(bin => Math.Max(0, Math.Min((bin - left) / (centre - left), (right - bin) / (right - centre))))];
            double sum = weights.Sum();
            bank[band] = sum < 1e-6 ? new MelBand((int)Math.Round(centre), [1]) // between two bins: the nearer one
                                    : new MelBand(first, [.. weights.Select(weight => weight / sum)]);
        }
        return bank;
    }

    /// <summary>The transforms of one thread.</summary>
    private sealed class Analyser(AudioClip clip)
    {
        private static readonly Fft Fft = new(WindowSize);

        private readonly double[] _left = new double[WindowSize], _right = new double[WindowSize];
        private readonly double[] _leftPower = new double[WindowSize / 2 + 1], _rightPower = new double[WindowSize / 2 + 1];
        private readonly double[] _amplitude = new double[WindowSize / 2 + 1];

        /// <summary>Of the window whose first sample is <paramref name="first"/>, which may lie outside the clip.</summary>
        public float[] LogMel(int first)
        {
            _amplitude.AsSpan().Clear();
            for (int channel = 0; channel < clip.Channels; channel += 2)
            {
                Cut(channel, first, _left);
                Cut(channel + 1, first, _right);
                Fft.PairPower(_left, _right, _leftPower, _rightPower);
                for (int bin = 0; bin < _amplitude.Length; bin++) _amplitude[bin] += Math.Sqrt(_leftPower[bin]) + Math.Sqrt(_rightPower[bin]);
            }
            // A sine of amplitude 1 has 1 in its bin: |X| = amplitude · Σw / 2 = amplitude · size / 4.
            double scale = 4.0 / WindowSize / clip.Channels;
            var mel = new float[Bands];
            for (int band = 0; band < Bands; band++)
            {
                var (firstBin, weights) = Bank[band];
                double amplitude = 0;
                for (int i = 0; i < weights.Length; i++) amplitude += weights[i] * _amplitude[firstBin + i];
                mel[band] = (float)Math.Log(scale * amplitude + Floor);
            }
            return mel;
        }

        /// <summary>A channel's windowed samples, zeros outside the clip; all zeros for a channel that is not there.</summary>
        private void Cut(int channel, int first, double[] into)
        {
            into.AsSpan().Clear();
            if (channel >= clip.Channels) return;
            ReadOnlySpan<float> samples = clip.Channel(channel);
            int from = Math.Clamp(-first, 0, WindowSize), to = Math.Clamp(samples.Length - first, 0, WindowSize);
            for (int i = from; i < to; i++) into[i] = Window[i] * samples[first + i];
        }
    }
}
