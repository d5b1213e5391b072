namespace ThinkSound.Rendering.Analysis;

/// <summary>Whether places in a sound are heard as seams: how much level and spectrum jump there, against how much they jump anywhere
/// else in the same sound. Without seams a place is as likely above as below the others, so its rank is 0.5 on average.</summary>
internal static class SeamMeter
{
    private const int Bands = 32;
    private const double LowestHz = 60, HighestHz = 16000, FloorDb = -80, Every = 0.1, Apart = 0.3; // Hz, Hz, of full scale, seconds, seconds

    /// <summary>Samples on either side that are compared: 23 ms, in which a click shows, and 186 ms, in which a change of scene does.</summary>
    public static readonly IReadOnlyList<int> Scales = [1024, 8192];

    /// <summary>A jump at one place.</summary>
    /// <param name="LevelDb">Change of the level, without its sign.</param>
    /// <param name="SpectrumDb">Change of the spectrum: root mean square over bands.</param>
    public readonly record struct Jump(double LevelDb, double SpectrumDb);

    /// <summary>One measure of all places of interest.</summary>
    /// <param name="MedianAtJoints">In dB.</param>
    /// <param name="MedianInside">In dB.</param>
    /// <param name="LargestAtJoints">In dB.</param>
    /// <param name="LargestInside">In dB.</param>
    /// <param name="MeanRank">Share of the other places that jump less, over the joints: 0.5 where there are no seams.</param>
    /// <param name="RankLimit">Three standard errors above 0.5: what chance reaches once in 700 times.</param>
    public sealed record Comparison(double MedianAtJoints, double MedianInside, double LargestAtJoints, double LargestInside, double MeanRank, double RankLimit)
    {
        /// <summary>Jumps no more there than chance allows. The limit is below 1 from four joints on.</summary>
        public bool IsUnheard => MeanRank <= RankLimit;
    }

    /// <summary>Level and spectrum at each of <see cref="Scales"/>: compares joints with every place at least 0.3 s from all of
    /// <paramref name="excluded"/>, over all clips together.</summary>
    /// <param name="clips">Stereo, with the same joints.</param>
    /// <param name="joints">Places of interest.</param>
    /// <param name="excluded">These and others, such as cuts of the picture, where a jump is meant.</param>
    public static IReadOnlyDictionary<string, Comparison> Compare(IReadOnlyList<AudioClip> clips, IReadOnlyList<TimeSpan> joints, IReadOnlyList<TimeSpan> excluded)
    {
        var comparisons = new Dictionary<string, Comparison>();
        double[] avoided = [.. excluded.Concat(joints).Select(time => time.TotalSeconds).Order()];
        foreach (int scale in Scales)
        {
            List<Jump> at = [], inside = [];
            foreach (AudioClip clip in clips)
            {
                var meter = new Meter(clip, scale);
                at.AddRange(joints.Select(joint => meter.At((long)Math.Round(joint.TotalSeconds * clip.SampleRate))));
                for (double time = Apart; time < clip.Duration.TotalSeconds - Apart; time += Every)
                    if (!avoided.Any(other => Math.Abs(other - time) < Apart)) inside.Add(meter.At((long)(time * clip.SampleRate)));
            }
            string name = $"{1000.0 * scale / clips[0].SampleRate:0} ms";
            comparisons[$"level, {name}"] = Of([.. at.Select(jump => jump.LevelDb)], [.. inside.Select(jump => jump.LevelDb)]);
            comparisons[$"spectrum, {name}"] = Of([.. at.Select(jump => jump.SpectrumDb)], [.. inside.Select(jump => jump.SpectrumDb)]);
        }
        return comparisons;
    }

    private static Comparison Of(double[] at, double[] inside)
    {
        Array.Sort(at);
        Array.Sort(inside);
        double rank = at.Average(value => (inside.Count(other => other < value) + 0.5 * inside.Count(other => other == value)) / inside.Length);
        return new Comparison(at[at.Length / 2], inside[inside.Length / 2], at[^1], inside[^1], rank, 0.5 + 3 / Math.Sqrt(12.0 * at.Length));
    }

    /// <summary>The transforms of one scale.</summary>
    private sealed class Meter
    {
        private readonly AudioClip _clip;
        private readonly int _size;
        private readonly Fft _fft;
        private readonly double[] _before, _after, _powerBefore, _powerAfter, _window;
        private readonly int[] _edges;

        public Meter(AudioClip clip, int size)
        {
            (_clip, _size, _fft) = (clip, size, new Fft(size));
            (_before, _after, _powerBefore, _powerAfter) = (new double[size], new double[size], new double[size / 2 + 1], new double[size / 2 + 1]);
            _window = [.. Enumerable.Range(0, size).Select(i => 0.5 - 0.5 * Math.Cos(2 * Math.PI * i / size))];
            _edges = [.. Enumerable.Range(0, Bands + 1).Select(i => (int)Math.Round(LowestHz * Math.Pow(HighestHz / LowestHz, (double)i / Bands) * size / clip.SampleRate))];
        }

        public Jump At(long sample)
        {
            int at = (int)Math.Clamp(sample, _size, Math.Max(_size, _clip.Samples - _size));
            for (int i = 0; i < _size; i++) (_before[i], _after[i]) = (_window[i] * Mono(at - _size + i), _window[i] * Mono(at + i));
            _fft.PairPower(_before, _after, _powerBefore, _powerAfter);
            double scale = 16.0 / 3 / ((double)_size * _size); // a sine of amplitude 1 has mean power ½ and sums to 1 here
            double level = Math.Abs(Db(scale * _powerAfter.Sum()) - Db(scale * _powerBefore.Sum())), spectrum = 0;
            int bands = 0;
            for (int band = 0; band < Bands; band++)
            {
                int first = _edges[band], end = Math.Max(first + 1, _edges[band + 1]);
                if (band > 0 && first == _edges[band - 1]) continue; // narrower than a bin
                double change = Db(scale * Sum(_powerAfter, first, end)) - Db(scale * Sum(_powerBefore, first, end));
                spectrum += change * change;
                bands++;
            }
            return new Jump(level, Math.Sqrt(spectrum / bands));
        }

        private double Mono(int sample) => sample >= 0 && sample < _clip.Samples ? 0.5 * (_clip.Channel(0)[sample] + _clip.Channel(1)[sample]) : 0;

        private static double Sum(double[] power, int first, int end)
        {
            double sum = 0;
            for (int k = first; k < end; k++) sum += power[k];
            return sum;
        }

        private static double Db(double power) => Math.Max(FloorDb, 10 * Math.Log10(power + 1e-12));
    }
}
