using ThinkSound.Projects;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Cli;

/// <summary>Who renders the operations of a project here. A model is loaded when the first of them needs it.</summary>
internal sealed class ProjectRenderers : IDisposable
{
    private readonly PipelineSoundGenerator _generator;

    public ProjectRenderers(EngineOptions engine)
    {
        _generator = new PipelineSoundGenerator(engine, FeatureCache.Default);
        // One line for each kind: whatever renders objects and edits joins here.
        All = new OperationRenderers(new FoleyRenderer(_generator), new ObjectRenderer(_generator));
    }

    public OperationRenderers All { get; }

    public void Dispose() => _generator.Dispose();
}
