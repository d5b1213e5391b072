using System.Globalization;
using ThinkSound.Rendering;

namespace ThinkSound.Projects;

/// <summary>Keeps two programs from changing one project. The system's own lock on a file, which ends with the process however that
/// ends; beside it a line that says who holds it. Where that line outlives the lock, its program died.</summary>
internal sealed class ProjectLock : IDisposable
{
    public const string Name = "lock", OwnerName = "lock.owner";

    private readonly FileStream _file;
    private readonly string _owner;

    private ProjectLock(FileStream file, string owner, string? died) => (_file, _owner, Died) = (file, owner, died);

    /// <summary>Who had the project open before and died: "process 1234 on 2026-01-31 12:00:00Z"; null if nobody did.</summary>
    public string? Died { get; }

    /// <exception cref="ProjectException">Another process, or this one, has it, or the folder cannot be written.</exception>
    public static ProjectLock Take(string folder)
    {
        string owner = Path.Combine(folder, OwnerName);
        FileStream? file = null;
        try
        {
            file = new FileStream(Path.Combine(folder, Name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
            string? died = ReadOwner(owner);
            OutputFile.Write(owner, System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName} since {DateTime.UtcNow:u}\n")), overwrite: true);
            return new ProjectLock(file, owner, died);
        }
        catch (IOException e) when (IsTaken(e))
        {
            throw new ProjectException(ProjectFailure.InUse, $"{folder}: is open in another program ({ReadOwner(owner) ?? "which does not say who it is"}); close it there first", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OutputException)
        {
            file?.Dispose();
            throw new ProjectException(ProjectFailure.CannotWrite, $"{folder}: cannot be written: {e.Message}", e);
        }
    }

    public void Dispose()
    {
        if (!_file.CanRead) return; // already; the line may be another's by now
        AtomicFile.TryDelete(_owner);
        _file.Dispose();
    }

    private static string? ReadOwner(string path)
    {
        try
        {
            return File.ReadAllText(path).Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // there is none, or it has just gone
        }
    }

    /// <summary>EAGAIN of Linux and of the BSDs, or a sharing violation of Windows.</summary>
    private static bool IsTaken(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);
}
