using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace ThinkSound.Reasoning.Chat;

/// <summary>A chat model behind an address that speaks OpenAI's chat/completions: vLLM, llama.cpp, Ollama, LM Studio and others. Lenient
/// where they differ from each other and from OpenAI; an error in the middle of a stream is an error. Any thread. It asks once: waiting
/// and asking again is the caller's.</summary>
/// <remarks>Text and pictures in, text out; no tools.</remarks>
public sealed class OpenAiChatClient : IChatClient
{
    private const int ShortestSecret = 8; // shorter ones ("EMPTY", for servers that want none) may be words of an answer
    private const int LongestError = 1 << 16, LongestAnswer = 1 << 24, LongestToken = 1 << 10; // bytes, as sent: of an error, an answer, and for each further token of one

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(15), ConnectionLifetime = TimeSpan.FromMinutes(5);

    private readonly HttpClient _http;
    private readonly bool _ownsHttp;
    private readonly Uri _address;
    private readonly string? _key;
    private readonly string[] _secrets;
    private readonly ChatClientMetadata _metadata;
    private volatile string _budgetName = "max_tokens"; // newer models of OpenAI want another one, and say so

    /// <summary>Connects to nothing yet.</summary>
    /// <param name="endpoint">What comes before /chat/completions: http://localhost:8000/v1.</param>
    /// <param name="model">The model's name, as the server calls it.</param>
    /// <param name="key">Sent as bearer token; null sends none.</param>
    /// <param name="http">Null makes one of its own.</param>
    /// <exception cref="ArgumentException">The endpoint is no http or https address.</exception>
    public OpenAiChatClient(Uri endpoint, string model, string? key = null, HttpClient? http = null)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        ArgumentException.ThrowIfNullOrEmpty(model);
        if (!endpoint.IsAbsoluteUri || (endpoint.Scheme != Uri.UriSchemeHttp && endpoint.Scheme != Uri.UriSchemeHttps))
            throw new ArgumentException($"{endpoint}: an endpoint is an address such as http://localhost:8000/v1", nameof(endpoint));
        const string path = "/chat/completions";
        string address = endpoint.GetLeftPart(UriPartial.Path).TrimEnd('/');
        _address = new Uri((address.EndsWith(path, StringComparison.Ordinal) ? address : address + path) + endpoint.Query);
        _key = key;
        _secrets = [.. SecretsOf(endpoint).Prepend(key).OfType<string>().Where(secret => secret.Length >= ShortestSecret)];
        _ownsHttp = http is null;
        // No redirects: pictures and words go to the server that was named, and to no other.
        _http = http ?? new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, ConnectTimeout = ConnectTimeout, PooledConnectionLifetime = ConnectionLifetime })
        {
            Timeout = Timeout.InfiniteTimeSpan, // a model may think for minutes; whoever waits has a token
        };
        _metadata = new ChatClientMetadata("openai-compatible", endpoint, model);
    }

    /// <inheritdoc/>
    /// <exception cref="ChatServerException">The server answered with an error.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        using HttpResponseMessage response = await SendAsync(messages, options, streams: false, cancellationToken).ConfigureAwait(false);
        return new[] { ChatAnswer.Parse(await ReadAsync(response, options, cancellationToken).ConfigureAwait(false), isPart: false) }.ToChatResponse();
    }

    /// <inheritdoc/>
    /// <exception cref="ChatServerException">The server answered with an error, or broke off with one.</exception>
    /// <exception cref="HttpRequestException">The server cannot be reached.</exception>
    /// <exception cref="IOException">The connection broke off.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null,
                                                                               [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using HttpResponseMessage response = await SendAsync(messages, options, streams: true, cancellationToken).ConfigureAwait(false);
        if (response.Content.Headers.ContentType?.MediaType is not "text/event-stream")
        {
            // A server that does not stream, although it was asked to.
            yield return ChatAnswer.Parse(await ReadAsync(response, options, cancellationToken).ConfigureAwait(false), isPart: false);
            yield break;
        }
        bool isFinished = false;
        using Stream stream = await OpenAsync(response, options, cancellationToken).ConfigureAwait(false);
        await foreach (SseItem<string> item in SseParser.Create(stream).EnumerateAsync(cancellationToken).ConfigureAwait(false))
        {
            if (item.Data == "[DONE]") yield break;
            ChatResponseUpdate update = ChatAnswer.Parse(Hide(item.Data), isPart: true);
            isFinished |= update.FinishReason is not null;
            yield return update;
        }
        // Some leave out the mark; then the reason why the model stopped must have come.
        if (!isFinished) throw new IOException("the stream ended before the answer did");
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        return serviceType == typeof(ChatClientMetadata) ? _metadata : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ownsHttp) _http.Dispose();
    }

    /// <summary>A response that says it went well.</summary>
    private async Task<HttpResponseMessage> SendAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, bool streams, CancellationToken cancel)
    {
        ChatMessage[] all = [.. messages];
        while (true)
        {
            string budget = _budgetName;
            using var request = new HttpRequestMessage(HttpMethod.Post, _address)
            {
                Content = new ByteArrayContent(ChatQuestion.Write(all, options, options?.ModelId ?? _metadata.DefaultModelId!, streams, budget))
                {
                    Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
                },
            };
            if (_key is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _key);
            HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
            if (response.IsSuccessStatusCode) return response;
            using (response)
            {
                if (response.StatusCode is >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest)
                    throw new ChatServerException(Hide($"the server points to {response.Headers.Location?.OriginalString ?? "nowhere"}, where nothing is sent; if that is right, name it as the endpoint"), response.StatusCode);
                string message = ChatAnswer.ErrorIn(await ReadErrorAsync(response, cancel).ConfigureAwait(false)) ?? response.ReasonPhrase ?? "no reason given";
                if (response.StatusCode == HttpStatusCode.BadRequest && budget == "max_tokens" && message.Contains("max_completion_tokens", StringComparison.Ordinal))
                {
                    _budgetName = "max_completion_tokens";
                    continue;
                }
                RetryConditionHeaderValue? after = response.Headers.RetryAfter;
                throw new ChatServerException(message, response.StatusCode, after?.Delta ?? (after?.Date is { } date ? Later(date - DateTimeOffset.UtcNow) : null));
            }
        }

        static TimeSpan Later(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }

    /// <summary>What a server sends, up to more than any answer has.</summary>
    private static async Task<Stream> OpenAsync(HttpResponseMessage response, ChatOptions? options, CancellationToken cancel) =>
        new BoundedStream(await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false), LongestAnswer + (long)LongestToken * (options?.MaxOutputTokens ?? 0));

    private async Task<string> ReadAsync(HttpResponseMessage response, ChatOptions? options, CancellationToken cancel)
    {
        using var reader = new StreamReader(await OpenAsync(response, options, cancel).ConfigureAwait(false));
        return Hide(await reader.ReadToEndAsync(cancel).ConfigureAwait(false));
    }

    /// <summary>The begin of an error; the rest is left where it is.</summary>
    private async Task<string> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancel)
    {
        using Stream stream = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        var bytes = new byte[LongestError];
        return Hide(Encoding.UTF8.GetString(bytes, 0, await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false)));
    }

    /// <summary>Some servers repeat a key in their errors, which people copy into reports.</summary>
    private string Hide(string text) => _secrets.Aggregate(text, (hidden, secret) => hidden.Replace(secret, "[key]", StringComparison.Ordinal));

    /// <summary>Keys that stand in an address.</summary>
    private static IEnumerable<string> SecretsOf(Uri endpoint) =>
        endpoint.UserInfo.Split(':').Concat(endpoint.Query.TrimStart('?').Split('&').Select(pair => pair[(pair.IndexOf('=') + 1)..])).SelectMany(part => new[] { part, Uri.UnescapeDataString(part) }).Distinct();
}

/// <summary>What is sent.</summary>
internal static class ChatQuestion
{
    public static byte[] Write(IReadOnlyList<ChatMessage> messages, ChatOptions? options, string model, bool streams, string budgetName)
    {
        if (options?.Tools is { Count: > 0 }) throw new NotSupportedException("this client has no tools");
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteStartArray("messages");
            foreach (ChatMessage message in messages) WriteMessage(json, message);
            json.WriteEndArray();
            json.WriteBoolean("stream", streams);
            if (options is not null) WriteOptions(json, options, budgetName);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }

    private static void WriteOptions(Utf8JsonWriter json, ChatOptions options, string budgetName)
    {
        if (options.MaxOutputTokens is { } budget) json.WriteNumber(budgetName, budget);
        foreach (var (name, value) in (IEnumerable<(string, float?)>)
                 [("temperature", options.Temperature), ("top_p", options.TopP), ("frequency_penalty", options.FrequencyPenalty), ("presence_penalty", options.PresencePenalty)])
            if (value is { } number) json.WriteNumber(name, number);
        if (options.Seed is { } seed) json.WriteNumber("seed", seed);
        if (options.StopSequences is { Count: > 0 } stops)
        {
            json.WriteStartArray("stop");
            foreach (string stop in stops) json.WriteStringValue(stop);
            json.WriteEndArray();
        }
        if (options.ResponseFormat is not ChatResponseFormatJson format) return;
        json.WriteStartObject("response_format");
        json.WriteString("type", format.Schema is null ? "json_object" : "json_schema");
        if (format.Schema is { } schema)
        {
            json.WriteStartObject("json_schema");
            json.WriteString("name", format.SchemaName ?? "answer");
            json.WriteBoolean("strict", true);
            json.WritePropertyName("schema");
            schema.WriteTo(json);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteMessage(Utf8JsonWriter json, ChatMessage message)
    {
        json.WriteStartObject();
        json.WriteString("role", message.Role.Value);
        if (message.Contents.All(content => content is TextContent))
        {
            json.WriteString("content", message.Text); // as every server takes it
        }
        else
        {
            json.WriteStartArray("content");
            foreach (AIContent content in message.Contents) WritePart(json, content);
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    private static void WritePart(Utf8JsonWriter json, AIContent content)
    {
        json.WriteStartObject();
        switch (content)
        {
            case TextContent text:
                json.WriteString("type", "text");
                json.WriteString("text", text.Text);
                break;
            case DataContent data when data.HasTopLevelMediaType("image"):
                WriteImage(data.Uri);
                break;
            case UriContent uri when uri.HasTopLevelMediaType("image"):
                WriteImage(uri.Uri.AbsoluteUri);
                break;
            default:
                throw new NotSupportedException($"this client sends text and pictures, not {content.GetType().Name}");
        }
        json.WriteEndObject();

        void WriteImage(string address)
        {
            json.WriteString("type", "image_url");
            json.WriteStartObject("image_url");
            json.WriteString("url", address);
            json.WriteEndObject();
        }
    }
}

/// <summary>What comes back.</summary>
internal static class ChatAnswer
{
    /// <summary>The code of an <see cref="ErrorContent"/> by which a model declines.</summary>
    public const string Refusal = "Refusal";

    private const int LongestMessage = 500, LongestQuote = 120;

    /// <summary>A whole answer, or a part of a streamed one.</summary>
    /// <exception cref="ChatServerException">It is an error, or no answer at all.</exception>
    public static ChatResponseUpdate Parse(string json, bool isPart)
    {
        JsonElement root;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            root = document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new ChatServerException($"what answers is perhaps no chat server, for this is not JSON: \"{Shorten(json, LongestQuote)}\"", null);
        }
        if (Member(root, "error") is { ValueKind: not JsonValueKind.Null } error) throw new ChatServerException(ErrorIn(json) ?? "an error without a message", StatusOf(error));
        var update = new ChatResponseUpdate { Role = ChatRole.Assistant, RawRepresentation = root };
        if (Member(root, "choices") is not { ValueKind: JsonValueKind.Array } choices || choices.GetArrayLength() == 0)
        {
            if (!isPart) throw new ChatServerException($"the answer has no choices: \"{Shorten(json, LongestQuote)}\"", null);
            return update; // counts of tokens and the like
        }
        JsonElement choice = choices[0], message = Member(choice, isPart ? "delta" : "message") ?? Member(choice, "message") ?? default;
        // What models say to themselves goes by several names.
        if ((Text(message, "reasoning_content") ?? Text(message, "reasoning")) is { Length: > 0 } thought) update.Contents.Add(new TextReasoningContent(thought));
        if (Content(message) is { Length: > 0 } text) update.Contents.Add(new TextContent(text));
        if (Text(message, "refusal") is { Length: > 0 } refusal) update.Contents.Add(new ErrorContent(refusal) { ErrorCode = Refusal });
        if (Text(choice, "finish_reason") is { Length: > 0 } reason) update.FinishReason = new ChatFinishReason(reason);
        return update;
    }

    /// <summary>The sentence in an error's body; null if there is nothing to read.</summary>
    public static string? ErrorIn(string body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement root = document.RootElement, error = Member(root, "error") ?? root;
            string? message = error.ValueKind == JsonValueKind.String ? error.GetString() : Text(error, "message") ?? Text(error, "detail") ?? Text(root, "message") ?? error.GetRawText();
            return Shorten(message!);
        }
        catch (JsonException)
        {
            return string.IsNullOrWhiteSpace(body) ? null : Shorten(body);
        }
    }

    private static HttpStatusCode? StatusOf(JsonElement error) =>
        Member(error, "code") is { ValueKind: JsonValueKind.Number } code && code.TryGetInt32(out int status) && status is >= 400 and <= 599 ? (HttpStatusCode)status : null;

    private static JsonElement? Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out JsonElement value) ? value : null;

    /// <summary>A text, or parts of which some are texts.</summary>
    private static string? Content(JsonElement message) =>
        Member(message, "content") is { ValueKind: JsonValueKind.Array } parts ? string.Concat(parts.EnumerateArray().Select(part => Text(part, "text"))) : Text(message, "content");

    private static string? Text(JsonElement element, string name) => Member(element, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static string Shorten(string text, int longest = LongestMessage)
    {
        text = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= longest ? text : text[..longest] + "…";
    }
}
