using ThinkSound.Projects.Editing.Grammar;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Recogniser;

namespace ThinkSound.Projects.Editing;

/// <summary>Holds what was read against the sound: which tracks are meant, when, by how much. Refuses what contradicts itself or is
/// not there; assumes little, and says what.</summary>
internal sealed class EditPlanner(string instruction, EditSubject subject, EditChoices choices)
{
    private static readonly TimeSpan DefaultLength = TimeSpan.FromSeconds(2), LeastEvent = TimeSpan.FromSeconds(1);

    private readonly List<EditStep> _steps = [];
    private readonly List<string> _statements = [], _notices = [];
    private readonly List<EditableTrack> _added = []; // by this instruction; they have no id yet

    /// <summary>The steps of all clauses.</summary>
    /// <exception cref="EditException">It contradicts itself, or does not fit the sound.</exception>
    public EditScript Plan(IReadOnlyList<EditClause> clauses)
    {
        EditClause[] wanted = [.. clauses.Where(clause => clause.Kind == ClauseKind.Do)];
        if (wanted.Length == 0)
            throw new EditException(EditProblem.NothingToDo, $"\"{instruction}\" only says what is not to be done, and nothing is: say what is to change");
        SoundPhrase[] spared = [.. clauses.Where(clause => clause.Kind == ClauseKind.Spare).SelectMany(clause => clause.Targets)];
        string[] unheard = [.. clauses.Where(clause => clause is { Kind: ClauseKind.Avoid, Action: EditAction.Add }).SelectMany(clause => clause.With).Select(sound => sound.Words)];
        wanted = ResolvePronouns(wanted);
        Contradictions.Check(wanted, [.. clauses.Where(clause => clause.Kind == ClauseKind.Avoid)], spared);
        foreach (EditClause clause in clauses.Where(clause => clause.Kind == ClauseKind.Avoid && clause.Action != EditAction.Add))
            _notices.Add($"as asked, this is not done: {clause.Text}");
        foreach (EditClause clause in wanted) Plan(clause, spared, string.Join(", ", unheard));
        return new EditScript { Instruction = instruction, Steps = [.. _steps], Statements = [.. _statements], Notices = [.. _notices.Distinct()] };
    }

    /// <summary>"It" is what the clause before spoke of, at first the choice beside the words, else everything.</summary>
    private EditClause[] ResolvePronouns(EditClause[] clauses)
    {
        IReadOnlyList<SoundPhrase> spokenOf = choices.Object is { Length: > 0 } chosen && SoundPhrase.Of(chosen.ToLowerInvariant()) is { } phrase ? [phrase] : [SoundPhrase.All];
        var resolved = new List<EditClause>();
        bool isFirst = true;
        foreach (EditClause clause in clauses)
        {
            bool isBare = clause.Action != EditAction.Add && (clause.Targets.Count == 0 || clause.Targets.Any(target => target.IsPronoun));
            bool isWhole = clause.Targets.Count == 0 && !isFirst && clause.Action is EditAction.Inpaint or EditAction.Extend;
            EditClause full = !isBare ? clause : clause with
            {
                Targets = isWhole ? [SoundPhrase.All] : [.. spokenOf.Select(sound => sound with { Except = [.. sound.Except, .. clause.Targets.SelectMany(target => target.Except)] })],
                IsPronoun = !isFirst,
            };
            resolved.Add(full);
            spokenOf = full.Action is EditAction.Add or EditAction.Replace ? full.With : full.Targets;
            isFirst = false;
        }
        return [.. resolved];
    }

    private void Plan(EditClause clause, SoundPhrase[] spared, string unheard)
    {
        if (clause.Action == EditAction.Add)
        {
            Add(clause, unheard);
            return;
        }
        SoundPhrase[] targets = [.. clause.Targets];
        if (clause.IsAllBut) targets = [SoundPhrase.All with { Except = targets }];
        int before = _steps.Count;
        foreach (SoundPhrase target in targets)
            foreach (EditableTrack track in TracksOf(target, clause, spared)) Step(clause, target, track, unheard);
        if (_steps.Count == before) throw new EditException(EditProblem.NothingToDo, $"\"{clause.Text}\": after what is left out nothing remains that it could be done to; there are {Names.List(subject)}");
    }

    private void Add(EditClause clause, string unheard)
    {
        string words = string.Join(" and ", clause.With.Select(sound => sound.Words));
        SoundPhrase lead = clause.With[0];
        foreach (SoundPhrase sound in clause.With.Where(sound => sound.Sounds.Count == 0))
            _notices.Add($"\"{sound.Words}\" is no sound that is known by name; the words go to the model as they are");
        SoundKind? kind = Vocabulary.Kind(lead.Words);
        TimeSpan length = kind is null || !kind.Strikes ? DefaultLength : kind.Length > LeastEvent ? kind.Length : LeastEvent;
        TimeRange? range = RangeOf(clause, lead, null, length);
        string avoid = Join(unheard, [.. clause.With.Select(sound => sound.Avoid)]);
        Append(new EditStep { Action = EditAction.Add, Range = range, Target = words, Avoid = avoid },
               $"\"{words}\" is added {In(range)} as a track of its own{(avoid.Length > 0 ? $", without {avoid}" : "")}");
        _added.Add(new EditableTrack { Id = "", Name = words });
    }

    /// <summary>The tracks that a clause is done to.</summary>
    private IReadOnlyList<EditableTrack> TracksOf(SoundPhrase target, EditClause clause, SoundPhrase[] spared)
    {
        if (choices.Track is { Length: > 0 } chosen)
        {
            EditableTrack[] found = [.. subject.Tracks.Where(track => track.Id == chosen || string.Equals(track.Name, chosen, StringComparison.OrdinalIgnoreCase))];
            return found.Length > 0 ? found : throw new EditException(EditProblem.UnknownSound, $"there is no track \"{chosen}\"; there are {Names.List(subject)}");
        }
        IEnumerable<SoundPhrase> excepted = target.Except.Concat(spared);
        if (target.IsAll)
        {
            foreach (SoundPhrase sound in excepted)
                if (Names.Tracks(subject, sound).Count == 0 && !subject.Tracks.Any(track => track.IsMix))
                    throw new EditException(EditProblem.UnknownSound, $"there is no \"{sound.Words}\" to leave out; there are {Names.List(subject)}");
            HashSet<string> left = [.. excepted.SelectMany(sound => Names.Tracks(subject, sound)).Select(track => track.Id)];
            EditableTrack[] tracks = [.. subject.Tracks.Where(track => !left.Contains(track.Id))];
            // A sound that is somewhere in a mix can be left out of what is done to the mix by a model, not by arithmetic.
            bool isInMix = excepted.Any(sound => Names.Tracks(subject, sound).Count == 0) && tracks.Any(track => track.IsMix);
            if (isInMix && !(clause is { Action: EditAction.Remove } && tracks.Length == 1))
                throw new EditException(EditProblem.Impossible, $"\"{clause.Text}\": what is to be left alone is no track of its own, so everything on its track would change with it");
            return tracks;
        }
        if (Names.Tracks(subject, target) is { Count: > 0 } own) return own;
        if (_added.LastOrDefault(track => Names.Match(target, track.Name)) is { } added) return [added];
        EditableTrack[] mixes = [.. subject.Tracks.Where(track => track.IsMix)];
        EditableTrack[] mentioned = [.. mixes.Where(track => Names.Match(target, track.Description) || track.Events.Any(e => Names.Match(target, $"{e.Object} {e.Action}")))];
        if (mentioned.Length > 0) return mentioned;
        if (mixes.Length > 0 && target.Sounds.Count > 0)
        {
            _notices.Add($"nobody said whether \"{target.Words}\" is heard on {Names.Of(mixes[0])}; it is taken to be");
            return [mixes[0]];
        }
        throw new EditException(EditProblem.UnknownSound, target.Sounds.Count > 0
            ? $"there is no {target.Words} to be heard; there {(subject.Tracks.Count == 1 ? "is" : "are")} {Names.List(subject)}"
            : $"\"{target.Words}\" is no sound that is known here; there {(subject.Tracks.Count == 1 ? "is" : "are")} {Names.List(subject)}, and the grammar knows {Vocabulary.Known} and other common sounds");
    }

    private void Step(EditClause clause, SoundPhrase target, EditableTrack track, string unheard)
    {
        bool isExact = clause.Action is EditAction.Louder or EditAction.Softer or EditAction.Earlier or EditAction.Later;
        bool isPart = track.IsMix && !target.IsAll && Names.Tracks(subject, target).Count == 0 && choices.Track is null;
        TimeRange? range = RangeOf(clause, target, track, null);
        if (isExact && isPart)
        {
            if (range is null || clause.Action is EditAction.Earlier or EditAction.Later)
                throw new EditException(EditProblem.Impossible, $"\"{target.Words}\" is no track of its own, so it cannot be made {clause.Action.ToString().ToLowerInvariant()} without the rest of {Names.Of(track)}: name everything, or a time at which it is heard");
            _notices.Add($"\"{target.Words}\" is no track of its own: what else is heard then becomes {clause.Action.ToString().ToLowerInvariant()}, too");
        }
        string words = target.IsAll ? "" : target.Words, name = target.IsAll ? track.IsMix && subject.Tracks.Count == 1 ? "the whole sound" : $"the track {Names.Of(track)}" : isPart ? $"\"{target.Words}\" on {Names.Of(track)}" : $"the track {Names.Of(track)}";
        var step = new EditStep { Action = clause.Action, Track = track.Id.Length > 0 ? track.Id : null, Range = range, Target = words, Avoid = Join(unheard, [target.Avoid, .. clause.With.Select(sound => sound.Avoid)]) };
        switch (clause.Action)
        {
            case EditAction.Louder or EditAction.Softer:
                double db = clause.Amount.LevelDb(clause.Action == EditAction.Louder ? 1 : -1);
                if (double.IsNegativeInfinity(db)) Append(step with { Action = EditAction.Remove }, $"{name} is taken down to nothing {In(range)}");
                else if (db == 0 || Math.Abs(db) > 60) throw new EditException(EditProblem.OutOfRange, $"\"{clause.Text}\": a level changes by up to 60 dB, and not by {InstructionText.Text(db)}");
                else Append(step with { Action = db > 0 ? EditAction.Louder : EditAction.Softer, AmountDb = Math.Abs(db) }, $"{name} becomes {InstructionText.Text(Math.Abs(Math.Round(db, 1)))} dB {(db > 0 ? "louder" : "softer")} {In(range)}");
                break;
            case EditAction.Earlier or EditAction.Later:
                Shift(clause, step, track, target, name);
                break;
            case EditAction.Remove:
                string kept = string.Join(" and ", target.Except.Select(sound => sound.Words));
                if (target.IsAll && target.Except.Count > 0 && track.IsMix && Names.Tracks(subject, target.Except[0]).Count == 0)
                    Append(step with { Replacement = kept }, $"everything but {kept} is taken out of {Names.Of(track)} {In(range)} by the model");
                else Append(step, isPart ? $"{name} is taken out {In(range)} by the model, and the rest stays as near as it can" : $"{name} is taken out {In(range)}, exactly");
                break;
            case EditAction.Replace:
                string other = string.Join(" and ", clause.With.Select(sound => sound.Words));
                foreach (SoundPhrase sound in clause.With.Where(sound => sound.Sounds.Count == 0)) _notices.Add($"\"{sound.Words}\" is no sound that is known by name; the words go to the model as they are");
                Append(step with { Replacement = other, Strength = Strength(clause, 1) }, $"{name} makes way for {other} {In(range)}");
                break;
            case EditAction.Extend:
                Append(step, $"{name} goes on {In(range)}");
                break;
            case EditAction.Inpaint:
                Append(step, $"{name} is made anew {In(range)}, to fit what is before and after");
                break;
            case EditAction.Variation:
                double strength = Strength(clause, 0.5);
                Append(step with { Strength = strength }, $"{name} is varied {In(range)} by {InstructionText.Text(strength)} (0 leaves it, 1 makes it anew)");
                break;
            default:
                string how = clause.Action == EditAction.Material ? $"of {clause.Style}" : clause.Style;
                Append(step with { Replacement = clause.Style, Strength = Strength(clause, 0.6) }, $"{name} becomes {how} {In(range)}");
                break;
        }
    }

    private void Shift(EditClause clause, EditStep step, EditableTrack track, SoundPhrase target, string name)
    {
        TimeRange extent = step.Range ?? new TimeRange(TimeSpan.Zero, subject.Duration);
        TimeSpan shift = TimeSpan.FromSeconds((clause.Action == EditAction.Later ? 1 : -1) * clause.Amount.ShiftSeconds);
        if (clause.Amount.ToSeconds is { } place)
        {
            TimeSpan begin = step.Range?.Start ?? Moments.Of(track, target, out _).Select(moment => (TimeSpan?)moment.Start).FirstOrDefault()
                ?? throw new EditException(EditProblem.Ambiguous, $"\"{clause.Text}\": nothing begins on {Names.Of(track)} that could be put at {InstructionText.Text(place)} s; say by how much to move it");
            if (place > subject.Duration.TotalSeconds) throw OutOf(clause, place);
            shift = TimeSpan.FromSeconds(place) - begin;
        }
        else if (clause.NeedsPlace && clause.Amount.Seconds is null)
            throw new EditException(EditProblem.Ambiguous, $"\"{clause.Text}\": where to? Say \"to 3 s\", \"half a second later\" or \"0.2 s earlier\"");
        if (shift == TimeSpan.Zero) throw new EditException(EditProblem.NothingToDo, $"\"{clause.Text}\": it is there already");
        if (shift.Duration() >= subject.Duration || extent.Start + shift >= subject.Duration || extent.End + shift <= TimeSpan.Zero)
            throw new EditException(EditProblem.OutOfRange, $"\"{clause.Text}\": {InstructionText.Text(shift.TotalSeconds)} s would move it out of the {InstructionText.Text(subject.Duration.TotalSeconds)} s that there are");
        Append(step with { Action = shift > TimeSpan.Zero ? EditAction.Later : EditAction.Earlier, Shift = shift.Duration() },
               $"{name}{(step.Range is null ? "" : $" {In(step.Range)}")} comes {InstructionText.Text(Math.Abs(shift.TotalSeconds))} s {(shift > TimeSpan.Zero ? "later" : "earlier")}");
    }

    private TimeRange? RangeOf(EditClause clause, SoundPhrase sound, EditableTrack? track, TimeSpan? length)
    {
        var times = new TimeResolver(subject, clause, _notices);
        TimeRange? said = clause.Action == EditAction.Extend ? times.Extension(track!, choices.Range) : times.Resolve(sound, track, length);
        if (choices.Range is not { } chosen) return said ?? Whole(clause);
        if (chosen.Start < TimeSpan.Zero || chosen.End <= chosen.Start || chosen.Start >= subject.Duration || chosen.End > subject.Duration && !(subject.MayGrow && clause.Action == EditAction.Extend))
            throw new EditException(EditProblem.OutOfRange, $"the range {In(chosen)[5..]} does not lie within the {InstructionText.Text(subject.Duration.TotalSeconds)} s of the sound");
        if (said is { } own && (own.Start < chosen.Start || own.End > chosen.End))
            throw new EditException(EditProblem.Contradictory, $"the words speak of {In(own)[5..]}, the chosen range is {In(chosen)[5..]}: leave one of them out");
        return said ?? chosen;
    }

    private static TimeRange? Whole(EditClause clause) => clause.Action is not EditAction.Inpaint ? null
        : throw new EditException(EditProblem.Ambiguous, $"\"{clause.Text}\": which stretch? Say \"from 2 to 3 s\" or \"the second knock\"");

    private double Strength(EditClause clause, double plain)
    {
        double strength = choices.Strength ?? clause.Amount.StrengthOr(plain)!.Value;
        return strength is > 0 and <= 1 ? strength : throw new EditException(EditProblem.OutOfRange, $"a strength is above 0, up to 1, and not {InstructionText.Text(strength)}");
    }

    private void Append(EditStep step, string statement)
    {
        _steps.Add(step);
        _statements.Add(char.ToUpperInvariant(statement[0]) + statement[1..] + ".");
    }

    private EditException OutOf(EditClause clause, double seconds) => new(EditProblem.OutOfRange,
        $"\"{clause.Text}\": the sound has {InstructionText.Text(subject.Duration.TotalSeconds)} s, and no {InstructionText.Text(seconds)} s");

    private static string In(TimeRange? range) => range is { } stretch ? $"from {InstructionText.Text(Math.Round(stretch.Start.TotalSeconds, 2))} to {InstructionText.Text(Math.Round(stretch.End.TotalSeconds, 2))} s" : "from begin to end";

    private static string Join(string unheard, string[] avoid) => string.Join(", ", avoid.Prepend(unheard).Where(words => words.Length > 0).Distinct());
}
