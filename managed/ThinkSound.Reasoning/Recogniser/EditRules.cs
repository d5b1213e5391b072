using System.Globalization;

namespace ThinkSound.Reasoning.Recogniser;

/// <summary>Changes to a sound that is there. What is not understood is said, not guessed.</summary>
internal static class EditRules
{
    /// <summary>The change that an instruction asks for.</summary>
    /// <param name="evidence">What is known of the sound.</param>
    /// <param name="edit">The instruction, read.</param>
    /// <param name="instruction">As the user wrote it, for errors.</param>
    /// <param name="asked">The stretch that the user chose; null leaves it to the instruction, else it is all.</param>
    /// <param name="previous">An earlier reasoning on the same sound; null if there is none.</param>
    /// <exception cref="ReasoningException">It is not understood.</exception>
    public static Reasoning Apply(Evidence evidence, EditInstruction edit, string instruction, TimeRange? asked, Reasoning? previous)
    {
        if (edit.Operation is not { } operation)
            throw new ReasoningException(ReasoningFailure.BadAnswer,
                $"the recogniser does not understand \"{instruction}\": it knows the verbs add, remove, extend and replace; choose the kind of change (operation), or ask a chat model");
        if (operation is EditOperation.Add or EditOperation.Remove && edit.Words.Length == 0)
            throw new ReasoningException(ReasoningFailure.BadAnswer, $"the recogniser does not find in \"{instruction}\" what to {operation.ToString().ToLowerInvariant()}: name a sound, such as \"{operation.ToString().ToLowerInvariant()} the rain\"");
        TimeRange range = asked ?? edit.Range ?? new TimeRange(TimeSpan.Zero, evidence.Subject.Duration);
        Reasoning result = operation switch
        {
            EditOperation.Remove => Remove(evidence, edit, range, previous),
            EditOperation.Add => About(evidence, edit.Target, range),
            _ when !edit.Target.IsUnknown => About(evidence, edit.Target, range),
            _ when previous is not null => Retell(evidence, previous, [.. previous.Events.Where(e => e.Start < range.End && e.End > range.Start)]),
            _ => Rules.Apply(evidence with { Range = range }),
        };
        string target = edit.Words.Length > 0 ? edit.Words : "the sound";
        string plan = string.Create(CultureInfo.InvariantCulture, $"{operation} {target} from {range.Start.TotalSeconds:0.00} to {range.End.TotalSeconds:0.00} s.");
        return result with
        {
            Stage = ReasoningStage.Edit,
            Provider = RecogniserReasoner.Name,
            Subject = evidence.Subject,
            Edit = new EditPlan { Operation = operation, Target = target, Start = range.Start, End = range.End },
            Thoughts = result.Thoughts with { Mix = result.Thoughts.Mix.Length > 0 ? $"{plan} {result.Thoughts.Mix}" : plan },
        };
    }

    private static Reasoning About(Evidence evidence, UserWords target, TimeRange range)
    {
        Evidence narrowed = evidence with { Words = target, Range = range, Excluded = [] };
        Reasoning result = Rules.Apply(narrowed);
        return target.IsUnknown ? result : result with { Caption = Narrator.Caption(Rules.Sources(narrowed)) };
    }

    private static Reasoning Remove(Evidence evidence, EditInstruction edit, TimeRange range, Reasoning? previous)
    {
        string[] names = [.. edit.Target.Kinds.Select(kind => kind.Name)];
        Reasoning result;
        if (previous is null) result = Rules.Apply(evidence with { Excluded = [.. evidence.Excluded, .. names] });
        else
        {
            SoundEvent[] kept = [.. previous.Events.Select(e => IsMeant(e, edit) ? Without(e, range) : e).OfType<SoundEvent>()];
            result = Retell(evidence, previous, kept);
        }
        string[] targets = edit.Target.IsUnknown ? [edit.Words] : [.. edit.Target.Kinds.Select(kind => kind.Object == "water" ? kind.Name : kind.Object)];
        return result with
        {
            Avoid = [.. targets.Concat(result.Avoid).Distinct()],
            ChainOfThought = $"{result.ChainOfThought} Leave out {string.Join(" and ", targets)}.".Trim(),
            Thoughts = result.Thoughts with { Avoid = $"{targets.Length} to be taken out: {string.Join(", ", targets)}. {result.Thoughts.Avoid}".Trim() },
        };
    }

    /// <summary>What is left of an event; null for nothing.</summary>
    private static SoundEvent? Without(SoundEvent e, TimeRange range)
    {
        if (e.End <= range.Start || e.Start >= range.End) return e;
        if (e.Start < range.Start) return e with { End = range.Start };
        return e.End > range.End ? e with { Start = range.End } : null;
    }

    /// <summary>Whether an instruction means an event: by its class, else by a word of four letters or more.</summary>
    private static bool IsMeant(SoundEvent e, EditInstruction edit)
    {
        UserWords words = UserWords.Of($"{e.Object} {e.Action}");
        if (words.Kinds.Any(kind => edit.Target.Kinds.Contains(kind))) return true;
        string[] mine = Split($"{e.Object} {e.Action}"), theirs = Split(edit.Words);
        return mine.Any(theirs.Contains);

        static string[] Split(string text) => [.. text.ToLowerInvariant().Split(' ', StringSplitOptions.RemoveEmptyEntries).Where(word => word.Length > 3)];
    }

    /// <summary>An earlier reasoning with other events.</summary>
    private static Reasoning Retell(Evidence evidence, Reasoning previous, IReadOnlyList<SoundEvent> events)
    {
        Source[] sources = [.. events.GroupBy(e => (e.Object, e.Action)).Select(group => SourceOf([.. group])).OrderBy(source => !source.Kind.Strikes)];
        return previous with
        {
            Model = "",
            Events = events,
            Layers = Rules.Layers(events),
            Caption = Narrator.Caption(sources),
            ChainOfThought = Narrator.ChainOfThought(sources, previous.Avoid, previous.Subject.Video is not null),
            Shortened = [],
            Repairs = [],
            Thoughts = previous.Thoughts with
            {
                Timing = events.Count == previous.Events.Count ? previous.Thoughts.Timing : $"{events.Count} of {previous.Events.Count} events stay.",
                Mix = Narrator.Mix(evidence, events),
            },
        };
    }

    private static Source SourceOf(SoundEvent[] events)
    {
        SoundEvent first = events[0];
        SoundKind kind = UserWords.Of($"{first.Object} {first.Action}").Kinds is [var known, ..] ? known
            : SoundKind.Unknown($"{first.Object} {first.Action}", $"{first.Object} {first.Action}".Trim(), first.Object) with { Sound = _ => first.Sound };
        bool areMoments = kind.Strikes && events.All(e => e.End - e.Start <= kind.Length + kind.Length);
        return new Source(kind, new Look(first.Material), first.Confidence, areMoments ? [.. events.Select(e => new Onset(e.Start, (float)e.Confidence))] : []);
    }
}
