using System.Runtime.CompilerServices;
using ThinkSound.Media;

namespace ThinkSound.Projects.Tests;

/// <summary>A folder for one test, gone afterwards, and projects in it.</summary>
internal abstract class WithFolder
{
    protected string Folder { get; private set; } = "";

    [SetUp]
    public void MakeFolder()
    {
        NativeLibraryProbe probe = MediaLibrary.Probe();
        if (!probe.IsUsable && probe.Attempts.Any(attempt => attempt.Problem is { } problem && problem.StartsWith("is there", StringComparison.Ordinal))) Assert.Fail(probe.Problem!);
        if (!probe.IsUsable) Assert.Ignore(probe.Problem!);
        Folder = Directory.CreateTempSubdirectory("ts-projects").FullName;
    }

    [TearDown]
    public void RemoveFolder()
    {
        if (Folder.Length > 0) Directory.Delete(Folder, recursive: true);
    }

    protected string At(string name) => Path.Combine(Folder, name);

    protected static string Video { get; } = FindSample("scene-knock.mp4");

    protected Task<Project> NewProject() => Project.CreateAsync(At("project"), Video);

    protected static OperationRenderers Renderers { get; } = new(new NoiseRenderer());

    /// <summary>A bed of noise.</summary>
    protected static Task<Operation> Apply(Project project, ulong seed) => project.ApplyAsync(new FoleyPayload { Seed = seed }, null, Renderers);

    private static string FindSample(string name, [CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "samples", name));
}

/// <summary>Renders stage one as seeded noise, in small blocks.</summary>
internal sealed class NoiseRenderer : IOperationRenderer
{
    public const int NumSamples = 4000, Block = 100;

    public string Kind => FoleyPayload.KindName;

    /// <summary>Thrown when half of it is done.</summary>
    public Exception? Failure { get; init; }

    public Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var random = new Random((int)request.Payload.Seed);
        using StemWriter stem = request.Stems.Create();
        var block = new float[2 * Block];
        while (stem.NumSamples < NumSamples)
        {
            if (Failure is not null && stem.NumSamples == NumSamples / 2) throw Failure;
            cancellationToken.ThrowIfCancellationRequested();
            for (int i = 0; i < block.Length; i++) block[i] = (float)(random.NextDouble() - 0.5);
            stem.Write(block);
            progress?.Report(new("noise", (double)stem.NumSamples / NumSamples));
        }
        return Task.FromResult(new OperationResult { Tracks = [new Track { Id = Track.Bed, Audio = stem.Finish() }] });
    }
}
