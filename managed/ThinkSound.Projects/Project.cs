using System.Text.Json;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>How a project is opened.</summary>
public enum ProjectAccess
{
    /// <summary>To look and listen. Any number of programs at a time, also beside one that works on it; shows the project as it was
    /// when it was opened.</summary>
    Read,
    /// <summary>To work on it. One program at a time.</summary>
    Write,
}

/// <summary>Work on the sound of a video: a folder with <c>project.json</c>, and beside it the sound of every operation by its content.
/// Each change is on disk when its method returns, completely, and whatever happens before that leaves the project as it was.
/// Any thread; one change at a time.</summary>
/// <example>
/// <code>
/// using Project project = await Project.CreateAsync("rain", "clip.mp4");
/// var renderers = new OperationRenderers(new FoleyRenderer(new PipelineSoundGenerator(engineOptions)));
/// await project.ApplyAsync(new FoleyPayload { Seed = 7 }, reasoning, renderers);
/// await ProjectExport.RenderAsync(project, "with-sound.mp4");
/// </code>
/// </example>
public sealed partial class Project : IDisposable
{
    private readonly DocumentFile _file;
    private readonly ProjectLock? _lock;
    private readonly ContentFolder _content;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private volatile ProjectDocument _document;

    private Project(string folder, DocumentFile file, ProjectDocument document, ProjectLock? @lock)
    {
        (Folder, _file, _document, _lock) = (folder, file, document, @lock);
        _content = new ContentFolder(ContentPath(folder));
        Stems = new StemStore(_content, document.Timeline);
    }

    /// <summary>Where it lies, absolute.</summary>
    public string Folder { get; }

    /// <summary>The project as it is now.</summary>
    public ProjectDocument Document => _document;

    /// <summary>The tracks at the head.</summary>
    public ProjectState State => _document.StateAt(_document.Head);

    /// <summary>It was opened to work on.</summary>
    public bool IsWritable => _lock is not null;

    /// <summary>Who worked on it last and died, if so; what that program had completed is there.</summary>
    public string? Died => _lock?.Died;

    /// <summary>The sound of its tracks, to be read.</summary>
    public IStemStore Stems { get; }

    /// <summary>Makes a project without any sound.</summary>
    /// <param name="folder">Made if need be; must be empty.</param>
    /// <param name="video">Its video, which stays where it is.</param>
    /// <param name="cancellationToken">Stops it, and leaves nothing.</param>
    /// <exception cref="ProjectException">The folder is not empty, or cannot be written.</exception>
    /// <exception cref="ThinkSoundException">The video is missing, cannot be read or has no picture.</exception>
    public static Task<Project> CreateAsync(string folder, string video, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(video);
        return Task.Run(() =>
        {
            folder = Path.GetFullPath(folder);
            bool wasThere = Directory.Exists(folder);
            if (File.Exists(folder) || (wasThere && Directory.EnumerateFileSystemEntries(folder).Any()))
                throw new ProjectException(ProjectFailure.InTheWay, $"{folder}: is not empty; a new project needs a folder of its own");
            ProjectVideo link = VideoLink.Of(video, folder, cancellationToken);
            var document = new ProjectDocument { Video = link, Timeline = new Timeline(SampleRate, Channels, Math.Max(1, (long)Math.Round(link.Duration.TotalSeconds * SampleRate))) };
            ProjectLock? taken = null;
            bool isOurs = false;
            try
            {
                Directory.CreateDirectory(folder);
                taken = ProjectLock.Take(folder);
                var file = new DocumentFile(folder);
                if (file.Exists) throw new ProjectException(ProjectFailure.InTheWay, $"{folder}: another program has just made a project there");
                isOurs = true;
                file.Save(document);
                return new Project(folder, file, document, taken);
            }
            catch (Exception e)
            {
                taken?.Dispose();
                if (isOurs && !wasThere) TryDeleteNew(folder);
                if (e is IOException or UnauthorizedAccessException) throw new ProjectException(ProjectFailure.CannotWrite, $"{folder}: cannot be made: {e.Message}", e);
                throw;
            }
        });
    }

    /// <summary>Opens a project.</summary>
    /// <exception cref="ProjectException">There is none, it is damaged, newer than this program, or another program works on it.</exception>
    public static Project Open(string folder, ProjectAccess access = ProjectAccess.Write)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        folder = Path.GetFullPath(folder);
        var file = new DocumentFile(folder);
        if (access == ProjectAccess.Read || !file.Exists) return new Project(folder, file, file.Load(), null); // without a document: throws
        ProjectLock taken = ProjectLock.Take(folder);
        try
        {
            ProjectDocument document = file.Load();
            DeleteLeftovers(folder);
            DeleteLeftovers(ContentPath(folder));
            return new Project(folder, file, document, taken);
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>Goes back to the document from before the last change where the one that is there cannot be read; that one is kept as
    /// <c>project.damaged.json</c>.</summary>
    /// <exception cref="ProjectException">The document is in order, or there is no good copy.</exception>
    public static void Restore(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        folder = Path.GetFullPath(folder);
        if (!Directory.Exists(folder)) throw new ProjectException(ProjectFailure.NotAProject, $"{folder}: no such folder");
        using ProjectLock taken = ProjectLock.Take(folder);
        new DocumentFile(folder).Restore();
    }

    /// <summary>Looks for the video.</summary>
    /// <returns>With <see cref="ProjectVideo.FoundAt"/>, unless it is missing or another one.</returns>
    public ProjectVideo FindVideo() => VideoLink.Find(_document.Video, Folder);

    /// <summary>Says where the video is now.</summary>
    /// <param name="video">The same video in another place.</param>
    /// <param name="anyVideo">Takes another video, too, such as a new encoding; operations may then render to other samples.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="ArgumentException">It is another video, and <paramref name="anyVideo"/> is false, or it is of another length.</exception>
    public Task RelinkAsync(string video, bool anyVideo = false, CancellationToken cancellationToken = default) => ChangeAsync(() => Task.Run(() =>
    {
        ProjectVideo link = VideoLink.Of(video, Folder, cancellationToken);
        if (link.Fingerprint != _document.Video.Fingerprint && !anyVideo)
            throw new ArgumentException($"{video}: is not the video that the project was made with; --any-video takes it all the same");
        if (Math.Abs((link.Duration - _document.Video.Duration).TotalSeconds) > 0.1)
            throw new ArgumentException($"{video}: is {link.Duration.TotalSeconds:0.00} s long, and the project's video {_document.Video.Duration.TotalSeconds:0.00} s");
        Save(_document with { Video = link });
    }), cancellationToken);

    /// <summary>Gives it free for others.</summary>
    public void Dispose()
    {
        _lock?.Dispose();
        _gate.Dispose();
    }

    private const int SampleRate = 44_100, Channels = 2; // what the model makes

    private static string ContentPath(string folder) => Path.Combine(folder, "content");

    private void Save(ProjectDocument document)
    {
        _file.Save(document);
        _document = document;
    }

    /// <summary>One change at a time, and none without the lock.</summary>
    private async Task ChangeAsync(Func<Task> change, CancellationToken cancel)
    {
        if (!IsWritable) throw new InvalidOperationException("the project was opened to be read only");
        await _gate.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await change().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>What a program that died had not completed: files of our names, for others may be somebody's.</summary>
    private static void DeleteLeftovers(string folder)
    {
        if (!Directory.Exists(folder)) return;
        foreach (string file in Directory.EnumerateFiles(folder, "*" + ContentFile.Temporary))
            if (Path.GetFileNameWithoutExtension(file) is { Length: >= 32 } name && Guid.TryParseExact(name[^32..], "N", out _)) AtomicFile.TryDelete(file);
    }

    private static void TryDeleteNew(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What kept it from being made may keep it from being deleted; the first reason is the one to tell.
        }
    }

    /// <summary>As it will be read again: times to the microsecond, so that a first rendering has exactly what a second one will.</summary>
    private static OperationPayload AsKept(OperationPayload payload) =>
        JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(payload, ProjectJson.Default.OperationPayload), ProjectJson.Default.OperationPayload)!;

    private static Reasoning.Reasoning? AsKept(Reasoning.Reasoning? reasoning) => reasoning is null ? null : ReasoningFile.Parse(ReasoningFile.Write(reasoning));
}
