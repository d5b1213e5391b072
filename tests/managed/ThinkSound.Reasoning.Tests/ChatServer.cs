using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace ThinkSound.Reasoning.Tests;

/// <summary>A server on loopback that speaks OpenAI's chat/completions and answers what a test has laid down: each call takes the next
/// reply, the last one stays.</summary>
internal sealed class ChatServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Queue<Func<HttpContext, Task>> _replies;

    private ChatServer(WebApplication app, IEnumerable<Func<HttpContext, Task>> replies) => (_app, _replies) = (app, new Queue<Func<HttpContext, Task>>(replies));

    /// <summary>An answer as a good model gives it.</summary>
    public static string GoodAnswer { get; } =
        """
        {
          "thoughts": {
            "seen": "A ball falls onto a wooden floor.",
            "timing": "It hits at 0.5 s and again at 1.2 s.",
            "sound": "Two dull \"thuds\", the second softer.",
            "space": "A small dry room.",
            "avoid": "No music, no speech.",
            "mix": "The first hit is the loudest."
          },
          "events": [
            { "start_s": 1.2, "end_s": 1.5, "object": "rubber ball", "action": "bounces again", "material": "rubber on wood", "sound": "softer thud", "intensity": 0.5, "layer": "foley" },
            { "start_s": 0.5, "end_s": 0.8, "object": "rubber ball", "action": "hits the floor", "material": "rubber on wood", "sound": "dull thud", "intensity": 0.9, "layer": "foley" }
          ],
          "space": { "place": "small room with a wooden floor", "reverberation_s": 0.3, "distance": "close" },
          "layers": [{ "name": "foley", "description": "the ball", "level_db": 0 }],
          "avoid": ["music", "speech"],
          "caption": "a rubber ball bounces on a wooden floor",
          "chain_of_thought": "A rubber ball hits a wooden floor with a dull thud, then bounces softer. Small dry room. No music or speech."
        }
        """;

    public Uri Endpoint => new(_app.Urls.Single() + "/v1");

    /// <summary>Bodies of the calls so far, and the key that came with each.</summary>
    public ConcurrentQueue<(JsonElement Body, string? Key)> Calls { get; } = new();

    /// <summary>Set when a caller went away before the reply was over.</summary>
    public TaskCompletionSource Abandoned { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<ChatServer> StartAsync(params Func<HttpContext, Task>[] replies)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        var server = new ChatServer(app, replies);
        app.MapPost("/v1/chat/completions", server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>The messages of a call, pictures left out: "system: …".</summary>
    public static string[] Texts(JsonElement body) => [.. body.GetProperty("messages").EnumerateArray().Select(message =>
    {
        JsonElement content = message.GetProperty("content");
        string text = content.ValueKind == JsonValueKind.String ? content.GetString()!
            : string.Join('\n', content.EnumerateArray().Where(part => part.GetProperty("type").GetString() == "text").Select(part => part.GetProperty("text").GetString()));
        return $"{message.GetProperty("role").GetString()}: {text}";
    })];

    /// <summary>The JPEG files of a call.</summary>
    public static byte[][] Pictures(JsonElement body) => [.. body.GetProperty("messages").EnumerateArray().Select(message => message.GetProperty("content"))
        .Where(content => content.ValueKind == JsonValueKind.Array).SelectMany(content => content.EnumerateArray())
        .Where(part => part.GetProperty("type").GetString() == "image_url").Select(part => part.GetProperty("image_url").GetProperty("url").GetString()!)
        .Select(url => Convert.FromBase64String(url["data:image/jpeg;base64,".Length..]))];

    /// <summary>A streamed answer in pieces of a few characters, or whole where the caller did not ask for a stream.</summary>
    public static Func<HttpContext, Task> Says(string text, string reason = "stop", TimeSpan pause = default) => async context =>
    {
        if (!Streams(context))
        {
            await context.Response.WriteAsJsonAsync(new JsonObject { ["choices"] = new JsonArray(Choice("message", text, reason)) });
            return;
        }
        await BeginStream(context);
        for (int at = 0; at < text.Length; at += 7)
        {
            await Send(context, new JsonObject { ["choices"] = new JsonArray(Choice("delta", text[at..Math.Min(at + 7, text.Length)], null)) });
            if (pause > TimeSpan.Zero) await Task.Delay(pause, context.RequestAborted);
        }
        await Send(context, new JsonObject { ["choices"] = new JsonArray(Choice("delta", null, reason)) });
        await context.Response.WriteAsync("data: [DONE]\n\n");
    };

    /// <summary>The same text for ever.</summary>
    public static Func<HttpContext, Task> SaysForEver(string begin, Func<int, string> then) => async context =>
    {
        await BeginStream(context);
        await Send(context, new JsonObject { ["choices"] = new JsonArray(Choice("delta", begin, null)) });
        for (int i = 0; !context.RequestAborted.IsCancellationRequested; i++)
            await Send(context, new JsonObject { ["choices"] = new JsonArray(Choice("delta", then(i), null)) });
    };

    /// <summary>Lines of a stream, as they are.</summary>
    public static Func<HttpContext, Task> Streams(params string[] lines) => async context =>
    {
        await BeginStream(context);
        foreach (string line in lines) await context.Response.WriteAsync(line + "\n\n");
    };

    public static Func<HttpContext, Task> Fails(int status, string body = "{\"error\": {\"message\": \"no\"}}", string? retryAfter = null) => async context =>
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null) context.Response.Headers.RetryAfter = retryAfter;
        await context.Response.WriteAsync(body);
    };

    /// <summary>The connection breaks off in the middle.</summary>
    public static Func<HttpContext, Task> BreaksOff(string begin) => async context =>
    {
        await BeginStream(context);
        await Send(context, new JsonObject { ["choices"] = new JsonArray(Choice("delta", begin, null)) });
        await Task.Delay(200); // what was sent is read first
        context.Abort();
    };

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using JsonDocument body = await JsonDocument.ParseAsync(context.Request.Body);
        context.Items["body"] = body.RootElement.Clone();
        Func<HttpContext, Task> reply;
        lock (_replies) reply = _replies.Count > 1 ? _replies.Dequeue() : _replies.Peek();
        Calls.Enqueue((body.RootElement.Clone(), context.Request.Headers.Authorization.ToString() is { Length: > 0 } key ? key : null));
        try
        {
            await reply(context);
        }
        catch (OperationCanceledException)
        {
            // the caller went away
        }
        if (context.RequestAborted.IsCancellationRequested) Abandoned.TrySetResult();
    }

    private static bool Streams(HttpContext context) => ((JsonElement)context.Items["body"]!).GetProperty("stream").GetBoolean();

    private static async Task BeginStream(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.Body.FlushAsync();
    }

    private static async Task Send(HttpContext context, JsonNode data)
    {
        await context.Response.WriteAsync($"data: {data.ToJsonString()}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static JsonNode Choice(string name, string? text, string? reason) => new JsonObject
    {
        ["index"] = 0, ["finish_reason"] = reason, [name] = text is null ? new JsonObject() : new JsonObject { ["role"] = "assistant", ["content"] = text },
    };
}
