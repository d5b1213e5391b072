using ThinkSound.Media;

namespace ThinkSound.Reasoning.Recogniser;

/// <summary>A video that is too long to be seen at once: in stretches that begin where scenes do, and put together again as one
/// thought. What is kept of a stretch is its events, so that length costs no memory to speak of.</summary>
internal static class LongVideo
{
    /// <summary>What is seen at once, at most.</summary>
    public static readonly TimeSpan LongestAtOnce = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan LongestStretch = TimeSpan.FromSeconds(10), ShortestStretch = TimeSpan.FromSeconds(2);
    private const int ThoughtsOf = 6; // stretches whose thoughts are kept; the events of all are

    /// <summary>Divides a time at its cuts, and where scenes are long, into equal parts. No stretch is shorter than 2 s but one that is all.</summary>
    public static IReadOnlyList<TimeRange> Stretches(TimeSpan duration, IReadOnlyList<TimeSpan> cuts)
    {
        List<TimeSpan> borders = [TimeSpan.Zero];
        foreach (TimeSpan cut in cuts)
            if (cut - borders[^1] >= ShortestStretch && duration - cut >= ShortestStretch) borders.Add(cut);
        borders.Add(duration);
        var stretches = new List<TimeRange>();
        foreach (var (begin, end) in borders.Zip(borders.Skip(1)))
        {
            int parts = Math.Max(1, (int)Math.Ceiling((end - begin) / LongestStretch));
            for (int i = 0; i < parts; i++) stretches.Add(new TimeRange(begin + (end - begin) * i / parts, i + 1 == parts ? end : begin + (end - begin) * (i + 1) / parts));
        }
        return stretches;
    }

    /// <summary>Reads stretch after stretch and applies the rules to each.</summary>
    /// <param name="engine">As for <see cref="VideoReading"/>.</param>
    /// <param name="path">The video.</param>
    /// <param name="evidence">Of the whole, without a video.</param>
    /// <param name="watched">How much has a picture.</param>
    /// <param name="progress">Told how much is watched.</param>
    /// <param name="cancel">Stops within a block of frames.</param>
    public static async Task<Reasoning> ReasonAsync(ThinkSoundEngine engine, string path, Evidence evidence, TimeSpan watched, IProgress<ReasoningProgress>? progress, CancellationToken cancel)
    {
        ReasoningSubject subject = evidence.Subject;
        IReadOnlyList<TimeRange> stretches = Stretches(watched, await SceneCuts.FindAsync(path, subject.Start, watched, null, cancel).ConfigureAwait(false));
        var parts = new List<(TimeRange Range, Reasoning Reasoning)>();
        for (int i = 0; i < stretches.Count; i++)
        {
            TimeRange range = stretches[i];
            TimeSpan start = subject.Start + range.Start, length = range.End - range.Start;
            progress?.Report(new ReasoningProgress(ReasoningActivity.Watching, (double)i / stretches.Count, $"stretch {i + 1} of {stretches.Count}"));
            VideoReading reading = await VideoReading.OfAsync(engine, path, start, length, subject.Region, null, null, cancel).ConfigureAwait(false);
            Reasoning part = Rules.Apply(evidence with { Subject = subject with { Start = start, Duration = length }, Video = reading });
            parts.Add((range, parts.Count < ThoughtsOf ? part : part with { Thoughts = new Thoughts() }));
        }
        return Joined(evidence, parts);
    }

    /// <summary>One thought of the thoughts on stretches.</summary>
    public static Reasoning Joined(Evidence evidence, IReadOnlyList<(TimeRange Range, Reasoning Reasoning)> parts)
    {
        SoundEvent[] events = [.. Merge(parts.SelectMany(part => part.Reasoning.Events.Select(e => e with { Start = e.Start + part.Range.Start, End = e.End + part.Range.Start }))).OrderBy(e => e.Start)];
        return new Reasoning
        {
            Stage = evidence.Stage,
            Provider = RecogniserReasoner.Name,
            Subject = evidence.Subject,
            Thoughts = new Thoughts
            {
                Seen = Told(thoughts => thoughts.Seen), Timing = Told(thoughts => thoughts.Timing), Sound = Told(thoughts => thoughts.Sound),
                Space = parts[0].Reasoning.Thoughts.Space, Avoid = Told(thoughts => thoughts.Avoid), Mix = Told(thoughts => thoughts.Mix),
            },
            Events = events,
            Layers = Rules.Layers(events),
            Avoid = [.. parts.SelectMany(part => part.Reasoning.Avoid).GroupBy(name => name).OrderByDescending(group => group.Count()).Select(group => group.Key)
                             .Where(name => SoundKinds.MakerOf(name) is not { } maker || !events.Any(e => e.Object == SoundKinds.Of(maker).Object)).Take(4)],
            // Of the whole: the captions that hold longest, in their order. Each window has its own, from the events (Reasoning.Within).
            Caption = evidence.Words?.Text ?? string.Join(", then ", Longest(reasoning => reasoning.Caption, 3)),
            ChainOfThought = Longest(reasoning => reasoning.ChainOfThought, 1).FirstOrDefault() ?? "",
        };

        string Told(Func<Thoughts, string> thought)
        {
            string text = string.Join(' ', parts.Where(part => thought(part.Reasoning.Thoughts).Length > 0)
                .Select(part => FormattableString.Invariant($"{part.Range.Start.TotalSeconds:0.0} to {part.Range.End.TotalSeconds:0.0} s: {thought(part.Reasoning.Thoughts)}")));
            return text.Length > 0 && parts.Count > ThoughtsOf ? $"{text} And so on, {parts.Count} stretches in all." : text;
        }

        IEnumerable<string> Longest(Func<Reasoning, string> text, int count) =>
            parts.Where(part => text(part.Reasoning).Length > 0).GroupBy(part => text(part.Reasoning))
                 .OrderByDescending(group => group.Sum(part => (part.Range.End - part.Range.Start).TotalSeconds)).Take(count).OrderBy(group => group.First().Range.Start).Select(group => group.Key);
    }

    /// <summary>What goes on over the border of two stretches is one event.</summary>
    private static List<SoundEvent> Merge(IEnumerable<SoundEvent> events)
    {
        var merged = new List<SoundEvent>();
        foreach (SoundEvent e in events)
        {
            int last = merged.FindLastIndex(other => other.Object == e.Object && other.Action == e.Action && other.Material == e.Material);
            if (last >= 0 && merged[last].End == e.Start && e.End - e.Start > ShortestStretch / 2)
                merged[last] = merged[last] with { End = e.End, Confidence = Math.Max(merged[last].Confidence, e.Confidence), Intensity = Math.Max(merged[last].Intensity, e.Intensity) };
            else merged.Add(e);
        }
        return merged;
    }
}
