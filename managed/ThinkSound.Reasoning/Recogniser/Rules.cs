namespace ThinkSound.Reasoning.Recogniser;

/// <summary>From probabilities and measures to sounds and their times: pure functions. docs/reasoning-recogniser.md lists the
/// rules.</summary>
internal static class Rules
{
    /// <summary>Least probability at which a class is taken for seen.</summary>
    public const double ClassSure = 0.5;
    /// <summary>The same of an object that is held against its scene: it was pointed at for its sound, so something is heard.</summary>
    public const double ObjectSure = 0.2;
    /// <summary>Least probability at which a material is taken for known.</summary>
    public const double MaterialSure = 0.5;
    /// <summary>An onset below is told as uncertain, even where the bundle takes it for one; alone it makes no sound of something
    /// that has no name.</summary>
    public const double OnsetSure = 0.5;

    private const int MaxRecognised = 2;          // as many sounds as a clip of the training has
    private const double LeastIntensity = 0.4;    // of the faintest strike; the rest follows the motion
    private const double AmbienceIntensity = 0.3, AmbienceDb = -12; // beside something that strikes

    /// <summary>The whole of it.</summary>
    public static Reasoning Apply(Evidence evidence)
    {
        IReadOnlyList<Source> sources = Sources(evidence);
        IReadOnlyList<SoundEvent> events = Events(evidence, sources);
        IReadOnlyList<string> avoid = Avoid(evidence, sources);
        return new Reasoning
        {
            Stage = evidence.Stage,
            Provider = RecogniserReasoner.Name,
            Subject = evidence.Subject,
            Thoughts = new Thoughts
            {
                Seen = Narrator.Seen(evidence, sources),
                Timing = Narrator.Timing(evidence, sources),
                Sound = Narrator.Sound(sources),
                Space = Narrator.Space(evidence),
                Avoid = Narrator.Avoid(evidence, avoid),
                Mix = Narrator.Mix(evidence, events),
            },
            Events = events,
            Layers = Layers(events),
            Avoid = avoid,
            Caption = evidence.Words is { } words && !words.Kinds.Any(kind => evidence.Excluded.Contains(kind.Name)) ? words.Text : Narrator.Caption(sources),
            ChainOfThought = Narrator.ChainOfThought(sources, avoid, evidence.Video is not null),
        };
    }

    /// <summary>What is heard: what the user says; else the classes that are sure; else, where something strikes, something.</summary>
    public static IReadOnlyList<Source> Sources(Evidence evidence)
    {
        List<(SoundKind Kind, double Confidence)> chosen = Choose(evidence);
        IReadOnlyList<Onset> onsets = Onsets(evidence);
        if (chosen.Count == 0 && evidence.Words is null && evidence.Excluded.Count == 0)
        {
            onsets = [.. onsets.Where(onset => onset.Probability >= OnsetSure)];
            if (onsets.Count > 0) chosen.Add((SoundKind.Something, evidence.Video!.Recognition.Classes.FirstOrDefault().Probability));
        }
        int striking = chosen.FindIndex(choice => choice.Kind.Strikes);
        return
        [
            .. chosen.Select((choice, place) =>
            {
                IReadOnlyList<Onset> moments = place == striking ? onsets : [];
                string material = choice.Kind.Always is { Length: > 0 } always ? always : place == 0 ? MaterialOf(evidence, choice.Kind) : "";
                return new Source(choice.Kind, new Look(material, evidence.Video?.Facts.Direction ?? 0, Rate(moments)), choice.Confidence, moments);
            }),
        ];
    }

    /// <summary>The moments at which something strikes, from the probability on that the bundle asks. In a still picture nothing does.</summary>
    public static IReadOnlyList<Onset> Onsets(Evidence evidence) => evidence.Video switch
    {
        null or { Facts.IsStill: true } => [],
        { Recognition: var recognition } => [.. recognition.Onsets().Where(onset =>
            onset.Time < evidence.Subject.Duration && onset.Time < evidence.Video.Facts.Watched &&
            (evidence.Range is not { } range || (onset.Time >= range.Start && onset.Time < range.End)))],
    };

    /// <summary>The user's material, or the recogniser's where it is sure, if the thing can be of it; "" else.</summary>
    public static string MaterialOf(Evidence evidence, SoundKind kind)
    {
        if (evidence.Words is { Material.Length: > 0 } words && kind.Materials.Contains(words.Material)) return words.Material;
        Recognised best = evidence.Video?.Recognition.Materials.FirstOrDefault() ?? default;
        return best.Probability >= MaterialSure && kind.Materials.Contains(best.Name) ? best.Name : "";
    }

    /// <summary>One event for each moment; one from begin to end for what goes on; one over the motion for what strikes at times that
    /// nobody knows.</summary>
    public static IReadOnlyList<SoundEvent> Events(Evidence evidence, IReadOnlyList<Source> sources)
    {
        TimeRange all = evidence.Range ?? new TimeRange(TimeSpan.Zero, evidence.Subject.Duration);
        bool hasStrikes = sources.Any(source => source.Kind.Strikes);
        var events = new List<SoundEvent>();
        foreach (Source source in sources.Where(source => source.Kind.Name != SoundKinds.Silence))
        {
            var whole = new SoundEvent
            {
                Start = all.Start, End = all.End, Object = source.Kind.Object, Action = source.Kind.Action, Material = source.Look.Material,
                Sound = source.Kind.Sound(source.Look), Confidence = Math.Round(source.Confidence, 3),
            };
            if (!source.Kind.Strikes)
                events.Add(whole with { Layer = hasStrikes ? SoundLayer.Ambience : SoundLayer.Foley, Intensity = hasStrikes ? AmbienceIntensity : 0.5 });
            else if (source.Moments.Count == 0)
                events.Add(Overlap(whole, evidence.Video?.Facts.Moving));
            else
                events.AddRange(source.Moments.Select(moment => whole with
                {
                    Start = moment.Time,
                    End = Earlier(moment.Time + source.Kind.Length, evidence.Subject.Duration),
                    Intensity = Math.Round(LeastIntensity + (1 - LeastIntensity) * evidence.Video!.Facts.MotionAt(moment.Time), 3),
                    Confidence = Math.Round(source.Confidence * moment.Probability, 3),
                }));
        }
        return [.. events.OrderBy(e => e.Start)];
    }

    /// <summary>The layers that events are in: what goes on lies below what strikes.</summary>
    public static IReadOnlyList<SoundLayer> Layers(IReadOnlyList<SoundEvent> events) =>
    [
        .. events.GroupBy(e => e.Layer).OrderBy(group => group.Key == SoundLayer.Ambience).Select(group => new SoundLayer
        {
            Name = group.Key, Description = string.Join(", ", group.Select(e => e.Object).Distinct()), LevelDb = group.Key == SoundLayer.Ambience ? AmbienceDb : 0,
        }),
    ];

    /// <summary>What the user excludes, then what the sounds are easily mistaken for and is not seen itself.</summary>
    public static IReadOnlyList<string> Avoid(Evidence evidence, IReadOnlyList<Source> sources)
    {
        string[] heard = [.. sources.Select(source => source.Kind.Name)];
        IEnumerable<string> absent = sources.SelectMany(source => source.Kind.Absent)
            .Where(name => SoundKinds.MakerOf(name) is not { } maker || (!heard.Contains(maker) && !(evidence.ProbabilityOf(maker) >= evidence.ClassSure)));
        return [.. (evidence.Words?.Avoid ?? []).Concat(absent).Distinct().Take(4)];
    }

    private static List<(SoundKind Kind, double Confidence)> Choose(Evidence evidence)
    {
        if (evidence.Words is { IsUnknown: true } words) return [(SoundKind.Unknown("words", words.Text.TrimEnd('.', '!'), words.Text.TrimEnd('.', '!')), 1)];
        if (evidence.Words is { } known) return [.. known.Kinds.Where(kind => !evidence.Excluded.Contains(kind.Name)).Select(kind => (kind, 1.0))];
        if (evidence.Video is not { } video) return [];
        Recognised[] sure = [.. video.Recognition.Classes.Where(entry => entry.Probability >= evidence.ClassSure && !evidence.Excluded.Contains(entry.Name))];
        if (sure is [{ Name: SoundKinds.Silence } silence, ..]) return [(SoundKinds.Of(silence.Name), silence.Probability)];
        return
        [
            .. sure.Where(entry => entry.Name != SoundKinds.Silence).Select(entry => (Kind: SoundKinds.Of(entry.Name), Confidence: (double)entry.Probability))
                   .Where(choice => !(choice.Kind.Strikes && video.Facts.IsStill)).Take(evidence.Stage == ReasoningStage.Object ? 1 : MaxRecognised),
        ];
    }

    /// <summary>Moments a second, by the middle one of their distances.</summary>
    public static double? Rate(IReadOnlyList<Onset> moments)
    {
        double[] distances = [.. moments.Zip(moments.Skip(1), (a, b) => (b.Time - a.Time).TotalSeconds).Order()];
        return distances.Length == 0 ? null : 1 / distances[distances.Length / 2];
    }

    private static SoundEvent Overlap(SoundEvent e, TimeRange? part)
    {
        if (part is not { } range || range.Start >= e.End || range.End <= e.Start) return e;
        return e with { Start = range.Start > e.Start ? range.Start : e.Start, End = Earlier(range.End, e.End) };
    }

    private static TimeSpan Earlier(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
