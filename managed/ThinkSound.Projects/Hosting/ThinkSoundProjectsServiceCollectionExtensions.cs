using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ThinkSound;
using ThinkSound.Hosting;
using ThinkSound.Projects;
using ThinkSound.Rendering.Foley;

// Where every AddX is looked for.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Projects in a host, beside <c>AddThinkSound</c>.</summary>
public static class ThinkSoundProjectsServiceCollectionExtensions
{
    /// <summary>Registers <see cref="OperationRenderers"/>, made of every <see cref="IOperationRenderer"/> that is registered: by itself
    /// stage one, whose <see cref="ISoundGenerator"/> loads the model of <c>AddThinkSound</c> in an engine of its own when first needed.
    /// Register a generator of your own before to take its place.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="cache">Keeps what the vision towers compute; null computes it each time.</param>
    public static IServiceCollection AddThinkSoundProjects(this IServiceCollection services, FeatureCache? cache = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<ThinkSoundOptions>();
        services.TryAddSingleton<ISoundGenerator>(provider => new PipelineSoundGenerator(ToEngine(provider.GetRequiredService<IOptions<ThinkSoundOptions>>().Value), cache));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IOperationRenderer, FoleyRenderer>());
        services.TryAddSingleton(provider => new OperationRenderers(provider.GetServices<IOperationRenderer>()));
        return services;
    }

    private static EngineOptions ToEngine(ThinkSoundOptions options) => new()
    {
        BundlePath = options.BundlePath, Device = options.Device, Precision = options.Precision, Threads = options.Threads,
        Components = options.Components, MemoryCapBytes = options.MemoryCapBytes, Synthetic = options.Synthetic,
    };
}
