using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using ThinkSound.Reasoning.Chat;

namespace ThinkSound.Reasoning.Tests.Chat;

/// <summary>What servers do that OpenAI does not.</summary>
public sealed class OpenAiChatClientTests
{
    private static async Task<ChatResponse> Stream(ChatServer server)
    {
        using var client = new OpenAiChatClient(server.Endpoint, "tiny");
        return await client.GetStreamingResponseAsync("hello").ToChatResponseAsync();
    }

    [Test]
    public async Task Differences_between_servers_do_not_matter()
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Streams(
            ": ping",
            """data: {"id": null, "created": null, "model": null, "choices": [{"index": 0, "delta": {"role": null, "content": "He"}, "finish_reason": "", "logprobs": null}]}""",
            """data: {"choices": [], "usage": {"prompt_tokens": 1}}""",
            """data: {"choices": [{"delta": {"reasoning_content": "hm"}}]}""",
            """data: {"choices": [{"delta": {"content": "llo"}}]}""",
            """data: {"choices": [{"delta": {}, "finish_reason": "eos"}]}""")); // no [DONE]
        ChatResponse response = await Stream(server);
        Assert.That(response.Text, Is.EqualTo("Hello"));
        Assert.That(response.FinishReason, Is.EqualTo(new ChatFinishReason("eos")));
        Assert.That(response.Messages[0].Contents.OfType<TextReasoningContent>().Single().Text, Is.EqualTo("hm"));
    }

    [TestCase("\"Hello\"")]
    [TestCase("""[{"type": "text", "text": "Hel"}, {"type": "image_url"}, 7, {"type": "text", "text": "lo"}]""")]
    public async Task A_server_that_does_not_stream_is_read_whole(string content)
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Fails(200, $$"""{"choices": [{"message": {"content": {{content}}}, "finish_reason": "stop"}]}"""));
        Assert.That((await Stream(server)).Text, Is.EqualTo("Hello"));
    }

    [Test]
    public async Task A_stream_that_ends_too_early_is_no_answer()
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Streams("""data: {"choices": [{"delta": {"content": "He"}}]}"""));
        Assert.That(() => Stream(server), Throws.InstanceOf<IOException>().With.Message.Contains("ended before"));
    }

    [TestCase("""data: {broken""", "not JSON")]
    [TestCase("""data: {"error": "out of memory"}""", "out of memory")]
    public async Task What_is_no_answer_is_an_error(string line, string message)
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Streams(line));
        Assert.That(() => Stream(server), Throws.TypeOf<ChatServerException>().With.Message.Contains(message));
    }

    [TestCase("""{"error": {"message": "no such model"}}""", "no such model")]
    [TestCase("""{"detail": "no such model"}""", "no such model")]
    [TestCase("<html>\n  Bad Gateway</html>", "<html> Bad Gateway</html>")]
    [TestCase("", "Bad Request")]
    public async Task The_servers_own_sentence_is_passed_on(string body, string message)
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Fails(400, body));
        Assert.That(() => Stream(server), Throws.TypeOf<ChatServerException>().With.Message.EqualTo(message));
    }

    [TestCase("{0}/chat/completions")]
    [TestCase("file:///etc/passwd")]
    [TestCase(null)]
    public async Task A_server_that_points_elsewhere_is_not_followed(string? location)
    {
        await using ChatServer other = await ChatServer.StartAsync(ChatServer.Says("Hello"));
        await using ChatServer server = await ChatServer.StartAsync(context =>
        {
            context.Response.StatusCode = StatusCodes.Status307TemporaryRedirect; // the same call, pictures and all
            if (location is not null) context.Response.Headers.Location = string.Format(location, other.Endpoint);
            return Task.CompletedTask;
        });
        Assert.That(() => Stream(server), Throws.TypeOf<ChatServerException>().With.Message.Contains(location is null ? "nowhere" : string.Format(location, other.Endpoint)));
        Assert.That((server.Calls.Count, other.Calls.Count), Is.EqualTo((1, 0)));
    }

    [TestCase(401, """{"error": {"message": "Incorrect API key provided: sk-very-secret"}}""")]
    [TestCase(500, "GET /v1/chat/completions?key=in-the-address by Bearer sk-very-secret failed")]
    [TestCase(200, """{"error": "sk-very-secret is no key of in-the-address"}""")]
    [TestCase(200, "sk-very-secret")]
    public async Task A_key_that_a_server_repeats_is_not_told(int status, string body)
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Fails(status, body));
        using var client = new OpenAiChatClient(new Uri(server.Endpoint + "?key=in-the-address"), "tiny", "sk-very-secret");
        ChatServerException e = (await Assert.ThrowsAsync<ChatServerException>(async () => await client.GetStreamingResponseAsync("hello").ToChatResponseAsync()))!;
        Assert.That(e.ToString(), Does.Contain("[key]").And.Not.Contain("very-secret").And.Not.Contain("in-the-address"));
        Assert.That(server.Calls.Single().Key, Is.EqualTo("Bearer sk-very-secret"));
    }

    [TestCase("application/json")]
    [TestCase("text/event-stream")]
    public async Task What_does_not_end_is_no_answer(string type)
    {
        await using ChatServer server = await ChatServer.StartAsync(SendsForEver(200, type));
        Assert.That(() => Stream(server), Throws.TypeOf<InvalidDataException>().With.Message.Contains("does not end"));
        await server.Abandoned.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Of_an_error_that_does_not_end_the_begin_is_told()
    {
        await using ChatServer server = await ChatServer.StartAsync(SendsForEver(500, "text/plain"));
        Assert.That(() => Stream(server), Throws.TypeOf<ChatServerException>().With.Message.StartsWith("data: aaaa"));
        await server.Abandoned.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    private static Func<HttpContext, Task> SendsForEver(int status, string type) => async context =>
    {
        (context.Response.StatusCode, context.Response.ContentType) = (status, type);
        await context.Response.WriteAsync("data: ");
        byte[] block = [.. Enumerable.Repeat((byte)'a', 1 << 16)];
        while (!context.RequestAborted.IsCancellationRequested) await context.Response.Body.WriteAsync(block, context.RequestAborted);
    };

    [Test]
    public async Task The_budget_goes_by_the_name_that_the_server_wants()
    {
        await using ChatServer server = await ChatServer.StartAsync(
            ChatServer.Fails(400, """{"error": {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."}}"""), ChatServer.Says("Hello"));
        using var client = new OpenAiChatClient(server.Endpoint, "tiny");
        for (int i = 0; i < 2; i++) await client.GetResponseAsync("hello", new ChatOptions { MaxOutputTokens = 5 });
        Assert.That(server.Calls.Select(call => call.Body.TryGetProperty("max_completion_tokens", out JsonElement budget) ? budget.GetInt32() : 0), Is.EqualTo(new[] { 0, 5, 5 }));
    }

    [Test]
    public void An_endpoint_is_a_web_address()
    {
        Assert.That(() => new OpenAiChatClient(new Uri("file:///etc/passwd"), "tiny"), Throws.ArgumentException);
        using var client = new OpenAiChatClient(new Uri("http://host/v1/chat/completions"), "tiny");
        Assert.That(client.GetService<ChatClientMetadata>()!.DefaultModelId, Is.EqualTo("tiny"));
        Assert.That(async () => await client.GetResponseAsync("hello", new ChatOptions { Tools = [new Tool()] }), Throws.TypeOf<NotSupportedException>());
    }

    private sealed class Tool : AITool;
}
