using System.Text.Json;
using ThinkSound.Rendering;

namespace ThinkSound.Projects;

/// <summary><c>project.json</c>, which is there completely or not at all, and the copy from before its last change.</summary>
internal sealed class DocumentFile(string folder)
{
    public const string Name = "project.json", PreviousName = "project.previous.json", DamagedName = "project.damaged.json";

    private byte[]? _saved; // what lies in the file

    private string At(string name) => Path.Combine(folder, name);

    public bool Exists => File.Exists(At(Name));

    /// <exception cref="ProjectException">There is none, it is damaged, or of a newer version.</exception>
    public ProjectDocument Load() => Load(Name);

    /// <summary>Writes it, durably. Whatever goes wrong, the file holds either the old document or the new one.</summary>
    /// <exception cref="ProjectException">It cannot be written, and holds the old one.</exception>
    public void Save(ProjectDocument document)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(document, ProjectJson.Default.ProjectDocument);
        try
        {
            if (_saved is not null) OutputFile.Write(At(PreviousName), _saved, overwrite: true);
            OutputFile.Write(At(Name), bytes, overwrite: true);
        }
        catch (OutputException e)
        {
            throw new ProjectException(ProjectFailure.CannotWrite, $"{e.Message}; the project is as it was", e);
        }
        Durability.Sync(folder);
        _saved = bytes;
    }

    /// <summary>Puts the copy from before the last change in the place of a document that cannot be read, which is kept under another name.</summary>
    /// <exception cref="ProjectException">The document can be read, or the copy cannot.</exception>
    public void Restore()
    {
        try
        {
            Load();
        }
        catch (ProjectException e) when (e.Failure is ProjectFailure.Damaged or ProjectFailure.NotAProject)
        {
            Load(PreviousName);
            try
            {
                if (Exists) File.Move(At(Name), At(DamagedName), overwrite: true);
                OutputFile.Write(At(Name), _saved!, overwrite: true);
            }
            catch (Exception inner) when (inner is IOException or UnauthorizedAccessException or OutputException)
            {
                throw new ProjectException(ProjectFailure.CannotWrite, $"{folder}: cannot be written: {inner.Message}", inner);
            }
            return;
        }
        throw new ProjectException(ProjectFailure.NothingThere, $"{At(Name)}: is in order; nothing was restored");
    }

    private ProjectDocument Load(string name)
    {
        string path = At(name), remedy = File.Exists(At(PreviousName)) && name == Name
            ? $"{At(PreviousName)} holds it as it was before the last change, and \"thinksound project restore {folder}\" goes back to it" : "restore it from a copy";
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            CheckVersion(bytes, path);
            ProjectDocument document = JsonSerializer.Deserialize(bytes, ProjectJson.Default.ProjectDocument) ?? throw new JsonException("it is null");
            DocumentChecks.Check(document);
            _saved = bytes;
            return document;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ProjectException(ProjectFailure.NotAProject, File.Exists(At(PreviousName)) && name == Name
                ? $"{path}: is missing; {remedy}" : $"{folder}: is no project: there is no {name} in it; \"thinksound project new VIDEO -o FOLDER\" makes one", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ProjectException(ProjectFailure.Damaged, $"{path}: cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NotSupportedException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new ProjectException(ProjectFailure.Damaged, $"{path}: is damaged: {e.Message}; {remedy}", e);
        }
    }

    private static void CheckVersion(byte[] bytes, string path)
    {
        using JsonDocument json = JsonDocument.Parse(bytes);
        double? version = json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("version", out JsonElement found)
            && found.ValueKind == JsonValueKind.Number ? found.GetDouble() : null;
        if (version > ProjectDocument.CurrentVersion)
            throw new ProjectException(ProjectFailure.Newer, $"{path}: is of version {version}, and this program knows up to {ProjectDocument.CurrentVersion}; use a newer one");
        if (version is not >= 1) throw new JsonException("it has no version");
    }
}
