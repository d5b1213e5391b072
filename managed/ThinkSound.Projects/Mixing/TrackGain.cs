namespace ThinkSound.Projects;

/// <summary>By what a track's samples are multiplied, sample by sample.</summary>
internal sealed class TrackGain
{
    private readonly double _gain;
    private readonly Curve _level, _pan;
    private readonly (long From, long To, long Fade, double Gain)[] _ducks;

    public TrackGain(Track track, ProjectState state)
    {
        int rate = state.Timeline.SampleRate;
        _gain = ToGain(track.GainDb);
        _level = new Curve(track.LevelDb, rate, ToGain, 1);
        _pan = new Curve(track.Pan, rate, static pan => pan, 0);
        _ducks = [.. from duck in track.Ducks
                     where state.Find(duck.For) is { IsMuted: false }
                     let begin = SampleOf(duck.Range.Start, rate)
                     let end = SampleOf(duck.Range.End, rate)
                     select (begin, end, Math.Min(SampleOf(duck.Fade, rate), (end - begin) / 2), ToGain(-duck.AmountDb))];
    }

    public (double Left, double Right) At(long sample)
    {
        double gain = _gain * _level.At(sample) * DuckAt(sample), pan = _pan.At(sample);
        return pan == 0 ? (gain, gain) : (gain * Math.Sqrt(1 - pan), gain * Math.Sqrt(1 + pan));
    }

    public static double ToGain(double db) => db == 0 ? 1 : Math.Pow(10, db / 20);

    public static long SampleOf(TimeSpan time, int rate) => (long)Math.Round(time.TotalSeconds * rate, MidpointRounding.AwayFromZero);

    /// <summary>Of several at a time, the one that lowers most.</summary>
    private double DuckAt(long sample)
    {
        double lowest = 1;
        foreach (var (from, to, fade, gain) in _ducks)
        {
            if (sample < from || sample >= to) continue;
            long edge = Math.Min(sample - from, to - 1 - sample); // samples to the nearer end
            lowest = Math.Min(lowest, edge >= fade ? gain : 1 + (gain - 1) * ((double)edge / fade));
        }
        return lowest;
    }

    /// <summary>Straight lines between points at whole samples.</summary>
    private sealed class Curve
    {
        private readonly long[] _at;
        private readonly double[] _values;
        private readonly double _otherwise;

        public Curve(IReadOnlyList<AutomationPoint> points, int rate, Func<double, double> toValue, double otherwise)
        {
            _at = [.. points.Select(point => SampleOf(point.Time, rate))];
            _values = [.. points.Select(point => toValue(point.Value))];
            _otherwise = otherwise;
        }

        private int _last; // the segment found last: samples are mostly asked for in order

        public double At(long sample)
        {
            if (_at.Length == 0) return _otherwise;
            if (sample <= _at[0]) return _values[0];
            if (sample >= _at[^1]) return _values[^1];
            if (sample < _at[_last]) _last = 0;
            while (_at[_last + 1] <= sample) _last++;
            double part = (double)(sample - _at[_last]) / (_at[_last + 1] - _at[_last]);
            return _values[_last] + (_values[_last + 1] - _values[_last]) * part;
        }
    }
}
