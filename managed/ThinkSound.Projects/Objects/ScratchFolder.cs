namespace ThinkSound.Projects;

/// <summary>A folder for files that are needed for a while.</summary>
internal sealed class ScratchFolder : IDisposable
{
    private readonly string _path;

    /// <exception cref="ProjectException">There is no room for one.</exception>
    public ScratchFolder()
    {
        try
        {
            _path = Directory.CreateTempSubdirectory("thinksound-").FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ProjectException(ProjectFailure.CannotWrite, $"{Path.GetTempPath()}: no folder can be made there: {e.Message}", e);
        }
    }

    public string At(string name) => Path.Combine(_path, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(_path, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The system clears its temporary files; what was made from these is done.
        }
    }
}
