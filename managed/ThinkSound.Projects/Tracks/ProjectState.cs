namespace ThinkSound.Projects;

/// <summary>The tracks of a project at one operation. Immutable.</summary>
/// <param name="Timeline">Length and rate of the sound.</param>
/// <param name="Tracks">In the order in which they are summed.</param>
public sealed record ProjectState(Timeline Timeline, IReadOnlyList<Track> Tracks)
{
    /// <summary>A track by its id; null if it is not there.</summary>
    public Track? Find(string id) => Tracks.FirstOrDefault(track => track.Id == id);

    /// <summary>A track by its id.</summary>
    /// <exception cref="ArgumentException">It is not there.</exception>
    public Track Require(string id) => Find(id) ?? throw new ArgumentException(
        $"there is no track \"{id}\"; {(Tracks.Count == 0 ? "the project has none yet" : $"there are {string.Join(", ", Tracks.Select(track => track.Id))}")}");

    /// <summary>The tracks after an operation: known ones keep their place.</summary>
    public ProjectState After(OperationResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        List<Track> tracks = [.. Tracks.Where(track => !result.Removed.Contains(track.Id))];
        foreach (Track changed in result.Tracks)
        {
            int at = tracks.FindIndex(track => track.Id == changed.Id);
            if (at < 0) tracks.Add(changed);
            else tracks[at] = changed;
        }
        return this with { Tracks = tracks };
    }
}

/// <summary>What every stem and mix of a project has in common.</summary>
/// <param name="SampleRate">Hz.</param>
/// <param name="Channels">2.</param>
/// <param name="NumSamples">Samples per channel, as long as the picture.</param>
public sealed record Timeline(int SampleRate, int Channels, long NumSamples)
{
    /// <summary>Length in time.</summary>
    public TimeSpan Duration => TimeSpan.FromSeconds((double)NumSamples / SampleRate);

    /// <summary>The sample nearest to a time, 0 to <see cref="NumSamples"/>.</summary>
    public long SampleAt(TimeSpan time) => Math.Clamp((long)Math.Round(time.TotalSeconds * SampleRate, MidpointRounding.AwayFromZero), 0, NumSamples);
}
