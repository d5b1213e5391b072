using System.Globalization;

namespace ThinkSound.Reasoning.Recogniser;

/// <summary>Puts what the rules decided into words: thoughts whose every sentence stands on a number, and the two texts in the
/// grammar that the embedded model was trained on (training/scenes/words.py).</summary>
internal static class Narrator
{
    private const int MaxListed = 8, MaxPlaced = 4; // times in a thought, and in a chain of thought as trained on

    private static readonly string[] Counts = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

    /// <summary>"a bell rings while rain falls on the ground"; "" where nothing is sure.</summary>
    public static string Caption(IReadOnlyList<Source> sources) =>
        string.Join(" while ", sources.Where(source => source.Kind != SoundKind.Something).Select(source => source.Kind.Clause(source.Look)));

    /// <summary>Two to four sentences: what is seen, when, how it sounds, what must be absent; "" where nothing is decided.</summary>
    /// <param name="sources">The first is the main one.</param>
    /// <param name="avoid">What must be absent; two are named.</param>
    /// <param name="hasPicture">Else the first sentence says what is heard.</param>
    public static string ChainOfThought(IReadOnlyList<Source> sources, IReadOnlyList<string> avoid, bool hasPicture)
    {
        if (sources.Count == 0) return "";
        if (sources is [{ Kind.Name: SoundKinds.Silence }]) return "Nothing in the picture touches or moves air. Keep the whole clip silent. Add no noise, no voices and no music.";
        var sentences = new List<string>
        {
            hasPicture ? $"The picture shows {string.Join(" and ", sources.Select(source => source.Kind.Seen(source.Look)))}." : $"{Capital(Caption(sources))}.",
        };
        if (sources.FirstOrDefault(source => source.Moments.Count > 0) is { } placed) sentences.Add(Place(placed));
        else if (sources.All(source => !source.Kind.Strikes)) sentences.Add("The sound goes on through the whole clip.");
        else if (hasPicture) sentences.Add("It is continuous and follows the motion.");
        string sound = sources[0].Kind.Sound(sources[0].Look);
        if (sound.Length > 0)
        {
            string others = hasPicture ? string.Concat(sources.Skip(1).Select(source => $", and {source.Kind.Clause(source.Look)}")) : "";
            sentences.Add(sound.StartsWith("a ", StringComparison.Ordinal) || sound.StartsWith("an ", StringComparison.Ordinal)
                ? $"It sounds like {sound}{others}." : $"The sound is {sound}{others}.");
        }
        if (avoid.Count > 0) sentences.Add($"Avoid {string.Join(" and ", avoid.Take(2))}.");
        return string.Join(' ', sentences);
    }

    /// <summary>What the recogniser, the user and the measures say.</summary>
    public static string Seen(Evidence evidence, IReadOnlyList<Source> sources)
    {
        var sentences = new List<string>();
        if (evidence.Words is { } words) sentences.Add(Named(evidence, words));
        if (evidence.Video is not { } video)
        {
            sentences.Add("There is no picture (0 frames).");
            return string.Join(' ', sentences);
        }
        sentences.AddRange(FromModel(evidence, sources, video));
        sentences.AddRange(Measured(evidence, video.Facts));
        return string.Join(' ', sentences);
    }

    /// <summary>When things happen, and how that is known.</summary>
    public static string Timing(Evidence evidence, IReadOnlyList<Source> sources)
    {
        if (evidence.Video is not { } video)
            return Text($"Nothing tells moments without a picture: each sound is there from {Begin(evidence)} to {End(evidence)} s.");
        var sentences = new List<string>();
        if (video.Facts.IsStill) sentences.Add(Text($"Nothing moves (0 of {video.Facts.Frames} frames), so nothing strikes."));
        else if (sources.FirstOrDefault(source => source.Moments.Count > 0) is { } placed)
        {
            string times = string.Join(", ", placed.Moments.Take(MaxListed).Select(moment => Text($"{moment.Time.TotalSeconds:0.00} s ({moment.Probability:0.00})")));
            sentences.Add(Text($"{placed.Moments.Count} {(placed.Moments.Count == 1 ? "onset" : "onsets")} of probability {video.Recognition.OnsetThreshold:0.00} or more, ascribed to {placed.Kind.Object}: {times}{(placed.Moments.Count > MaxListed ? " and on" : "")}."));
            if (placed.Moments.Count(moment => moment.Probability < Rules.OnsetSure) is > 0 and var uncertain)
                sentences.Add(Text($"{uncertain} of {placed.Moments.Count} {(uncertain == 1 ? "is" : "are")} uncertain, below {Rules.OnsetSure:0.00}."));
            if (placed.Look.Rate is { } rate) sentences.Add(Text($"That is {rate:0.0} a second."));
        }
        else if (sources.Any(source => source.Kind.Strikes))
        {
            float highest = 0;
            foreach (float probability in video.Recognition.OnsetTrack.Span) highest = Math.Max(highest, probability);
            sentences.Add(Text($"No onset reaches {video.Recognition.OnsetThreshold:0.00} here (the highest of all has {highest:0.00}), so no moment is placed; the sound follows the motion."));
        }
        else if (sources.Count > 0) sentences.Add(Text($"The sound goes on from {Begin(evidence)} to {End(evidence)} s."));
        if (video.Facts.Period is { } period) sentences.Add(Text($"The motion repeats every {period.Seconds:0.00} s (autocorrelation {period.Strength:0.00})."));
        return string.Join(' ', sentences);
    }

    /// <summary>What each sounds like.</summary>
    public static string Sound(IReadOnlyList<Source> sources) => string.Join(' ', sources.Where(source => source.Kind.Sound(source.Look).Length > 0).Select(source =>
        Text($"{Capital(source.Kind.Object)}{(source.Look.Material.Length > 0 ? $" of {source.Look.Material}" : "")} ({source.Confidence:0.00}): {source.Kind.Sound(source.Look)}.")));

    /// <summary>Nothing here measures a room, and it says so.</summary>
    public static string Space(Evidence evidence) => evidence.Video is { } video
        ? Text($"Unknown: 0 of the measures tell a room (brightness {video.Facts.Brightness:0.00} does not).")
        : "Unknown: 0 pictures are there to tell it.";

    /// <summary>What must not be heard, and how little of it is seen.</summary>
    public static string Avoid(Evidence evidence, IReadOnlyList<string> avoid) => avoid.Count == 0 ? "" : $"Avoid {string.Join(", ", avoid.Select(name =>
        evidence.Words?.Avoid.Contains(name) == true ? $"{name} (your words)"
        : SoundKinds.MakerOf(name) is { } maker && evidence.ProbabilityOf(maker) is { } probability ? Text($"{name} (seen with {probability:0.00})")
        : $"{name} (0 times named)"))}.";

    /// <summary>Levels and order.</summary>
    public static string Mix(Evidence evidence, IReadOnlyList<SoundEvent> events)
    {
        if (events.Count == 0) return "";
        SoundEvent loudest = events.MaxBy(e => e.Intensity)!, faintest = events.MinBy(e => e.Intensity)!;
        string order = string.Join(", then ", events.Select(e => e.Object).Distinct());
        string levels = loudest.Intensity == faintest.Intensity ? Text($"all at {loudest.Intensity:0.00}") : Text($"from {faintest.Intensity:0.00} ({faintest.Object}) to {loudest.Intensity:0.00} ({loudest.Object} at {loudest.Start.TotalSeconds:0.00} s)");
        string ambience = Rules.Layers(events).FirstOrDefault(layer => layer.LevelDb < 0) is { } layer ? Text($" {Capital(layer.Description)} lies {-layer.LevelDb:0} dB below.") : "";
        return $"{Capital(order)}; intensity {levels}{(evidence.Video is null ? "" : ", by the motion at each moment")}.{ambience}";
    }

    private static string Place(Source source)
    {
        int count = source.Moments.Count;
        string times = string.Join(", ", source.Moments.Take(MaxPlaced).Select(moment => Text($"{moment.Time.TotalSeconds:0.0}")));
        return $"Place {(count < Counts.Length ? Counts[count] : "many")} {(count == 1 ? source.Kind.Moment.One : source.Kind.Moment.Many)}, at {times} s{(count > MaxPlaced ? " and on" : "")}.";
    }

    private static string Named(Evidence evidence, UserWords words)
    {
        if (words.IsUnknown) return $"Your words name 0 of {SoundKinds.Named.Count()} known classes and are taken as they are: they decide what is heard.";
        string kinds = string.Join(" and ", words.Kinds.Select(kind =>
            evidence.Video is null ? kind.Name : evidence.ProbabilityOf(kind.Name) is { } probability ? Text($"{kind.Name} (seen with {probability:0.00})") : $"{kind.Name} (no class of this recogniser)"));
        return $"Your words decide what is heard: {kinds}, {words.Kinds.Count} of {SoundKinds.Named.Count()} known classes{(words.Material.Length > 0 ? $", of {words.Material}" : "")}.";
    }

    private static IEnumerable<string> FromModel(Evidence evidence, IReadOnlyList<Source> sources, VideoReading video)
    {
        Recognised[] sure = [.. video.Recognition.Classes.Where(entry => entry.Probability >= evidence.ClassSure)];
        if (sure.Length > 0) yield return Text($"The recogniser sees {string.Join(" and ", sure.Select(entry => Text($"{entry.Name} ({entry.Probability:0.00})")))}; it is sure from {evidence.ClassSure:0.00} on.");
        else if (video.Recognition.Classes is [var best, ..])
            yield return Text($"The recogniser is uncertain: its best guess, {best.Name}, has probability {best.Probability:0.00} and would need {evidence.ClassSure:0.00}.");
        if (evidence.Words is null && video.Facts.IsStill && sure.Any(entry => SoundKinds.Of(entry.Name).Strikes))
            yield return "What would have to strike (0 motions) is left out.";
        if (evidence.Excluded.Count > 0) yield return $"{evidence.Excluded.Count} excluded: {string.Join(", ", evidence.Excluded)}.";
        if (video.Recognition.Materials is not [var material, ..]) yield break;
        string used = sources.Count > 0 && sources[0].Look.Material == material.Name ? "" : ", which is not used";
        yield return material.Probability >= Rules.MaterialSure ? Text($"The material is {material.Name} ({material.Probability:0.00}){used}.")
            : Text($"The material is uncertain: {material.Name} has {material.Probability:0.00} and would need {Rules.MaterialSure:0.00}.");
    }

    private static IEnumerable<string> Measured(Evidence evidence, PictureFacts facts)
    {
        string picture = evidence.Subject.Region is null ? "picture" : "region";
        if (facts.IsStill) yield return Text($"Nothing moves in the {picture}: in {facts.Frames} {(facts.Frames == 1 ? "frame" : "frames")} no tile changes by {MotionMeter.TileMoves:0.0} of 255 levels.");
        else if (facts.MovingShare > 0)
        {
            string travel = facts.Direction == 0 ? "" : Text($" It travels {Math.Abs(facts.Travel):0.00} widths to the {(facts.Direction > 0 ? "right" : "left")}.");
            yield return Text($"Something moves {100 * facts.MovingShare:0} % of the time, over {100 * facts.Area:0} % of the {picture}, in the {Where(facts.Place)} ({facts.Place.X:0.00}, {facts.Place.Y:0.00}), by up to {facts.Motion.Max():0.0} levels.{travel}");
        }
        if (facts.Cuts.Count > 0)
            yield return Text($"The whole {picture} changes at once {facts.Cuts.Count} {(facts.Cuts.Count == 1 ? "time" : "times")}: at {string.Join(", ", facts.Cuts.Take(MaxListed).Select(cut => Text($"{cut.TotalSeconds:0.00}")))} s.");
        yield return Text($"Brightness is {facts.Brightness:0.00}.");
    }

    private static string Where((double X, double Y) place)
    {
        string row = place.Y < 1 / 3.0 ? "upper" : place.Y > 2 / 3.0 ? "lower" : "middle", column = place.X < 1 / 3.0 ? "left" : place.X > 2 / 3.0 ? "right" : "middle";
        return row == column ? "middle" : $"{row} {column}";
    }

    private static string Begin(Evidence evidence) => Text($"{(evidence.Range?.Start ?? TimeSpan.Zero).TotalSeconds:0.00}");

    private static string End(Evidence evidence) => Text($"{(evidence.Range?.End ?? evidence.Subject.Duration).TotalSeconds:0.00}");

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
