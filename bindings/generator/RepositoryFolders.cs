namespace ThinkSound.Bindings.Generator;

/// <summary>Where this checkout keeps what is read and written.</summary>
internal static class RepositoryFolders
{
    public static string Root { get; } = FindRoot();

    public static string[] IncludeFolders => [Path.Combine(Root, "native", "include"), Path.Combine(Root, "native", "media")];

    public static string InRoot(string path) => Path.Combine(Root, path.Replace('/', Path.DirectorySeparatorChar));

    private static string FindRoot()
    {
        // From the working folder first: outputs may lie outside of the checkout.
        foreach (string start in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory, SourceFolder() })
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
                if (File.Exists(Path.Combine(folder.FullName, "native", "include", "thinksound.h"))) return folder.FullName;
        throw new GeneratorException("no native/include/thinksound.h above the working folder: run this inside a checkout");
    }

    private static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.GetDirectoryName(here) is { Length: > 0 } folder && Directory.Exists(folder) ? folder : AppContext.BaseDirectory;
}
