using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ThinkSound.Hosting;

namespace ThinkSound.Tests.Hosting;

public sealed class AddThinkSoundTests
{
    [Test]
    public void The_engine_is_one_per_host_and_sessions_are_one_per_scope()
    {
        var services = new ServiceCollection().AddThinkSound("models/foley");
        Assert.That(services.Single(s => s.ServiceType == typeof(ThinkSoundEngineProvider)).Lifetime, Is.EqualTo(ServiceLifetime.Singleton));
        Assert.That(services.Single(s => s.ServiceType == typeof(ThinkSoundEngine)).Lifetime, Is.EqualTo(ServiceLifetime.Singleton));
        Assert.That(services.Single(s => s.ServiceType == typeof(ThinkSoundSession)).Lifetime, Is.EqualTo(ServiceLifetime.Scoped));
    }

    [Test]
    public async Task A_host_that_never_asks_loads_nothing()
    {
        await using ServiceProvider provider = new ServiceCollection().AddThinkSound("/nowhere").BuildServiceProvider();
        Assert.That(provider.GetRequiredService<ThinkSoundEngineProvider>(), Is.Not.Null);
    }

    [Test, NonParallelizable]
    public async Task A_host_gives_its_bundle_its_sessions_and_its_log()
    {
        NativeParts.Require();
        var lines = new Collector();
        ThinkSoundEngine engine;
        await using (ServiceProvider provider = new ServiceCollection()
            .AddLogging(logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(lines))
            .AddThinkSound(options => { options.BundlePath = NativeParts.Bundle; options.MinimumLogLevel = LogLevel.Debug; })
            .BuildServiceProvider(validateScopes: true))
        {
            engine = await provider.GetRequiredService<ThinkSoundEngineProvider>().GetEngineAsync();
            Assert.That(provider.GetRequiredService<ThinkSoundEngine>(), Is.SameAs(engine));
            await using AsyncServiceScope one = provider.CreateAsyncScope();
            await using AsyncServiceScope two = provider.CreateAsyncScope();
            var session = one.ServiceProvider.GetRequiredService<ThinkSoundSession>();
            Assert.That(one.ServiceProvider.GetRequiredService<ThinkSoundSession>(), Is.SameAs(session));
            Assert.That(two.ServiceProvider.GetRequiredService<ThinkSoundSession>(), Is.Not.SameAs(session));
            Assert.That(session.Engine, Is.SameAs(engine));
            Assert.That(lines.Categories, Does.Contain("ThinkSound"));
        }
        Assert.That(() => engine.CreateSession(), Throws.TypeOf<ObjectDisposedException>(), "the host disposed of it");
    }

    [Test]
    public async Task A_bundle_that_fails_to_load_is_tried_again()
    {
        NativeParts.Require();
        string? path = "/nowhere";
        await using ServiceProvider provider = new ServiceCollection().AddThinkSound(options => options.BundlePath = path).BuildServiceProvider();
        var engines = provider.GetRequiredService<ThinkSoundEngineProvider>();
        Assert.That(async () => await engines.GetEngineAsync(), Throws.TypeOf<ResourceNotFoundException>());
        Assert.That(async () => await engines.GetEngineAsync(), Throws.TypeOf<ResourceNotFoundException>());
        Assert.That(() => provider.GetRequiredService<ThinkSoundEngine>(), Throws.TypeOf<ResourceNotFoundException>());
    }

    [Test]
    public async Task A_host_that_ends_while_its_model_loads_stops_the_loading()
    {
        NativeParts.Require();
        ServiceProvider provider = new ServiceCollection().AddThinkSound(options => options.Synthetic = "published").BuildServiceProvider();
        Task<ThinkSoundEngine> loading = provider.GetRequiredService<ThinkSoundEngineProvider>().GetEngineAsync();
        await provider.DisposeAsync();
        Assert.That(async () => await loading, Throws.InstanceOf<OperationCanceledException>(), "7.5 GB are not waited for");
    }

    private sealed class Collector : ILoggerProvider
    {
        private readonly HashSet<string> _categories = [];

        public string[] Categories
        {
            get { lock (_categories) return [.. _categories]; }
        }

        public ILogger CreateLogger(string categoryName)
        {
            lock (_categories) _categories.Add(categoryName);
            return Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;
        }

        public void Dispose() { }
    }
}
