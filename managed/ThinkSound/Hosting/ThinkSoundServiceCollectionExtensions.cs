using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using ThinkSound;
using ThinkSound.Hosting;

// Where every AddX is looked for.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>ThinkSound in a host.</summary>
public static class ThinkSoundServiceCollectionExtensions
{
    /// <summary>Registers <see cref="ThinkSoundEngineProvider"/> (loads on first use, without blocking), the
    /// <see cref="ThinkSoundEngine"/> itself (loads when first resolved, blocking), both once per host, and a
    /// <see cref="ThinkSoundSession"/> per scope. The native log goes to the host's loggers.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Names the bundle, device and so on.</param>
    public static IServiceCollection AddThinkSound(this IServiceCollection services, Action<ThinkSoundOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<ThinkSoundOptions>();
        if (configure is not null) services.Configure(configure);
        services.AddSingleton(provider => new ThinkSoundEngineProvider(provider.GetRequiredService<IOptions<ThinkSoundOptions>>(),
                                                                       provider.GetService<ILoggerFactory>()));
        services.AddSingleton(provider => provider.GetRequiredService<ThinkSoundEngineProvider>().GetEngineAsync().GetAwaiter().GetResult());
        services.AddScoped(provider => provider.GetRequiredService<ThinkSoundEngine>().CreateSession());
        return services;
    }

    /// <summary>As the other overload, with the folder of the bundle.</summary>
    public static IServiceCollection AddThinkSound(this IServiceCollection services, string bundlePath) =>
        services.AddThinkSound(options => options.BundlePath = bundlePath);
}
