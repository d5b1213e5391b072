using ThinkSound.Reasoning.Recogniser;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Reasoning;

/// <summary>What a thought about a whole video says of a part of it.</summary>
internal static class ReasoningPart
{
    public static Reasoning Of(Reasoning whole, TimeRange part)
    {
        if (part.End <= part.Start) throw new ArgumentException("a part ends after it begins", nameof(part));
        SoundEvent[] events = [.. whole.Events.Where(e => e.Start < part.End && e.End > part.Start).Select(e => e with
        {
            Start = (e.Start > part.Start ? e.Start : part.Start) - part.Start, End = (e.End < part.End ? e.End : part.End) - part.Start,
        })];
        Reasoning result = whole with
        {
            Subject = whole.Subject with { Start = whole.Subject.Start + part.Start, Duration = part.End - part.Start }, Events = events,
            Layers = [.. whole.Layers.Where(layer => events.Any(e => e.Layer == layer.Name))],
        };
        // Of the recogniser, or of what it thought once and somebody kept.
        bool isTrained = whole.Provider == RecogniserReasoner.Name || (whole.Provider == ManualReasoner.Name && whole.Events.All(e => KindOf(e) is not null));
        // Without events nothing tells the parts apart; with all of them in, the words for the whole are the better ones.
        if (whole.Events.Count == 0 || (events.Length == whole.Events.Count && whole.Provider != RecogniserReasoner.Name)) return result;
        result = result with { Caption = whole.Subject.Caption ?? "", ChainOfThought = "", Shortened = [] };
        return isTrained ? InTrainedWords(result) : TextComposer.Complete(result);
    }

    /// <summary>The recogniser's words are those of the model's training, so a part has them, too.</summary>
    private static Reasoning InTrainedWords(Reasoning part)
    {
        // The main sound first: what strikes, then what goes on; as many as a clip of the training has.
        Source[] sources = [.. part.Events.GroupBy(e => (e.Object, e.Action)).Select(SourceOf).OrderByDescending(source => source.Kind.Strikes).ThenByDescending(source => source.Confidence).Take(2)];
        if (sources.Length == 0) return part;
        return part with
        {
            Caption = part.Caption.Length > 0 ? part.Caption : Narrator.Caption(sources), ChainOfThought = Narrator.ChainOfThought(sources, part.Avoid, part.Subject.Video is not null),
        };
    }

    private static SoundKind? KindOf(SoundEvent e) => SoundKinds.Named.Append(SoundKind.Something).FirstOrDefault(kind => kind.Object == e.Object && kind.Action == e.Action);

    private static Source SourceOf(IEnumerable<SoundEvent> events)
    {
        SoundEvent[] all = [.. events];
        SoundKind kind = KindOf(all[0]) ?? SoundKind.Unknown("words", all[0].Object, all[0].Object) with { Action = all[0].Action };
        // One event that fills its time is no moment.
        Onset[] moments = kind.Strikes && all.All(e => e.End - e.Start <= kind.Length + TimeSpan.FromMilliseconds(1)) ? [.. all.Select(e => new Onset(e.Start, (float)e.Confidence))] : [];
        return new Source(kind, new Look(all[0].Material, 0, Rules.Rate(moments)), all.Max(e => e.Confidence), moments);
    }
}
