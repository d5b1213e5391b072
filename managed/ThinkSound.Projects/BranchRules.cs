namespace ThinkSound.Projects;

/// <summary>How operations and branches make a tree of which nothing is ever lost.</summary>
internal static class BranchRules
{
    /// <summary>A document with a further operation at its head. What the branch led to, if the head did not stand at its end, gets a
    /// branch of its own: "main-2".</summary>
    public static ProjectDocument Append(ProjectDocument document, Operation operation)
    {
        IReadOnlyDictionary<string, int> branches = document.Branches;
        int tip = branches[document.Branch];
        bool isElsewhere = branches.Any(branch => branch.Key != document.Branch && document.PathTo(branch.Value).Any(other => other.Id == tip));
        if (tip != document.Head && !isElsewhere)
        {
            int number = 2;
            while (branches.ContainsKey($"{document.Branch}-{number}")) number++;
            branches = With(branches, $"{document.Branch}-{number}", tip);
        }
        return document with { Operations = [.. document.Operations, operation], Head = operation.Id, Branches = With(branches, document.Branch, operation.Id) };
    }

    public static IReadOnlyDictionary<string, int> With(IReadOnlyDictionary<string, int> branches, string name, int tip) =>
        new SortedDictionary<string, int>(branches.ToDictionary(), StringComparer.Ordinal) { [name] = tip };

    /// <exception cref="ArgumentException">It makes no sense.</exception>
    public static void CheckName(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name.Length > 64 || !name.All(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.'))
            throw new ArgumentException($"\"{name}\" is no name of a branch: letters, digits, dashes, underscores and points, up to 64 of them");
    }
}
