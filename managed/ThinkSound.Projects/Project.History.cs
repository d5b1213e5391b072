namespace ThinkSound.Projects;

// Moves of the head. Nothing is rendered and nothing is lost.
public sealed partial class Project
{
    /// <summary>The operation that <see cref="UndoAsync"/> takes back; null for none.</summary>
    public Operation? ToUndo => _document.Head == 0 ? null : _document.Find(_document.Head);

    /// <summary>The operation that <see cref="RedoAsync"/> does again; null for none.</summary>
    public Operation? ToRedo => _document.PathTo(_document.Branches[_document.Branch]).FirstOrDefault(operation => operation.Parent == _document.Head);

    /// <summary>Steps back behind the operation at the head.</summary>
    /// <returns>The operation that was taken back.</returns>
    /// <exception cref="ProjectException">There is none.</exception>
    public Task<Operation> UndoAsync(CancellationToken cancellationToken = default) => MoveAsync(() =>
    {
        Operation undone = ToUndo ?? throw new ProjectException(ProjectFailure.NothingThere, "there is nothing to undo");
        return (undone, _document with { Head = undone.Parent });
    }, cancellationToken);

    /// <summary>Steps forward on the branch.</summary>
    /// <returns>The operation that is done again.</returns>
    /// <exception cref="ProjectException">There is none.</exception>
    public Task<Operation> RedoAsync(CancellationToken cancellationToken = default) => MoveAsync(() =>
    {
        Operation redone = ToRedo ?? throw new ProjectException(ProjectFailure.NothingThere, $"there is nothing to redo on branch {_document.Branch}");
        return (redone, _document with { Head = redone.Id });
    }, cancellationToken);

    /// <summary>Goes to the end of a branch; one that is not there yet begins at <paramref name="at"/>.</summary>
    /// <param name="name">Letters, digits, dashes, underscores and points.</param>
    /// <param name="at">The operation at which a new branch begins, 0 for the empty project; null is the head.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>Whether the branch is new.</returns>
    /// <exception cref="ArgumentException">The name makes no sense, or the branch is there already and <paramref name="at"/> is given.</exception>
    public Task<bool> BranchAsync(string name, int? at = null, CancellationToken cancellationToken = default) => MoveAsync(() =>
    {
        BranchRules.CheckName(name);
        ProjectDocument document = _document;
        bool isNew = !document.Branches.ContainsKey(name);
        if (!isNew && at is not null) throw new ArgumentException($"there is a branch {name} already; choose another name, or leave out where it begins to go there");
        int tip = isNew ? at ?? document.Head : document.Branches[name];
        document.PathTo(tip); // is there
        return (isNew, document with { Branch = name, Head = tip, Branches = BranchRules.With(document.Branches, name, tip) });
    }, cancellationToken);

    private async Task<T> MoveAsync<T>(Func<(T Result, ProjectDocument Document)> move, CancellationToken cancel)
    {
        T? result = default;
        await ChangeAsync(() => Task.Run(() =>
        {
            (result, ProjectDocument document) = move();
            Save(document);
        }, cancel), cancel).ConfigureAwait(false);
        return result!;
    }
}
