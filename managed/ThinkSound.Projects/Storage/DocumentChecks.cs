namespace ThinkSound.Projects;

/// <summary>What must hold in a document and in the result of an operation, whoever wrote it.</summary>
internal static class DocumentChecks
{
    private const long MostSamples = 1L << 40; // 288 days

    /// <exception cref="ArgumentException">Something does not; the message says what.</exception>
    public static void Check(ProjectDocument document)
    {
        Timeline timeline = document.Timeline;
        Require(timeline is { SampleRate: >= 8000 and <= 192_000, Channels: 2, NumSamples: > 0 and < MostSamples }, "its timeline makes no sense");
        Require(document.Video.Path.Length > 0 && !document.Video.Path.Contains('\0'), "its video has no path");
        double video = document.Video.Duration.TotalSeconds, sound = timeline.Duration.TotalSeconds;
        Require(Math.Abs(video - sound) <= 1, $"its sound is {sound:0.00} s long, and its video {video:0.00} s");
        var states = new Dictionary<int, ProjectState> { [0] = new(timeline, []) };
        int last = 0;
        foreach (Operation operation in document.Operations)
        {
            Require(operation is not null, "an operation is null");
            Require(operation!.Id == last + 1, $"operation {operation.Id} is out of order");
            Require(states.TryGetValue(operation.Parent, out ProjectState? before), $"operation {operation.Id} follows {operation.Parent}, which is not before it");
            Check(operation.Result, before!, $"operation {operation.Id}: ");
            states.Add(last = operation.Id, before!.After(operation.Result));
        }
        foreach (var (name, tip) in document.Branches) Require(states.ContainsKey(tip), $"branch {name} leads to operation {tip}, which is not there");
        Require(document.Branches.TryGetValue(document.Branch, out int end), $"there is no branch {document.Branch}");
        Require(document.Head == 0 || document.PathTo(end).Any(operation => operation.Id == document.Head), $"operation {document.Head} does not lie on branch {document.Branch}");
    }

    /// <exception cref="ArgumentException">A track cannot be mixed.</exception>
    public static void Check(OperationResult result, ProjectState before, string where)
    {
        foreach (Track track in result.Tracks)
        {
            Require(track is not null, $"{where}a track is null");
            string at = $"{where}track \"{track!.Id}\"";
            Require(track.Id.Length is > 0 and <= 64 && track.Id.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'), $"{at} has an id that is not of small letters, digits and dashes");
            Require(result.Tracks.Count(other => other.Id == track.Id) == 1, $"{at} is there twice");
            Require(!result.Removed.Contains(track.Id), $"{at} is both there and gone");
            Require(track.Audio.Hash.Length == 64 && track.Audio.Hash.All(char.IsAsciiHexDigitLower) && track.Audio.NumSamples is >= 0 and < MostSamples && Math.Abs(track.Audio.Start) < MostSamples, $"{at} has a sound that makes no sense");
            Require(track.GainDb is >= -120 and <= 24, $"{at}: its gain, {track.GainDb} dB, is not between -120 and 24");
            Require(InOrder(track.LevelDb) && track.LevelDb.All(point => point.Value is >= -120 and <= 24), $"{at}: its levels are not in order of time, or not between -120 and 24 dB");
            Require(InOrder(track.Pan) && track.Pan.All(point => point.Value is >= -1 and <= 1), $"{at}: its pans are not in order of time, or not between -1 and 1");
            Require(track.Ducks.All(duck => duck is not null && duck.Range.Start < duck.Range.End && duck.Fade >= TimeSpan.Zero && duck.AmountDb is > 0 and <= 120), $"{at}: a duck makes no sense");
        }
        foreach (string id in result.Removed) Require(before.Find(id) is not null, $"{where}track \"{id}\" is to go, and is not there");
    }

    private static bool InOrder(IReadOnlyList<AutomationPoint> points) => points.Zip(points.Skip(1)).All(pair => pair.First.Time <= pair.Second.Time);

    private static void Require(bool holds, string otherwise)
    {
        if (!holds) throw new ArgumentException(otherwise);
    }
}
