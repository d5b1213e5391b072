using ThinkSound.Projects.Editing.Grammar;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects.Editing;

/// <summary>What a clause's time comes to for one sound.</summary>
internal sealed class TimeResolver(EditSubject subject, EditClause clause, List<string> notices)
{
    private readonly TimeSpan _whole = subject.Duration;

    /// <summary>The stretch that is meant; null for all of it.</summary>
    /// <param name="sound">What is changed or added; "the second bark" is a time of its own.</param>
    /// <param name="track">Where; null for what is added.</param>
    /// <param name="length">How long something lasts that is put at a moment; null where a moment alone is not enough.</param>
    public TimeRange? Resolve(SoundPhrase sound, EditableTrack? track, TimeSpan? length)
    {
        TimeRange? own = track is not null && sound.Ordinal is { } ordinal ? Nth(track, sound, ordinal) : null;
        if (clause.When is not { IsWhole: false } when) return own;
        TimeSpan? lasts = when.Length is { } seconds ? TimeSpan.FromSeconds(seconds) : length;
        TimeRange stretch = when switch
        {
            { Event: not null } => ByEvent(when, lasts),
            { At: { } at } => At(Time(at), lasts),
            { From: { } from, To: { } to } when to <= from => throw new EditException(EditProblem.Contradictory, $"\"{clause.Text}\": it would end at {Text(to)} s, before its begin at {Text(from)} s"),
            { From: { } from, To: { } to } => new TimeRange(Time(from), End(to)),
            { From: { } from } => new TimeRange(Time(from), when.Length is null ? _whole : Least(Time(from) + lasts!.Value)),
            { To: { } to } => new TimeRange(TimeSpan.Zero, End(to)),
            { Margin: { } margin } => margin > 0 ? new TimeRange(TimeSpan.Zero, End(margin)) : new TimeRange(_whole - End(-margin), _whole),
            { Part: { } part } => OfPart(part, when.Length),
            { Length: { } alone } => new TimeRange(TimeSpan.Zero, End(alone)),
            _ => new TimeRange(TimeSpan.Zero, _whole),
        };
        if (own is not { } moment) return stretch;
        TimeSpan begin = moment.Start > stretch.Start ? moment.Start : stretch.Start, end = moment.End < stretch.End ? moment.End : stretch.End;
        return begin < end ? new TimeRange(begin, end) : throw new EditException(EditProblem.Contradictory,
            $"\"{clause.Text}\": that {sound.Words} is heard from {Text(moment.Start.TotalSeconds)} to {Text(moment.End.TotalSeconds)} s, and not from {Text(stretch.Start.TotalSeconds)} to {Text(stretch.End.TotalSeconds)} s");
    }

    /// <summary>The stretch by which a sound goes on: from its end, or from where is said, for as long as is said.</summary>
    /// <param name="track">Whose sound.</param>
    /// <param name="chosen">Chosen beside the words.</param>
    public TimeRange Extension(EditableTrack track, TimeRange? chosen)
    {
        TimePhrase? when = clause.When;
        if (chosen is { } range && when is null && clause.Amount is { Seconds: null, ToSeconds: null }) return range;
        TimeSpan begin = when?.From is { } from ? Time(from) : track.Listen is null ? _whole : Moments.Extent(track.Listen())?.End
            ?? throw new EditException(EditProblem.Impossible, $"\"{clause.Text}\": {Names.Of(track)} is silent, and silence goes on by itself");
        if (when?.From is null && _whole - begin < TimeSpan.FromMilliseconds(50)) begin = _whole;
        double? length = clause.Amount.Seconds ?? when?.Length, to = clause.Amount.ToSeconds ?? when?.To;
        TimeSpan end = to is { } until ? TimeSpan.FromSeconds(until) : length is { } seconds ? begin + TimeSpan.FromSeconds(seconds)
            : begin < _whole ? _whole : begin + TimeSpan.FromSeconds(2);
        if (end > _whole && !subject.MayGrow)
        {
            if (begin >= _whole) throw new EditException(EditProblem.OutOfRange, $"\"{clause.Text}\": {Names.Of(track)} goes on to the end of the {Text(_whole.TotalSeconds)} s already, and the picture ends there");
            if (to is not null) throw Beyond(to.Value);
            notices.Add($"the picture ends at {Text(_whole.TotalSeconds)} s, and so does the sound");
            end = _whole;
        }
        return end > begin ? new TimeRange(begin, end) : throw new EditException(EditProblem.Contradictory, $"\"{clause.Text}\": it goes on until {Text(begin.TotalSeconds)} s already");
    }

    private TimeRange ByEvent(TimePhrase when, TimeSpan? length)
    {
        SoundPhrase sound = when.Event!;
        foreach (EditableTrack track in Names.Tracks(subject, sound) is { Count: > 0 } own ? own : subject.Tracks.Where(track => track.IsMix))
        {
            TimeRange span;
            if (sound.Ordinal is { } ordinal)
            {
                if (Moments.Of(track, sound, out _).Count == 0) continue;
                span = Nth(track, sound, ordinal);
            }
            else
            {
                IReadOnlyList<TimeRange> moments = Moments.Of(track, sound, out bool isGuess);
                if (moments.Count == 0 || isGuess && moments.Count > 1) continue;
                span = new TimeRange(moments[0].Start, moments.Max(moment => moment.End));
                if (moments.Count > 1) notices.Add($"{sound.Words} is heard {moments.Count} times; all of them together are meant");
            }
            var offset = TimeSpan.FromSeconds(when.Offset);
            switch (when.Relation)
            {
                case EventRelation.After:
                    TimeSpan begin = Least(span.End + offset);
                    if (begin >= _whole) throw new EditException(EditProblem.OutOfRange, $"\"{clause.Text}\": after that nothing is left of the {Text(_whole.TotalSeconds)} s");
                    return new TimeRange(begin, length is { } lasts ? Least(begin + lasts) : _whole);
                case EventRelation.Before:
                    TimeSpan end = span.Start - offset;
                    if (end <= TimeSpan.Zero) throw new EditException(EditProblem.OutOfRange, $"\"{clause.Text}\": there is no time before that");
                    return new TimeRange(length is { } long_ && long_ < end ? end - long_ : TimeSpan.Zero, end);
                case EventRelation.Until:
                    return span.Start > TimeSpan.Zero ? new TimeRange(TimeSpan.Zero, span.Start) : throw new EditException(EditProblem.OutOfRange, $"\"{clause.Text}\": there is no time before that");
                default:
                    return length is { } own_ && own_ > span.End - span.Start ? new TimeRange(span.Start, Least(span.Start + own_)) : new TimeRange(span.Start, Least(span.End));
            }
        }
        throw new EditException(EditProblem.UnknownSound, $"\"{clause.Text}\": nobody knows when \"{sound.Words}\" is heard; give the time in seconds. There {(subject.Tracks.Count == 1 ? "is" : "are")} {Names.List(subject)}");
    }

    private TimeRange Nth(EditableTrack track, SoundPhrase sound, int ordinal)
    {
        IReadOnlyList<TimeRange> moments = Moments.Of(track, sound, out bool isGuess);
        int index = ordinal < 0 ? moments.Count - 1 : ordinal - 1;
        if (index < 0 || index >= moments.Count)
            throw new EditException(EditProblem.OutOfRange, $"\"{clause.Text}\": {(moments.Count == 0 ? "no" : $"only {moments.Count}")} {sound.Words} can be made out on {Names.Of(track)}; give the time in seconds");
        if (isGuess) notices.Add($"nobody said which onset on {Names.Of(track)} is whose; of {moments.Count} the one at {Text(moments[index].Start.TotalSeconds)} s is taken");
        return moments[index];
    }

    private TimeRange At(TimeSpan moment, TimeSpan? length) => length is { } lasts ? new TimeRange(moment, Least(moment + lasts))
        : throw new EditException(EditProblem.Ambiguous, $"\"{clause.Text}\": {Text(moment.TotalSeconds)} s is a moment; say from when to when, such as \"from {Text(moment.TotalSeconds)} to {Text(moment.TotalSeconds + 1)} s\"");

    private TimeRange OfPart((double From, double To) part, double? length)
    {
        TimeSpan from = _whole * part.From, to = _whole * part.To;
        if (length is not { } seconds) return new TimeRange(from, to);
        TimeSpan lasts = End(seconds);
        return part.To >= 1 ? new TimeRange(_whole - lasts, _whole) : part.From <= 0 ? new TimeRange(TimeSpan.Zero, lasts) : new TimeRange((_whole - lasts) / 2, (_whole + lasts) / 2);
    }

    private TimeSpan Time(double seconds) => seconds < _whole.TotalSeconds ? TimeSpan.FromSeconds(seconds) : throw Beyond(seconds);

    private TimeSpan End(double seconds) => seconds <= _whole.TotalSeconds + 0.005 ? Least(TimeSpan.FromSeconds(seconds)) : throw Beyond(seconds);

    private TimeSpan Least(TimeSpan time) => time < _whole ? time : _whole;

    private EditException Beyond(double seconds) => new(EditProblem.OutOfRange, $"\"{clause.Text}\": {Text(seconds)} s lies past the end; the sound has {Text(_whole.TotalSeconds)} s");

    private static string Text(double seconds) => InstructionText.Text(Math.Round(seconds, 2));
}
