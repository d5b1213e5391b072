using ThinkSound.Media;

namespace ThinkSound.Reasoning.Recogniser;

/// <summary>Measures <see cref="PictureFacts"/> on frames that are given one after the other, each as <see cref="LumaTiles"/>.</summary>
internal sealed class MotionMeter
{
    /// <summary>Values of <see cref="PictureFacts.Motion"/> a second.</summary>
    public const int Rate = 24;

    /// <summary>Least change of a tile that is motion, in levels of 255.</summary>
    public const double TileMoves = 1.5;

    private const double LongestStep = 0.2;                         // seconds before a frame in which its change can have happened
    private const double LeastTravel = 0.15, LeastCorrelation = 0.5;

    private readonly List<Step> _steps = [];
    private readonly List<TimeSpan> _cuts = [];
    private float[]? _last;
    private double _lastTime, _brightness;
    private int _frames;

    /// <summary>The next frame.</summary>
    /// <param name="frame">RGB, 8 bits each; columns and rows as of the first.</param>
    /// <param name="rowBytes">From row to row.</param>
    /// <param name="width">Pixels across.</param>
    /// <param name="height">Pixels down.</param>
    /// <param name="time">Seconds from the begin, after that of the frame before.</param>
    public void Add(ReadOnlySpan<byte> frame, int rowBytes, int width, int height, double time)
    {
        float[] tiles = LumaTiles.Of(frame, rowBytes, width, height);
        _brightness += tiles.Average() / 255;
        _frames++;
        if (_last is not null && time > _lastTime) Compare(_last, tiles, LumaTiles.Columns(width), time);
        (_last, _lastTime) = (tiles, time);
    }

    /// <summary>What it came to.</summary>
    public PictureFacts Finish(TimeSpan watched)
    {
        var motion = new double[Math.Max(1, (int)Math.Round(watched.TotalSeconds * Rate))];
        foreach (Step step in _steps)
        {
            // As if the change had come evenly: per 24th of a second, whatever the distance of the frames.
            double perCell = step.Energy / Math.Max(1, (step.To - step.From) * Rate);
            int first = (int)Math.Round(step.From * Rate), end = Math.Max(first + 1, (int)Math.Round(step.To * Rate));
            for (int cell = first; cell < end && cell < motion.Length; cell++) motion[cell] = Math.Max(motion[cell], perCell);
        }
        double total = _steps.Sum(step => step.Energy);
        return new PictureFacts
        {
            Frames = _frames,
            Watched = watched,
            Brightness = _frames > 0 ? _brightness / _frames : 0,
            Motion = motion,
            MovingShare = (double)motion.Count(value => value > 0) / motion.Length,
            Moving = _steps.Count == 0 ? null : new TimeRange(TimeSpan.FromSeconds(_steps[0].From), TimeSpan.FromSeconds(Math.Min(_steps[^1].To, watched.TotalSeconds))),
            Area = _steps.Count == 0 ? 0 : _steps.Average(step => step.Area),
            Place = total > 0 ? (_steps.Sum(step => step.Energy * step.X) / total, _steps.Sum(step => step.Energy * step.Y) / total) : (0.5, 0.5),
            Travel = Travel(total),
            Cuts = [.. _cuts],
            Period = Period.Find(motion, Rate),
        };
    }

    private void Compare(float[] before, float[] now, int columns, double time)
    {
        if (LumaTiles.IsCut(before, now))
        {
            _cuts.Add(TimeSpan.FromSeconds(time));
            return;
        }
        double energy = 0, x = 0, y = 0;
        int moving = 0, rows = now.Length / columns;
        for (int tile = 0; tile < now.Length; tile++)
        {
            double change = Math.Abs(now[tile] - before[tile]);
            if (change < TileMoves) continue;
            moving++;
            energy += change;
            x += change * (tile % columns + 0.5) / columns;
            y += change * (tile / columns + 0.5) / rows;
        }
        if (moving > 0)
            _steps.Add(new Step(Math.Max(_lastTime, time - LongestStep), time, energy / now.Length, x / energy, y / energy, (double)moving / now.Length));
    }

    /// <summary>The line through the middles of the motion, from its first to its last moment.</summary>
    private double Travel(double total)
    {
        if (_steps.Count < 3) return 0;
        double time = _steps.Sum(step => step.Energy * step.To) / total, place = _steps.Sum(step => step.Energy * step.X) / total;
        double tt = _steps.Sum(step => step.Energy * (step.To - time) * (step.To - time));
        double xx = _steps.Sum(step => step.Energy * (step.X - place) * (step.X - place));
        double tx = _steps.Sum(step => step.Energy * (step.To - time) * (step.X - place));
        if (tt * xx < 1e-12 || Math.Abs(tx) < LeastCorrelation * Math.Sqrt(tt * xx)) return 0;
        double travel = tx / tt * (_steps[^1].To - _steps[0].To);
        return Math.Abs(travel) >= LeastTravel ? travel : 0;
    }

    /// <summary>What changed between two frames.</summary>
    private readonly record struct Step(double From, double To, double Energy, double X, double Y, double Area);
}
