using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ThinkSound.Hosting;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Chat;
using ThinkSound.Reasoning.Hosting;

// Where every AddX is looked for.
namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Reasoning in a host, beside <c>AddThinkSound</c>.</summary>
public static class ThinkSoundReasoningServiceCollectionExtensions
{
    /// <summary>Registers one <see cref="IReasoner"/>, which asks the providers that are registered in the order of their preference
    /// (<see cref="AddReasoningProvider"/>): by themselves the user's own words, a chat server where an endpoint is configured, and the recogniser of the host's engine
    /// where <c>AddThinkSound</c> registered one.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configure">Names the endpoint, the model and so on.</param>
    public static IServiceCollection AddThinkSoundReasoning(this IServiceCollection services, Action<ThinkSoundReasoningOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<ThinkSoundReasoningOptions>();
        if (configure is not null) services.Configure(configure);
        if (services.Any(service => service.ServiceType == typeof(IReasoner))) return services;
        services.AddReasoningProvider(ReasoningProvider.Words, static _ => new ManualReasoner());
        services.TryAddSingleton<ConfiguredChat>();
        services.AddReasoningProvider(ReasoningProvider.Chat, static provider => provider.GetRequiredService<ConfiguredChat>().Reasoner);
        services.AddReasoningProvider(ReasoningProvider.Recogniser, static provider =>
            provider.GetService<ThinkSoundEngineProvider>() is { } engines ? new RecogniserReasoner(engines.GetEngineAsync) : null);
        services.AddSingleton<IReasoner>(static provider => new ReasonerChain(
            provider.GetServices<ReasoningProvider>().OrderBy(candidate => candidate.Preference).Select(candidate => candidate.Create(provider)).OfType<IReasoner>()));
        return services;
    }

    /// <summary>Registers a further provider.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="preference">The smaller, the earlier it is asked: <see cref="ReasoningProvider.Words"/>, <see cref="ReasoningProvider.Chat"/>
    /// and <see cref="ReasoningProvider.Recogniser"/> are those of this project.</param>
    /// <param name="create">Makes it, once; null where it is not set up. The caller's to dispose of.</param>
    public static IServiceCollection AddReasoningProvider(this IServiceCollection services, int preference, Func<IServiceProvider, IReasoner?> create)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(create);
        return services.AddSingleton(new ReasoningProvider(preference, create));
    }

    /// <summary>Registers a chat client of any kind as provider.</summary>
    /// <param name="services">The host's services.</param>
    /// <param name="create">Makes or finds the client, once.</param>
    /// <param name="options">How the model is asked.</param>
    /// <param name="preference">As in <see cref="AddReasoningProvider"/>; by itself before the configured endpoint.</param>
    public static IServiceCollection AddChatReasoning(this IServiceCollection services, Func<IServiceProvider, IChatClient> create,
                                                      ChatReasonerOptions? options = null, int preference = ReasoningProvider.Chat - 1)
    {
        ArgumentNullException.ThrowIfNull(create);
        return services.AddReasoningProvider(preference, provider => new ChatReasoner(create(provider), options));
    }

    /// <summary>The chat server of the options, whose connections end with the host.</summary>
    private sealed class ConfiguredChat : IDisposable
    {
        private readonly OpenAiChatClient? _client;

        public ConfiguredChat(IOptions<ThinkSoundReasoningOptions> configured)
        {
            ThinkSoundReasoningOptions options = configured.Value;
            if (options.Endpoint is null) return;
            _client = new OpenAiChatClient(options.Endpoint, options.Model ?? throw new OptionsValidationException(nameof(ThinkSoundReasoningOptions),
                typeof(ThinkSoundReasoningOptions), ["an endpoint needs the name of a model"]), options.Key);
            Reasoner = new ChatReasoner(_client, options.Chat);
        }

        public IReasoner? Reasoner { get; }

        public void Dispose() => _client?.Dispose();
    }
}
