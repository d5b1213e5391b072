using ThinkSound.Projects;
using ThinkSound.Projects.Editing;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Cli;

/// <summary>Who renders the operations of a project here. A model is loaded when the first of them needs it.</summary>
internal sealed class ProjectRenderers : IDisposable
{
    private readonly PipelineSoundGenerator _generator;
    private readonly EditModels _edits;

    public ProjectRenderers(EngineOptions engine)
    {
        _generator = new PipelineSoundGenerator(engine, FeatureCache.Default);
        _edits = new EditModels(engine);
        // One for each kind of operation.
        All = new OperationRenderers(new FoleyRenderer(_generator), new ObjectRenderer(_generator), new EditRenderer(_edits.ForProjectAsync));
    }

    public OperationRenderers All { get; }

    public void Dispose()
    {
        _generator.Dispose();
        _edits.Dispose();
    }
}
