using System.Text.Json.Serialization;

namespace ThinkSound.Projects;

/// <summary>A project as it is kept in <c>project.json</c>: the video, every operation that was ever done, and where the work stands.
/// Immutable.</summary>
public sealed record ProjectDocument
{
    /// <summary>The version of the format that is written.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The branch that a project begins with.</summary>
    public const string FirstBranch = "main";

    /// <summary>Version of the format.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The video.</summary>
    public required ProjectVideo Video { get; init; }

    /// <summary>Length and rate of every stem.</summary>
    public required Timeline Timeline { get; init; }

    /// <summary>All of them, by <see cref="Operation.Id"/>; a tree by <see cref="Operation.Parent"/>.</summary>
    public IReadOnlyList<Operation> Operations { get; init; } = [];

    /// <summary>The operation whose tracks are heard; 0 for none.</summary>
    public int Head { get; init; }

    /// <summary>The branch that <see cref="Head"/> lies on.</summary>
    public string Branch { get; init; } = FirstBranch;

    /// <summary>The last operation of each branch by its name; what redo leads to.</summary>
    public IReadOnlyDictionary<string, int> Branches { get; init; } = new Dictionary<string, int> { [FirstBranch] = 0 };

    /// <summary>An operation by its number.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public Operation Find(int id) => Operations.FirstOrDefault(operation => operation.Id == id)
        ?? throw new ArgumentException($"there is no operation {id}; the project has {(Operations.Count == 0 ? "none yet" : $"1 to {Operations[^1].Id}")}");

    /// <summary>From the first operation to <paramref name="id"/>, that one included; empty for 0.</summary>
    /// <exception cref="ArgumentException">There is no such operation.</exception>
    public IReadOnlyList<Operation> PathTo(int id)
    {
        var path = new List<Operation>();
        for (int at = id; at != 0; at = path[^1].Parent) path.Add(Find(at));
        path.Reverse();
        return path;
    }

    /// <summary>The tracks after operation <paramref name="id"/>; of 0, none.</summary>
    /// <exception cref="ArgumentException">There is no such operation.</exception>
    public ProjectState StateAt(int id) =>
        PathTo(id).Aggregate(new ProjectState(Timeline, []), (state, operation) => state.After(operation.Result));
}

/// <summary>The video of a project. It stays where it is; the project knows it again by its content.</summary>
public sealed record ProjectVideo
{
    /// <summary>From the project's folder if it lies near, else from the root.</summary>
    public required string Path { get; init; }

    /// <summary>See <see cref="Bundles.FileFingerprint"/>.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Length of the picture.</summary>
    [JsonPropertyName("duration_s")]
    public TimeSpan Duration { get; init; }

    /// <summary>Pixels as shown.</summary>
    public int Width { get; init; }

    /// <summary>Pixels as shown.</summary>
    public int Height { get; init; }

    /// <summary>Average frames per second; 0 if unknown.</summary>
    public double FramesPerSecond { get; init; }

    /// <summary>Where it was found, absolute; null if it was not. Not part of the file.</summary>
    [JsonIgnore]
    public string? FoundAt { get; init; }

    /// <summary>Why it was not found; null if it was, or was not looked for.</summary>
    [JsonIgnore]
    public string? Problem { get; init; }

    /// <summary>Where it is, for those that cannot do without.</summary>
    /// <exception cref="ProjectException">It is not where it was, or another file is there.</exception>
    public string RequirePath() => FoundAt ?? throw new ProjectException(ProjectFailure.VideoMissing, Problem ?? $"{Path}: the project's video was not looked for");
}
