namespace ThinkSound.Bundles;

/// <summary>Where a program finds its model when nobody names one.</summary>
public static class DefaultBundle
{
    /// <summary>The model that comes with this project.</summary>
    public const string Name = "foley-small";

    /// <summary>Names a bundle for all programs.</summary>
    public const string Variable = "THINKSOUND_BUNDLE";

    /// <summary>The folder of the default bundle: what <see cref="Variable"/> names, else models/foley-small beside the
    /// program, above it (a checkout) or in the current folder.</summary>
    /// <exception cref="ResourceNotFoundException">There is none; the message says where it was looked for and what to do.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            if (File.Exists(Path.Combine(named, "bundle.json"))) return named;
            throw new ResourceNotFoundException($"{named}: no bundle.json in there, but {Variable} names it; point it at a bundle or unset it");
        }
        foreach (string folder in Candidates())
            if (File.Exists(Path.Combine(folder, "bundle.json"))) return folder;
        throw new ResourceNotFoundException(
            $"no model is named and models/{Name} is neither in {AppContext.BaseDirectory} or a folder above it nor in {Environment.CurrentDirectory}.\n" +
            "Name the folder of a bundle (docs/bundle.md describes them), or run scripts/demo.sh, which makes one with random weights to try everything.");
    }

    private static IEnumerable<string> Candidates()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            yield return Path.Combine(folder.FullName, "models", Name);
        yield return Path.Combine(Environment.CurrentDirectory, "models", Name);
    }
}
