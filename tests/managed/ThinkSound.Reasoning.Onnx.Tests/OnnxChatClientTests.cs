using Microsoft.Extensions.AI;
using ThinkSound.Reasoning.Onnx.Tests.Models;

namespace ThinkSound.Reasoning.Onnx.Tests;

public class OnnxChatClientTests
{
    private static readonly ChatMessage[] s_messages = [TinyModels.User(TinyModels.Picture(60, 60), new TextContent("What do you hear?"))];

    private static async Task<OnnxChatClient> Open(string type) => new(await TinyModels.Load(new TinyModel(type)));

    [Test]
    public async Task Text_streams_and_the_last_update_says_what_it_cost([Values("smolvlm", "qwen2_5_vl")] string type)
    {
        using OnnxChatClient client = await Open(type);
        var options = new ChatOptions { MaxOutputTokens = 20, Temperature = 1, TopP = 0.95f, Seed = 3 };
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync(s_messages, options).ToListAsync();
        Assert.That(updates, Has.Count.GreaterThan(5));
        Assert.That(updates.Select(update => update.Role), Is.All.EqualTo(ChatRole.Assistant));
        Assert.That(updates.Select(update => update.ResponseId).Distinct().Count(), Is.EqualTo(1));
        Assert.That(updates.SkipLast(1).Select(update => update.FinishReason), Is.All.Null);

        ChatResponseUpdate last = updates[^1];
        Assert.That(last.FinishReason, Is.EqualTo(ChatFinishReason.Length).Or.EqualTo(ChatFinishReason.Stop));
        UsageDetails usage = last.Contents.OfType<UsageContent>().Single().Details;
        Assert.That(usage.OutputTokenCount, Is.InRange(1, 20));
        Assert.That(usage.TotalTokenCount, Is.EqualTo(usage.InputTokenCount + usage.OutputTokenCount));
        Assert.That(last.AdditionalProperties![OnnxChatClient.TokensPerSecond], Is.InstanceOf<double>().And.GreaterThan(0.0));
        Assert.That(last.AdditionalProperties[OnnxChatClient.PromptSeconds], Is.InstanceOf<double>().And.GreaterThan(0.0));

        ChatResponse whole = await client.GetResponseAsync(s_messages, options);
        Assert.That(whole.Text, Is.EqualTo(string.Concat(updates.Select(update => update.Text))));
        Assert.That(whole.Usage!.OutputTokenCount, Is.EqualTo(usage.OutputTokenCount));
        Assert.That(whole.AdditionalProperties, Contains.Key(OnnxChatClient.TokensPerSecond));
    }

    [Test]
    public async Task Options_are_honoured_or_passed_over()
    {
        using OnnxChatClient client = await Open("smolvlm");
        async Task<string> Say(ChatOptions options)
        {
            options.MaxOutputTokens ??= 25;
            return (await client.GetResponseAsync(s_messages, options)).Text;
        }
        string greedy = await Say(new ChatOptions());
        Assert.That(await Say(new ChatOptions { ResponseFormat = ChatResponseFormat.Json, FrequencyPenalty = 1, ToolMode = ChatToolMode.None }), Is.EqualTo(greedy), "passed over");
        Assert.That(await Say(new ChatOptions { Temperature = 1, TopK = 1, Seed = 8 }), Is.EqualTo(greedy), "one to draw from");
        string drawn = await Say(new ChatOptions { Temperature = 2, Seed = 8 });
        Assert.That(drawn, Is.Not.EqualTo(greedy));
        Assert.That(await Say(new ChatOptions { Temperature = 2, Seed = 8 }), Is.EqualTo(drawn));
        Assert.That(await Say(new ChatOptions { Temperature = 2, Seed = -8 }), Is.Not.EqualTo(drawn));
        Assert.That(await Say(new ChatOptions { Temperature = 2, Seed = 8, StopSequences = [drawn[5..8]] }), Is.EqualTo(drawn[..drawn.IndexOf(drawn[5..8], StringComparison.Ordinal)]));
        Assert.That((await client.GetResponseAsync(s_messages, new ChatOptions { MaxOutputTokens = 3 })).Usage!.OutputTokenCount, Is.EqualTo(3));
        long plain = (await client.GetResponseAsync(s_messages, new ChatOptions { MaxOutputTokens = 1 })).Usage!.InputTokenCount!.Value;
        Assert.That((await client.GetResponseAsync(s_messages, new ChatOptions { MaxOutputTokens = 1, Instructions = "Be terse." })).Usage!.InputTokenCount, Is.GreaterThan(plain), "a system message more");
    }

    [Test]
    public async Task A_cancelled_answer_throws()
    {
        using OnnxChatClient client = await Open("smolvlm");
        using var cancel = new CancellationTokenSource();
        Assert.That(async () =>
        {
            await foreach (ChatResponseUpdate update in client.GetStreamingResponseAsync(s_messages, new ChatOptions { MaxOutputTokens = 200 }, cancel.Token)) cancel.Cancel();
        }, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task What_is_behind_it_can_be_asked_for()
    {
        OnnxMultimodalModel model = await TinyModels.Load(new TinyModel("smolvlm"));
        var client = new OnnxChatClient(model);
        Assert.That(client.GetService(typeof(OnnxMultimodalModel)), Is.SameAs(model));
        Assert.That(client.GetService(typeof(IChatClient)), Is.SameAs(client));
        Assert.That(((ChatClientMetadata)client.GetService(typeof(ChatClientMetadata))!).DefaultModelId, Is.EqualTo(model.Name));
        Assert.That((client.GetService(typeof(string)), client.GetService(typeof(IChatClient), "key")), Is.EqualTo(((object?)null, (object?)null)));
        client.Dispose();
        Assert.That((await new OnnxChatClient(model).GetResponseAsync(s_messages, new ChatOptions { MaxOutputTokens = 1 })).Usage!.OutputTokenCount, Is.EqualTo(1), "the model is not this client's own");
    }

    [Test]
    public async Task A_folder_is_loaded_when_it_is_first_asked()
    {
        string folder = TinyModels.CopyOf(new TinyModel("smolvlm"));
        using var client = new OnnxChatClient(folder);
        string config = Path.Combine(folder, "config.json"), aside = config + ".aside";
        File.Move(config, aside);
        Assert.That(((ChatClientMetadata)client.GetService(typeof(ChatClientMetadata))!).DefaultModelId, Is.EqualTo(Path.GetFileName(folder)));
        Assert.That(client.GetService(typeof(OnnxMultimodalModel)), Is.Null);
        Assert.That(async () => await client.GetResponseAsync(s_messages), Throws.InstanceOf<ReasoningModelException>().With.Message.Contains("config.json"));
        File.Move(aside, config);
        Assert.That((await client.GetResponseAsync(s_messages, new ChatOptions { MaxOutputTokens = 1 })).Usage!.OutputTokenCount, Is.EqualTo(1), "the next question tries again");
        Assert.That(client.GetService(typeof(OnnxMultimodalModel)), Is.Not.Null);
    }
}
