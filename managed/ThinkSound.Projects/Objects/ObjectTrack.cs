using System.Text.Json.Serialization;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>An object in one picture of its track.</summary>
public sealed record TrackedFrame
{
    /// <summary>It is seen; else the place and size are those of the last time.</summary>
    [JsonPropertyName("seen")]
    public bool IsSeen { get; init; }

    /// <summary>Its middle, from the left, 0 to 1.</summary>
    public double X { get; init; }

    /// <summary>Its middle, from above, 0 to 1.</summary>
    public double Y { get; init; }

    /// <summary>Its share of the picture, 0 to 1.</summary>
    public double Share { get; init; }

    /// <summary>How sure that is, up to 1.</summary>
    public double Score { get; init; }

    /// <summary>How far the scene lies from where it lay in the picture that was pointed at, to the right, in widths of the picture: what the camera
    /// did. 0 where it stood still, or nobody knows.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double CameraX { get; init; }

    /// <summary>The same downwards, in heights.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double CameraY { get; init; }

    /// <summary>Its mask as runs: see <see cref="ObjectTrack.MaskOf"/>. Empty where it is not seen.</summary>
    [JsonPropertyName("mask")]
    public ReadOnlyMemory<byte> Runs { get; init; }
}

/// <summary>What happens to a track.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TrackEventKind>))]
public enum TrackEventKind
{
    /// <summary>A cut before which it is not followed.</summary>
    [JsonStringEnumMemberName("cut_before")] CutBefore,
    /// <summary>It is first seen.</summary>
    [JsonStringEnumMemberName("appears")] Appears,
    /// <summary>It is not found any more.</summary>
    [JsonStringEnumMemberName("lost")] Lost,
    /// <summary>It is found again.</summary>
    [JsonStringEnumMemberName("found")] Found,
    /// <summary>A cut beyond which it is not followed.</summary>
    [JsonStringEnumMemberName("cut_after")] CutAfter,
}

/// <summary>What happens to a track, and when.</summary>
/// <param name="Kind">What.</param>
/// <param name="Time">From the begin of the video.</param>
public readonly record struct TrackEvent(TrackEventKind Kind, [property: JsonPropertyName("time_s"), JsonConverter(typeof(SecondsConverter))] TimeSpan Time);

/// <summary>Where an object is, 24 pictures a second, from when it is first seen to when it is last seen in its shot. Immutable.</summary>
public sealed record ObjectTrack
{
    /// <summary>Pictures a second, of every track.</summary>
    public const double FramesPerSecond = 24; // what Synchformer watches

    private const int PositionStep = 6;

    /// <summary>Which picture of the video is the first here: number n is what is shown at n / 24 s.</summary>
    public int FirstFrame { get; init; }

    /// <summary>Pixels across of the masks.</summary>
    public int Width { get; init; }

    /// <summary>Pixels down of the masks.</summary>
    public int Height { get; init; }

    /// <summary>Who found the object: <see cref="ObjectTrajectory.Segmenter"/>.</summary>
    public string Segmenter { get; init; } = "";

    /// <summary>Picture by picture; the first and the last are seen.</summary>
    public IReadOnlyList<TrackedFrame> Frames { get; init; } = [];

    /// <summary>What happened, by its time.</summary>
    public IReadOnlyList<TrackEvent> Events { get; init; } = [];

    /// <summary>When it is first seen, from the begin of the video.</summary>
    [JsonIgnore]
    public TimeSpan Start => TimeOf(FirstFrame);

    /// <summary>When the last picture that shows it ends.</summary>
    [JsonIgnore]
    public TimeSpan End => TimeOf(FirstFrame + Frames.Count);

    /// <summary>From <see cref="Start"/> to <see cref="End"/>.</summary>
    [JsonIgnore]
    public TimeSpan Duration => End - Start;

    /// <summary>The part of the time in which it is seen, 0 to 1.</summary>
    [JsonIgnore]
    public double SeenShare => Frames.Count == 0 ? 0 : (double)Frames.Count(frame => frame.IsSeen) / Frames.Count;

    /// <summary>The mask of a picture; null where it is not seen.</summary>
    /// <param name="index">0 is the first of the track.</param>
    /// <exception cref="FormatException">The runs are damaged.</exception>
    public Mask? MaskOf(int index) => Frames[index].IsSeen ? RunLengths.Decode(Frames[index].Runs.Span, Width, Height) : null;

    /// <summary>The smallest rectangle that holds it in every picture.</summary>
    public VideoRegion Bounds()
    {
        double left = 1, top = 1, right = 0, bottom = 0;
        for (int i = 0; i < Frames.Count; i++)
        {
            if (MaskOf(i) is not { } mask) continue;
            VideoRegion box = mask.Box;
            (left, right) = (Math.Min(left, box.X), Math.Max(right, box.X + box.Width));
            (top, bottom) = (Math.Min(top, box.Y), Math.Max(bottom, box.Y + box.Height));
        }
        return right > left && bottom > top ? new VideoRegion(left, top, right - left, bottom - top) : new VideoRegion(0, 0, 1, 1);
    }

    /// <summary>As an operation keeps it. Beside its masks, four positions a second are enough for people.</summary>
    /// <param name="masks">What <see cref="ObjectTrackFile.Write"/> wrote of it, kept in the project; null if it is not kept.</param>
    public ObjectTrajectory ToTrajectory(StoredBlob? masks)
    {
        var positions = new List<ObjectPosition>();
        var lost = new List<TimeRange>();
        for (int i = 0; i < Frames.Count; i++)
        {
            TimeSpan time = TimeOf(FirstFrame + i);
            bool isTold = masks is null || i % PositionStep == 0 || i == Frames.Count - 1;
            if (MaskOf(i) is { } mask)
            {
                if (isTold) positions.Add(new ObjectPosition { Time = time, Box = mask.Box, Area = mask.Share, Confidence = Math.Clamp(Frames[i].Score, 0, 1) });
            }
            else if (i > 0 && !Frames[i - 1].IsSeen) lost[^1] = lost[^1] with { End = TimeOf(FirstFrame + i + 1) };
            else lost.Add(new TimeRange(time, TimeOf(FirstFrame + i + 1)));
        }
        return new ObjectTrajectory { Segmenter = Segmenter, Positions = positions, Lost = lost, Masks = masks };
    }

    /// <summary>Of an operation whose masks are not kept: its boxes stand for them.</summary>
    /// <exception cref="ArgumentException">There are no positions, or their times are not in order.</exception>
    public static ObjectTrack OfBoxes(ObjectTrajectory trajectory)
    {
        ArgumentNullException.ThrowIfNull(trajectory);
        const int width = 320, height = 180;
        if (trajectory.Positions.Count == 0) throw new ArgumentException("the object is nowhere: its trajectory has no positions", nameof(trajectory));
        int first = FrameAt(trajectory.Positions[0].Time), last = FrameAt(trajectory.Positions[^1].Time);
        var frames = new TrackedFrame[checked(last - first + 1)];
        foreach (ObjectPosition position in trajectory.Positions)
        {
            int at = FrameAt(position.Time) - first;
            if (at < 0 || at >= frames.Length) throw new ArgumentException("the trajectory's positions are not in the order of their times", nameof(trajectory));
            (double left, double top, double right, double bottom) = (position.Box.X, position.Box.Y, position.Box.X + position.Box.Width, position.Box.Y + position.Box.Height);
            Mask mask = Mask.OfPolygon([new(left, top), new(right, top), new(right, bottom), new(left, bottom)], width, height);
            frames[at] = new TrackedFrame
            {
                IsSeen = !mask.IsEmpty, X = (left + right) / 2, Y = (top + bottom) / 2, Share = position.Area, Score = position.Confidence, Runs = RunLengths.Encode(mask),
            };
        }
        for (int i = 0; i < frames.Length; i++) frames[i] ??= frames[i - 1] with { IsSeen = false, Runs = default };
        return new ObjectTrack { FirstFrame = first, Width = width, Height = height, Segmenter = trajectory.Segmenter, Frames = frames };

        static int FrameAt(TimeSpan time) => checked((int)Math.Round(time.TotalSeconds * FramesPerSecond));
    }

    internal static TimeSpan TimeOf(int frame) => TimeSpan.FromSeconds(frame / FramesPerSecond);

    /// <summary>Of what was seen picture by picture: what is before the first sight and after the last is left out, losses in between
    /// become events.</summary>
    internal static ObjectTrack Of(int first, IReadOnlyList<TrackedFrame> frames, int width, int height, string segmenter, bool cutBefore, bool cutAfter)
    {
        int begin = 0, end = frames.Count;
        while (begin < end && !frames[begin].IsSeen) begin++;
        while (end > begin && !frames[end - 1].IsSeen) end--;
        var events = new List<TrackEvent>();
        if (cutBefore) events.Add(new TrackEvent(TrackEventKind.CutBefore, TimeOf(first)));
        if (begin > 0) events.Add(new TrackEvent(TrackEventKind.Appears, TimeOf(first + begin)));
        for (int i = begin + 1; i < end; i++)
            if (frames[i].IsSeen != frames[i - 1].IsSeen)
                events.Add(new TrackEvent(frames[i].IsSeen ? TrackEventKind.Found : TrackEventKind.Lost, TimeOf(first + i)));
        if (end < frames.Count) events.Add(new TrackEvent(TrackEventKind.Lost, TimeOf(first + end)));
        if (cutAfter) events.Add(new TrackEvent(TrackEventKind.CutAfter, TimeOf(first + frames.Count)));
        return new ObjectTrack
        {
            FirstFrame = first + begin, Width = width, Height = height, Segmenter = segmenter, Frames = [.. frames.Skip(begin).Take(end - begin)], Events = events,
        };
    }
}
