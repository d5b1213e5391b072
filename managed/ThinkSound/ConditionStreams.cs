namespace ThinkSound;

/// <summary>The streams of conditions that a model takes; a learned empty stands for what it is not given.</summary>
[Flags]
public enum ConditionStreams
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>What a video shows: <see cref="Conditions.ClipFeatures"/>.</summary>
    Clip = 1,
    /// <summary>How it moves: <see cref="Conditions.SyncFeatures"/>.</summary>
    Sync = 2,
    /// <summary><see cref="Conditions.Caption"/>.</summary>
    Caption = 4,
    /// <summary><see cref="Conditions.ChainOfThought"/>.</summary>
    Cot = 8,
    /// <summary>What is seen.</summary>
    Video = Clip | Sync,
    /// <summary>All of them.</summary>
    All = Video | Caption | Cot,
}

/// <summary>Streams by their names in bundle.json and on the command line: clip, sync, caption, cot.</summary>
public static class ConditionStreamNames
{
    /// <summary>The streams of some names; null if one is not known, or there are none.</summary>
    public static ConditionStreams? Parse(IEnumerable<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        var streams = ConditionStreams.None;
        foreach (string name in names)
        {
            switch (name)
            {
                case "clip": streams |= ConditionStreams.Clip; break;
                case "sync": streams |= ConditionStreams.Sync; break;
                case "caption": streams |= ConditionStreams.Caption; break;
                case "cot": streams |= ConditionStreams.Cot; break;
                default: return null;
            }
        }
        return streams == ConditionStreams.None ? null : streams;
    }
}
