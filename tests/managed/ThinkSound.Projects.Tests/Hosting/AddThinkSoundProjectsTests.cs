using Microsoft.Extensions.DependencyInjection;

namespace ThinkSound.Projects.Tests.Hosting;

internal class AddThinkSoundProjectsTests
{
    [Test]
    public void Renderers_of_the_host_join_those_of_the_project()
    {
        using ServiceProvider host = new ServiceCollection().AddThinkSound("nowhere").AddThinkSoundProjects().AddThinkSoundProjects()
            .AddSingleton<IOperationRenderer>(new Objects()).BuildServiceProvider();
        OperationRenderers renderers = host.GetRequiredService<OperationRenderers>();
        Assert.That(renderers.Kinds, Is.EquivalentTo(new[] { "mix", "foley", "object" }));
        Assert.That(renderers.For(new FoleyPayload()), Is.TypeOf<FoleyRenderer>());
        Assert.That(() => renderers.For(new EditPayload()), Throws.TypeOf<UnsupportedException>());
    }

    private sealed class Objects : IOperationRenderer
    {
        public string Kind => ObjectPayload.KindName;

        public Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();
    }
}
