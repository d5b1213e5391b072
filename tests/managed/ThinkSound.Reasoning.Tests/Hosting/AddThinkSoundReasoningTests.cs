using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using ThinkSound.Reasoning.Chat;
using ThinkSound.Reasoning.Hosting;

namespace ThinkSound.Reasoning.Tests.Hosting;

public sealed class AddThinkSoundReasoningTests
{
    private static readonly ReasoningRequest Caption = new() { Caption = "a ball", Duration = TimeSpan.FromSeconds(2) };

    [Test]
    public async Task Without_an_endpoint_there_are_ones_own_words_alone()
    {
        await using ServiceProvider provider = new ServiceCollection().AddThinkSoundReasoning().BuildServiceProvider(validateScopes: true);
        var reasoner = provider.GetRequiredService<IReasoner>();
        Assert.That(reasoner.Accepts(Caption), Is.False);
        Assert.That((await reasoner.ReasonToEndAsync(Caption with { ChainOfThought = "A ball bounces." })).Provider, Is.EqualTo("manual"));
    }

    [Test]
    public async Task A_configured_endpoint_is_asked_and_ones_own_words_come_first()
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Says(ChatServer.GoodAnswer));
        await using ServiceProvider provider = new ServiceCollection().AddThinkSoundReasoning(options =>
        {
            options.Endpoint = server.Endpoint;
            options.Model = "tiny";
            options.Key = "secret";
        }).BuildServiceProvider(validateScopes: true);
        var reasoner = provider.GetRequiredService<IReasoner>();
        Assert.That((await reasoner.ReasonToEndAsync(Caption)).Model, Is.EqualTo("tiny"));
        Assert.That(server.Calls.Single().Key, Is.EqualTo("Bearer secret"));
        Assert.That((await reasoner.ReasonToEndAsync(Caption with { ChainOfThought = "A ball bounces." })).Provider, Is.EqualTo("manual"));
    }

    [Test]
    public async Task Further_providers_have_their_place()
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Says(ChatServer.GoodAnswer));
        await using ServiceProvider provider = new ServiceCollection()
            .AddThinkSoundReasoning(options => (options.Endpoint, options.Model) = (new Uri("http://127.0.0.1:9/v1"), "absent"))
            .AddChatReasoning(_ => new OpenAiChatClient(server.Endpoint, "near"), new ChatReasonerOptions { Provider = "near" }, ReasoningProvider.Recogniser)
            .AddReasoningProvider(5, _ => null)
            .BuildServiceProvider();
        var notes = new List<string>();
        Reasoning result = await provider.GetRequiredService<IReasoner>().ReasonToEndAsync(Caption, step => { if (step.Kind == ReasoningStepKind.Note) notes.Add(step.Text); });
        Assert.That(result.Provider, Is.EqualTo("near"));
        Assert.That(notes.Single(), Does.StartWith("chat has no answer (absent at 127.0.0.1:9: the server cannot be reached").And.EndWith("near thinks instead"));
    }

    [Test]
    public async Task An_endpoint_without_a_model_is_a_mistake()
    {
        await using ServiceProvider provider = new ServiceCollection().AddThinkSoundReasoning(options => options.Endpoint = new Uri("http://localhost/v1")).BuildServiceProvider();
        Assert.That(() => provider.GetRequiredService<IReasoner>(), Throws.TypeOf<OptionsValidationException>());
    }
}
