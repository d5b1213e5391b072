using System.Globalization;
using ThinkSound.Projects;

namespace ThinkSound.Objects;

/// <summary>How an object is followed. Immutable.</summary>
public sealed record TrackOptions
{
    /// <summary>Longer side of the pictures that are looked at, in pixels, 64 to 1024: more sees smaller things and takes longer.</summary>
    public int MaxSide { get; init; } = 320;

    /// <summary>How often a segmenter that knows objects is asked again; zero never.</summary>
    public TimeSpan CorrectEvery { get; init; } = TimeSpan.FromSeconds(0.5);
}

/// <summary>How far a track is.</summary>
/// <param name="Fraction">0 to 1.</param>
/// <param name="Time">Where in the video it is.</param>
/// <param name="IsSeen">The object is seen there.</param>
public readonly record struct TrackProgress(double Fraction, TimeSpan Time, bool IsSeen);

/// <summary>From a selection to a track: segments the picture that was pointed at, then follows the object from there to the ends of
/// its shot or range, forward and back. Constant memory for any length. One call at a time.</summary>
/// <param name="segmenter">Finds the object in its first picture.</param>
/// <param name="options">How; null takes the defaults.</param>
public sealed class ObjectTracker(ISegmenter segmenter, TrackOptions? options = null)
{
    private const int Chunk = 96, Around = 48, NeighbourStep = 4; // pictures: read back at a time; looked at for motion, each so many
    private const int LeastFrames = 3;                           // of an object that is not lost at once

    private readonly ISegmenter _segmenter = segmenter ?? throw new ArgumentNullException(nameof(segmenter));
    private readonly TrackOptions _options = options ?? new TrackOptions();

    /// <summary>The object's mask in the picture that is pointed at, alone: for a look before it is followed.</summary>
    /// <param name="video">The file.</param>
    /// <param name="selection">What is pointed at.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ArgumentException">It points outside of the picture or the video.</exception>
    /// <exception cref="ObjectException">Nothing stands out there.</exception>
    public Task<Mask> SelectAsync(string video, ObjectSelection selection, CancellationToken cancellationToken = default) =>
        Task.Run(() =>
        {
            var (_, mask, around) = Begin(Open(video, selection, cancellationToken), selection, cancellationToken);
            around?.Dispose();
            return mask;
        }, cancellationToken);

    /// <summary>The object's track.</summary>
    /// <param name="video">The file.</param>
    /// <param name="selection">What is pointed at.</param>
    /// <param name="progress">Told of each picture, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within a picture.</param>
    /// <exception cref="ArgumentException">It points outside of the picture or the video.</exception>
    /// <exception cref="ObjectException">Nothing stands out there, or it is lost at once.</exception>
    /// <exception cref="MediaException">The video cannot be read.</exception>
    /// <exception cref="ResourceNotFoundException">There is no such file.</exception>
    public Task<ObjectTrack> TrackAsync(string video, ObjectSelection selection, IProgress<TrackProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Track(Open(video, selection, cancellationToken), selection, progress, cancellationToken), cancellationToken);

    private FrameReader Open(string video, ObjectSelection selection, CancellationToken cancel)
    {
        ArgumentException.ThrowIfNullOrEmpty(video);
        ArgumentNullException.ThrowIfNull(selection);
        if (_options.MaxSide is < 64 or > 1024) throw new ArgumentOutOfRangeException(nameof(options), _options.MaxSide, "MaxSide is 64 to 1024");
        selection.Check();
        VisionLibrary.EnsureLoaded();
        var reader = new FrameReader(video, _options.MaxSide, cancel);
        selection.CheckTimes(video, reader.Duration);
        return reader;
    }

    /// <summary>The picture that is pointed at, the object in it, and what lies around in its shot, if that says anything.</summary>
    private (StillFrame Frame, Mask Mask, Surroundings? Around) Begin(FrameReader reader, ObjectSelection selection, CancellationToken cancel)
    {
        int at = reader.IndexOf(selection.Time), first = Math.Max(0, at - Around);
        StillFrame[] frames = [.. reader.Read(first, Math.Min(reader.Count, at + Around + 1), cancel)];
        StillFrame frame = frames[at - first];
        (int begin, int end) = (at - first, at - first + 1);
        while (begin > 0 && !ShotCut.Between(frames[begin - 1], frames[begin])) begin--;
        while (end < frames.Length && !ShotCut.Between(frames[end - 1], frames[end])) end++;
        List<StillFrame> before = [], after = []; // the nearest first
        for (int i = at - first - NeighbourStep; i >= begin; i -= NeighbourStep) before.Add(frames[i]);
        for (int i = at - first + NeighbourStep; i < end; i += NeighbourStep) after.Add(frames[i]);
        Surroundings? around = Surroundings.Of(frame, before, after);
        try
        {
            Mask mask = selection.Polygon.Count > 0 ? Mask.OfPolygon(selection.Polygon, frame.Width, frame.Height) : _segmenter.Segment(frame, selection, around, cancel);
            if (mask.IsEmpty)
                throw new ObjectException(string.Create(CultureInfo.InvariantCulture,
                    $"nothing stands out where it is pointed at {selection.Time.TotalSeconds:0.##} s; click on another part of the object, draw a box around it, or choose another moment"));
            return (frame, mask, around);
        }
        catch
        {
            around?.Dispose();
            throw;
        }
    }

    private ObjectTrack Track(FrameReader reader, ObjectSelection selection, IProgress<TrackProgress>? progress, CancellationToken cancel)
    {
        int at = reader.IndexOf(selection.Time);
        int first = selection.Range is { } range ? Math.Min(at, reader.IndexOf(range.Start)) : 0;
        int end = selection.Range is { } stretch ? Math.Max(at + 1, Math.Min(reader.Count, (int)Math.Round(stretch.End.TotalSeconds * ObjectTrack.FramesPerSecond))) : reader.Count;
        var (frame, mask, around) = Begin(reader, selection, cancel);
        BackgroundPlate? plate;
        // A box, an outline and a model that knows objects say where it ends; what moves with it may go on.
        bool isByMotion = selection.Box is null && selection.Polygon.Count == 0 && !_segmenter.CorrectsTracks;
        using (around) plate = around is null || !isByMotion ? null : BackgroundPlate.Of(around, mask);
        if (plate is not null && !plate.Tells(frame, mask))
        {
            plate.Dispose();
            plate = null;
        }
        TrackedFrame initial = Describe(mask, isSeen: true, 1);
        int done = 0;

        using FrameTracker forward = new(frame, mask, plate), back = new(frame, mask, plate?.Clone());
        var run = new Run(this, forward, frame, initial, Tell);
        List<TrackedFrame> after = [];
        bool cutAfter = run.Follow(reader.Read(at + 1, end, cancel), after, at + 1, 1, cancel);
        run = new Run(this, back, frame, initial, Tell);
        List<TrackedFrame> before = []; // the nearest first
        bool cutBefore = false;
        for (int to = at; to > first && !cutBefore; to = Math.Max(first, to - Chunk))
        {
            int from = Math.Max(first, to - Chunk);
            StillFrame[] chunk = [.. reader.Read(from, to, cancel)];
            Array.Reverse(chunk);
            cutBefore = run.Follow(chunk, before, to - 1, -1, cancel);
        }

        before.Reverse();
        List<TrackedFrame> all = [.. before, initial, .. after];
        int seen = all.Count(f => f.IsSeen);
        if (seen < LeastFrames && all.Count >= 2 * LeastFrames)
            throw new ObjectException(string.Create(CultureInfo.InvariantCulture,
                $"the object is lost at once: what is pointed at, at {selection.Time.TotalSeconds:0.##} s, is not found in the pictures beside it; choose a moment at which it is seen clearly, or draw a box around it"));
        return ObjectTrack.Of(at - before.Count, all, frame.Width, frame.Height, selection.Polygon.Count > 0 ? "outline" : _segmenter.Name, cutBefore, cutAfter);

        void Tell(int index, bool isSeen) => progress?.Report(new TrackProgress(Math.Min(1, ++done / (double)Math.Max(1, end - first - 1)), ObjectTrack.TimeOf(index), isSeen));
    }

    private static TrackedFrame Describe(Mask mask, bool isSeen, double score) => new()
    {
        IsSeen = isSeen, X = mask.Centre.X, Y = mask.Centre.Y, Share = mask.Share, Score = Math.Round(score, 3), Runs = isSeen ? RunLengths.Encode(mask) : default,
    };

    /// <summary>One direction of a track.</summary>
    private sealed class Run(ObjectTracker owner, FrameTracker tracker, StillFrame last, TrackedFrame lastSeen, Action<int, bool> tell)
    {
        private readonly int _correctEvery = owner._segmenter.CorrectsTracks ? (int)Math.Round(owner._options.CorrectEvery.TotalSeconds * ObjectTrack.FramesPerSecond) : 0;
        private int _steps;

        /// <summary>Follows until the pictures end or a cut comes; whether one came.</summary>
        public bool Follow(IEnumerable<StillFrame> frames, List<TrackedFrame> into, int index, int step, CancellationToken cancel)
        {
            foreach (StillFrame frame in frames)
            {
                cancel.ThrowIfCancellationRequested();
                if (ShotCut.Between(last, frame)) return true;
                tracker.Advance(frame);
                if (tracker.IsSeen && _correctEvery > 0 && ++_steps % _correctEvery == 0) Correct(frame, cancel);
                if (tracker.IsSeen) lastSeen = Describe(tracker.Current, isSeen: true, tracker.Score);
                TrackedFrame now = tracker.IsSeen ? lastSeen : lastSeen with { IsSeen = false, Score = Math.Round(Math.Max(0, tracker.Score), 3), Runs = default };
                into.Add(now with { CameraX = Math.Round(tracker.Camera.X / frame.Width, 5), CameraY = Math.Round(tracker.Camera.Y / frame.Height, 5) });
                tell(index, tracker.IsSeen);
                index += step;
                last = frame;
            }
            return false;
        }

        private void Correct(StillFrame frame, CancellationToken cancel)
        {
            PicturePoint middle = tracker.Current.Centre;
            var asked = new ObjectSelection { Points = [new ClickPoint(middle.X, middle.Y)], Box = tracker.Current.Box };
            Mask mask = owner._segmenter.Segment(frame, asked, null, cancel);
            if (mask.Overlap(tracker.Current) >= 0.5) tracker.Correct(frame, mask); // else it means another thing
        }
    }
}
