using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace ThinkSound.Reasoning.Onnx;

/// <summary>
/// <see cref="OnnxMultimodalModel"/> as a chat client. Of <see cref="ChatOptions"/> it honours instructions, temperature, top-p, top-k,
/// maximum output tokens, stop sequences and seed; a response format, tools, penalties and whatever else is there are passed over.
/// Updates carry text; the last one the usage, the finish reason and, in its additional properties, <see cref="TokensPerSecond"/> and
/// <see cref="PromptSeconds"/>. As many answers at once as there is memory for.
/// </summary>
public sealed class OnnxChatClient : IChatClient
{
    /// <summary>Key of an additional property: tokens a second after the first one, a double.</summary>
    public const string TokensPerSecond = "tokens_per_second";

    /// <summary>Key of an additional property: seconds to the first token, a double.</summary>
    public const string PromptSeconds = "prompt_seconds";

    private readonly Lock _lock = new();
    private readonly Func<CancellationToken, Task<OnnxMultimodalModel>>? _load;
    private readonly bool _ownsModel;
    private readonly ChatClientMetadata _metadata;
    private Task<OnnxMultimodalModel>? _model;

    /// <param name="model">The model.</param>
    /// <param name="ownsModel">Whether the model is disposed of with this client.</param>
    public OnnxChatClient(OnnxMultimodalModel model, bool ownsModel = false)
    {
        ArgumentNullException.ThrowIfNull(model);
        (_model, _ownsModel, _metadata) = (Task.FromResult(model), ownsModel, new ChatClientMetadata("onnxruntime", null, model.Name));
    }

    /// <summary>A folder as <see cref="OnnxMultimodalModel.LoadAsync"/> takes it, loaded when it is first asked; a load that failed or
    /// was cancelled is tried again by the next question. The model is this client's own.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">Which variants, where, on how many threads.</param>
    public OnnxChatClient(string folder, OnnxModelOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        _load = cancel => OnnxMultimodalModel.LoadAsync(folder, options, cancel);
        (_ownsModel, _metadata) = (true, new ChatClientMetadata("onnxruntime", null, OnnxMultimodalModel.NameOf(folder)));
    }

    private Task<OnnxMultimodalModel> GetModelAsync(CancellationToken cancel)
    {
        lock (_lock)
        {
            if (_model is { IsFaulted: false, IsCanceled: false } there) return there;
            return _model = _load!(cancel);
        }
    }

    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ChatResponse response = await GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken).ConfigureAwait(false);
        response.AdditionalProperties ??= response.Messages[^1].AdditionalProperties; // which is where the updates' go
        return response;
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (options?.Instructions is { Length: > 0 } instructions) messages = [new ChatMessage(ChatRole.System, instructions), .. messages];
        return Respond(messages, Convert(options), cancellationToken);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> Respond(IEnumerable<ChatMessage> messages, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        OnnxMultimodalModel model = await GetModelAsync(cancellationToken).ConfigureAwait(false);
        string id = Guid.NewGuid().ToString("N");
        DateTimeOffset now = DateTimeOffset.UtcNow;
        await foreach (GenerationUpdate update in model.GenerateAsync(messages, options, cancellationToken).ConfigureAwait(false))
        {
            if (update is { Text: "", Summary: null }) continue;
            var response = new ChatResponseUpdate(ChatRole.Assistant, update.Text) { ResponseId = id, MessageId = id, ModelId = model.Name, CreatedAt = now };
            if (update.Summary is { } summary)
            {
                response.Contents.Add(new UsageContent(new UsageDetails
                {
                    InputTokenCount = summary.PromptTokens, OutputTokenCount = summary.Tokens, TotalTokenCount = summary.PromptTokens + summary.Tokens,
                }));
                response.FinishReason = summary.End == GenerationEnd.Stop ? ChatFinishReason.Stop : ChatFinishReason.Length;
                response.AdditionalProperties = new() { [TokensPerSecond] = summary.TokensPerSecond, [PromptSeconds] = summary.PromptTime.TotalSeconds };
            }
            yield return response;
        }
    }

    private static GenerationOptions Convert(ChatOptions? options)
    {
        var converted = new GenerationOptions
        {
            Temperature = options?.Temperature, TopP = options?.TopP, TopK = options?.TopK,
            Seed = unchecked((ulong)(options?.Seed ?? 0)), StopTexts = options?.StopSequences is { } stops ? [.. stops] : [],
        };
        return options?.MaxOutputTokens is { } max ? converted with { MaxTokens = max } : converted;
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? _metadata
            : serviceType == typeof(OnnxMultimodalModel) ? Loaded
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    private OnnxMultimodalModel? Loaded => _model is { IsCompletedSuccessfully: true } loaded ? loaded.Result : null;

    /// <summary>Disposes of the model if it is this client's own.</summary>
    public void Dispose()
    {
        if (_ownsModel) Loaded?.Dispose();
    }
}
