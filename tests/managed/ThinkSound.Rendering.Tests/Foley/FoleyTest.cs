using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Tests.Foley;

/// <summary>A test of the pipeline: a folder of its own, the small bundle, and what the pipeline hands out.</summary>
public abstract class FoleyTest
{
    protected string Folder { get; private set; } = "";

    [SetUp]
    public void MakeFolder()
    {
        Parts.Require();
        Folder = Directory.CreateTempSubdirectory("ts-foley").FullName;
    }

    [TearDown]
    public void RemoveFolder()
    {
        if (Folder.Length > 0) Directory.Delete(Folder, recursive: true);
    }

    protected string At(string name) => Path.Combine(Folder, name);

    protected static EngineOptions Engine => new() { BundlePath = Parts.Bundle, Device = "cpu" };

    protected static async Task<List<FoleyResult>> Collect(IAsyncEnumerable<FoleyResult> results)
    {
        var list = new List<FoleyResult>();
        await foreach (FoleyResult result in results) list.Add(result);
        return list;
    }

    protected sealed class Sink(Action<FoleyProgress> take) : IProgress<FoleyProgress>
    {
        public void Report(FoleyProgress value) => take(value);
    }
}
