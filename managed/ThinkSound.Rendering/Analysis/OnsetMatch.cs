namespace ThinkSound.Rendering.Analysis;

/// <summary>Onsets held against the events that should be heard.</summary>
/// <param name="Found">Onsets of the sound.</param>
/// <param name="Events">When something happens.</param>
/// <param name="Errors">Of each hit, in order of closeness: onset − event; positive is late.</param>
public sealed record OnsetMatch(IReadOnlyList<TimeSpan> Found, IReadOnlyList<TimeSpan> Events, IReadOnlyList<TimeSpan> Errors)
{
    /// <summary>How far an onset may lie from its event: 60 ms, as in training/scenes/onsets.py.</summary>
    public static TimeSpan Tolerance { get; } = TimeSpan.FromMilliseconds(60);

    /// <summary>Events that have an onset of their own within <see cref="Tolerance"/>.</summary>
    public int Hits => Errors.Count;

    /// <summary>Median of the hits' absolute errors; null without hits.</summary>
    public TimeSpan? MedianError
    {
        get
        {
            if (Hits == 0) return null;
            TimeSpan[] sorted = [.. Errors.Select(error => error.Duration()).Order()];
            return (sorted[(Hits - 1) / 2] + sorted[Hits / 2]) / 2;
        }
    }

    /// <summary>Pairs onsets and events one to one, the closest first.</summary>
    public static OnsetMatch Of(IReadOnlyList<TimeSpan> found, IReadOnlyList<TimeSpan> events)
    {
        ArgumentNullException.ThrowIfNull(found);
        ArgumentNullException.ThrowIfNull(events);
        var pairs = from f in Enumerable.Range(0, found.Count)
                    from e in Enumerable.Range(0, events.Count)
                    let error = found[f] - events[e]
                    where error.Duration() <= Tolerance
                    orderby error.Duration(), f, e
                    select (Found: f, Event: e, Error: error);
        HashSet<int> usedFound = [], usedEvents = [];
        var errors = new List<TimeSpan>();
        foreach (var pair in pairs)
        {
            if (usedFound.Contains(pair.Found) || usedEvents.Contains(pair.Event)) continue;
            usedFound.Add(pair.Found);
            usedEvents.Add(pair.Event);
            errors.Add(pair.Error);
        }
        return new OnsetMatch(found, events, errors);
    }
}
