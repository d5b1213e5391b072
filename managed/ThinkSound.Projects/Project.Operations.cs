using System.Text.Json;

namespace ThinkSound.Projects;

// What is done to the tracks, and how it is done again.
public sealed partial class Project
{
    /// <summary>Renders an operation on top of the head and keeps it. What stood behind the head stays on a branch of its own.</summary>
    /// <param name="payload">What to do.</param>
    /// <param name="reasoning">What was thought; null if nobody did.</param>
    /// <param name="renderers">Who renders it.</param>
    /// <param name="title">In a line for people; null writes one.</param>
    /// <param name="progress">Told how far it is, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step, and leaves the project as it was.</param>
    /// <returns>The operation, which is on disk.</returns>
    /// <exception cref="ArgumentException">The payload makes no sense for this project.</exception>
    /// <exception cref="ProjectException">The video is missing where it is needed, or the disk is full.</exception>
    /// <exception cref="ThinkSoundException">The model cannot do it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public async Task<Operation> ApplyAsync(OperationPayload payload, Reasoning.Reasoning? reasoning, OperationRenderers renderers, string? title = null,
                                            IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(payload);
        ArgumentNullException.ThrowIfNull(renderers);
        Operation? done = null;
        await ChangeAsync(async () =>
        {
            ProjectDocument document = _document;
            var operation = new Operation
            {
                Id = document.Operations.Count == 0 ? 1 : document.Operations[^1].Id + 1,
                Parent = document.Head,
                Title = title ?? Titles.Of(payload, reasoning),
                Payload = AsKept(payload),
                Reasoning = AsKept(reasoning),
            };
            using var stems = new StemStore(_content, document.Timeline);
            OperationResult result = await RenderAsync(operation, document, renderers, stems, progress, cancellationToken).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            done = operation with { Result = result, Created = DateTimeOffset.UtcNow };
            Durability.Sync(_content.Path);
            Save(BranchRules.Append(document, done));
            stems.Commit();
        }, cancellationToken).ConfigureAwait(false);
        return done!;
    }

    /// <summary>Renders an operation again and compares. Sound that was missing or damaged is there again afterwards if it came out
    /// the same; nothing else changes.</summary>
    /// <param name="id">Of the operation.</param>
    /// <param name="renderers">Who renders it.</param>
    /// <param name="progress">Told how far it is, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    public async Task<RerenderResult> RerenderAsync(int id, OperationRenderers renderers, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(renderers);
        RerenderResult? outcome = null;
        await ChangeAsync(async () =>
        {
            Operation operation = _document.Find(id);
            using var stems = new StemStore(_content, _document.Timeline);
            OperationResult again = await RenderAsync(operation, _document, renderers, stems, progress, cancellationToken).ConfigureAwait(false);
            bool isSame = AsText(again) == AsText(operation.Result);
            if (isSame) stems.Commit();
            outcome = new RerenderResult(operation, again, isSame);
        }, cancellationToken).ConfigureAwait(false);
        return outcome!;

        // Tracks with the hashes of their sounds; which model said what of itself does not count.
        static string AsText(OperationResult result) => JsonSerializer.Serialize(result with { Model = null, Candidates = [], Notices = [] }, ProjectJson.Default.OperationResult);
    }

    /// <summary>Reads every sound of every operation and compares it with its hash.</summary>
    /// <returns>Operations whose sound is missing or damaged, and what is wrong.</returns>
    public Task<IReadOnlyList<DamagedSound>> VerifyAsync(IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default) => Task.Run(() =>
    {
        ProjectDocument document = _document;
        var problems = new Dictionary<string, string?>();
        var damaged = new List<DamagedSound>();
        for (int i = 0; i < document.Operations.Count; i++)
        {
            progress?.Report(new("reading the sound", (double)i / document.Operations.Count, $"{i} of {document.Operations.Count} operations"));
            foreach (Track track in document.Operations[i].Result.Tracks)
            {
                if (!problems.TryGetValue(track.Audio.Hash, out string? problem))
                    problems[track.Audio.Hash] = problem = _content.Verify(track.Audio.Hash, ContentFolder.StemEnding, StemStore.BytesOf(track.Audio, document.Timeline), cancellationToken);
                if (problem is not null) damaged.Add(new DamagedSound(document.Operations[i], track.Id, problem));
            }
        }
        return (IReadOnlyList<DamagedSound>)damaged;
    });

    private async Task<OperationResult> RenderAsync(Operation operation, ProjectDocument document, OperationRenderers renderers, StemStore stems,
                                                    IProgress<ProjectProgress>? progress, CancellationToken cancel)
    {
        IOperationRenderer renderer = renderers.For(operation.Payload);
        ProjectState before = document.StateAt(operation.Parent);
        var request = new RenderRequest
        {
            OperationId = operation.Id, Payload = operation.Payload, Reasoning = operation.Reasoning, Before = before,
            Video = await Task.Run(FindVideo).ConfigureAwait(false), Stems = stems,
        };
        OperationResult result = await renderer.RenderAsync(request, progress, cancel).ConfigureAwait(false);
        DocumentChecks.Check(result, before, $"the renderer of \"{renderer.Kind}\": ");
        foreach (Track track in result.Tracks) stems.Open(track.Audio).Dispose(); // is there, and as long as it says
        return result;
    }
}

/// <summary>What came of rendering an operation again.</summary>
/// <param name="Operation">As it is kept.</param>
/// <param name="Again">What came out this time.</param>
/// <param name="IsSame">Every track and every sample is the same.</param>
public sealed record RerenderResult(Operation Operation, OperationResult Again, bool IsSame)
{
    /// <summary>Another model, device or version made it this time, which would explain a difference.</summary>
    public bool HasOtherModel => Operation.Result.Model != Again.Model;
}

/// <summary>Sound that is not what it was.</summary>
/// <param name="Operation">That made it.</param>
/// <param name="Track">The <see cref="Track.Id"/>.</param>
/// <param name="Problem">What is wrong with it.</param>
public sealed record DamagedSound(Operation Operation, string Track, string Problem);
