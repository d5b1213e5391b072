using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using ThinkSound.Reasoning.Answers;
using ThinkSound.Reasoning.Frames;
using ThinkSound.Reasoning.Prompts;

namespace ThinkSound.Reasoning.Chat;

/// <summary>Has a chat model think that understands pictures: behind an address (<see cref="OpenAiChatClient"/>), in this process, or
/// whatever else is an <see cref="IChatClient"/>. The model is shown a few frames with their times, answers in JSON, and is asked
/// again where its answer cannot be used. Several requests at once are as safe as the client is.</summary>
public sealed class ChatReasoner : IReasoner
{
    private const int LongestEcho = 4000; // characters of an unusable answer that the model is shown again

    private readonly IChatClient _client;
    private readonly ChatReasonerOptions _options;
    private readonly string _model;
    private volatile AnswerForm _form;

    /// <summary>A reasoner over a client, which stays the caller's to dispose of.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public ChatReasoner(IChatClient client, ChatReasonerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        _options = options ?? new ChatReasonerOptions();
        _options.Frames.Check();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxAttempts, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxOutputTokens, 1, nameof(options));
        _model = _options.Model ?? client.GetService<ChatClientMetadata>()?.DefaultModelId ?? "";
        _form = _options.Form;
    }

    /// <inheritdoc/>
    public string Provider => _options.Provider;

    /// <summary>Whatever has something to think about.</summary>
    public bool Accepts(ReasoningRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request.Video is not null || request.Previous is not null || request.Existing.Count > 0 ||
               new[] { request.Caption, request.ChainOfThought, request.Instruction }.Any(words => words is { Length: > 0 });
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ReasoningStep> ReasonAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress = null,
                                                       CancellationToken cancellationToken = default)
    {
        if (!Accepts(request)) throw new ArgumentException("there is nothing to think about: give a video, a caption, an instruction or an earlier reasoning");
        return StepStream.Run((tell, cancel) => ThinkAsync(request, new Talk(request.Stage, tell, progress, cancel)), cancellationToken);
    }

    private async Task ThinkAsync(ReasoningRequest request, Talk talk)
    {
        RequestSubject subject = await RequestSubject.OfAsync(request, talk.Cancel).ConfigureAwait(false);
        IReadOnlyList<SampledFrame> frames = subject.Media is null ? []
            : await new FrameSampler(_options.Frames).SampleAsync(subject.Media, request.Start, subject.Watched, request.Region, talk.Progress, talk.Cancel).ConfigureAwait(false);
        var reader = new AnswerReader(request, subject.Subject, Provider, _model);
        var corrections = new List<ChatMessage>();
        Reasoning? brokenOff = null;
        for (int attempt = 1; ; attempt++)
        {
            Reply reply = await AskAsync(form => [.. ReasoningPrompt.Messages(request, subject, frames, form != AnswerForm.Schema), .. corrections], talk).ConfigureAwait(false);
            talk.Progress?.Report(new ReasoningProgress(ReasoningActivity.Checking, null, ""));
            Answer answer = reader.Read(reply.Text);
            if (reply.Refusal is { } words) throw Refused(words);
            if (answer.IsRefusal) throw Refused(reply.Text);
            if (answer is { Reasoning: { } whole, IsWhole: true })
            {
                await FinishAsync(whole, request, talk).ConfigureAwait(false);
                return;
            }
            brokenOff = answer.Reasoning ?? brokenOff;
            IReadOnlyList<string> problems = reply.IsEndless ? ["it did not come to an end; be brief"] : answer.IsWhole ? answer.Problems : ["it broke off; be brief"];
            if (attempt == _options.MaxAttempts)
            {
                if (brokenOff is null) throw Unusable(reply, problems);
                await FinishAsync(brokenOff, request, talk).ConfigureAwait(false); // better than nothing, and it says so
                return;
            }
            await talk.NoteAsync($"the answer cannot be used ({string.Join("; ", problems)}); the model is asked again").ConfigureAwait(false);
            corrections = reply.IsEndless || reply.Text.Length == 0 ? [ReasoningPrompt.Again(problems)]
                : [new ChatMessage(ChatRole.Assistant, reply.Text[..Math.Min(reply.Text.Length, LongestEcho)]), ReasoningPrompt.Again(problems)];
        }
    }

    private static async Task FinishAsync(Reasoning reasoning, ReasoningRequest request, Talk talk)
    {
        if (request.Tokens is { } tokens) reasoning = reasoning.Fit(tokens);
        foreach (string repair in reasoning.Repairs) await talk.NoteAsync(repair).ConfigureAwait(false);
        await talk.TellAsync(new ReasoningStep(ReasoningStepKind.Result, "") { Attempt = talk.Attempt, Result = reasoning }).ConfigureAwait(false);
    }

    /// <summary>One answer, however often the server has to be asked for it.</summary>
    private async Task<Reply> AskAsync(Func<AnswerForm, IReadOnlyList<ChatMessage>> messages, Talk talk)
    {
        for (int failures = 0; ;)
        {
            AnswerForm form = _form;
            ChatFailure? failure = null;
            talk.Attempt++;
            try
            {
                return await ListenAsync(messages(form), form, talk).ConfigureAwait(false);
            }
            catch (Exception e) when (!talk.Cancel.IsCancellationRequested && (failure = ChatFailure.Of(e, _options)) is not null)
            {
                // handled below, where waiting is possible
            }
            if (failure.IsAboutForm && form != AnswerForm.Words)
            {
                _form = form - 1;
                await talk.NoteAsync(form == AnswerForm.Schema ? "the server does not hold answers to a schema; the model is asked for JSON"
                                                               : "the server does not hold answers to JSON; the model is asked for it in words").ConfigureAwait(false);
                continue;
            }
            if (failure.MayPass && failures < _options.MaxRetries)
            {
                TimeSpan wait = failure.RetryAfter ?? Delay(failures);
                if (wait > _options.MaxRetryDelay)
                    throw new ReasoningException(ReasoningFailure.Unreachable, $"{Model}: {failure.Message}; it asks to wait for {wait.TotalSeconds:0} s, which is too long", failure.Cause);
                failures++;
                talk.Progress?.Report(new ReasoningProgress(ReasoningActivity.Waiting, null, $"{wait.TotalSeconds:0.#} s"));
                await talk.NoteAsync($"{failure.Message}; asking again in {wait.TotalSeconds:0.#} s").ConfigureAwait(false);
                await Task.Delay(wait, _options.Time, talk.Cancel).ConfigureAwait(false);
                continue;
            }
            throw new ReasoningException(failure.Kind, $"{Model}: {failure.Message}{(failures > 0 ? $" (asked {failures + 1} times)" : "")}{failure.Remedy}", failure.Cause);
        }
    }

    /// <summary>Asks once and takes the answer as it comes.</summary>
    private async Task<Reply> ListenAsync(IReadOnlyList<ChatMessage> messages, AnswerForm form, Talk talk)
    {
        var options = new ChatOptions
        {
            ModelId = _options.Model, Temperature = _options.Temperature, MaxOutputTokens = _options.MaxOutputTokens,
            ResponseFormat = form switch
            {
                AnswerForm.Schema => ChatResponseFormat.ForJsonSchema(ReasoningSchema.ForServer(talk.Stage), "reasoning"),
                AnswerForm.Json => ChatResponseFormat.Json,
                _ => null,
            },
        };
        talk.Progress?.Report(new ReasoningProgress(ReasoningActivity.Waiting, null, ""));
        using var patience = new CancellationTokenSource(_options.Patience, _options.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, talk.Cancel);
        var thoughts = new ThoughtStream(talk.Attempt, _options.MaxOutputTokens);
        string? refusal = null;
        bool isOverBudget = false;
        try
        {
            await foreach (ChatResponseUpdate update in Updates(messages, options, stop.Token).ConfigureAwait(false))
            {
                if (update.Contents.Count > 0) patience.CancelAfter(_options.Patience); // for words, not for signs of life
                foreach (AIContent content in update.Contents)
                {
                    IReadOnlyList<ReasoningStep> steps = content switch
                    {
                        TextReasoningContent thought => [thoughts.Deliberate(thought.Text)],
                        TextContent text => thoughts.Add(text.Text),
                        _ => [],
                    };
                    foreach (ReasoningStep step in steps) await talk.TellAsync(step).ConfigureAwait(false);
                    if (content is ErrorContent error)
                        refusal = error.ErrorCode == ChatAnswer.Refusal ? error.Message : throw new ChatServerException(error.Message, null);
                }
                talk.Progress?.Report(new ReasoningProgress(ReasoningActivity.Thinking, null, $"{thoughts.Characters} characters"));
                if (update.FinishReason == ChatFinishReason.ContentFilter) refusal ??= "its server filtered the answer";
                isOverBudget |= update.FinishReason == ChatFinishReason.Length;
                if (thoughts.IsEndless) break; // leaving the loop tells the server
            }
        }
        catch (OperationCanceledException e) when (patience.IsCancellationRequested && !talk.Cancel.IsCancellationRequested)
        {
            throw new TimeoutException($"no word came for {_options.Patience.TotalSeconds:0.##} s", e);
        }
        return new Reply(thoughts.Answer, refusal, thoughts.IsEndless || isOverBudget);
    }

    private async IAsyncEnumerable<ChatResponseUpdate> Updates(IReadOnlyList<ChatMessage> messages, ChatOptions options,
                                                               [EnumeratorCancellation] CancellationToken cancel)
    {
        if (_options.Streams)
        {
            await foreach (ChatResponseUpdate update in _client.GetStreamingResponseAsync(messages, options, cancel).ConfigureAwait(false)) yield return update;
            yield break;
        }
        ChatResponse response = await _client.GetResponseAsync(messages, options, cancel).ConfigureAwait(false);
        foreach (ChatResponseUpdate update in response.ToChatResponseUpdates()) yield return update;
    }

    /// <summary>"qwen2.5-vl at localhost:8000", which names no key that stands in an address.</summary>
    private string Model => (_model.Length > 0 ? _model : Provider) + (_client.GetService<ChatClientMetadata>()?.ProviderUri is { IsAbsoluteUri: true } uri ? $" at {uri.Authority}" : "");

    private TimeSpan Delay(int failures) => _options.RetryDelay * (Math.Pow(2, failures) * (0.75 + 0.5 * Random.Shared.NextDouble()));

    private ReasoningException Refused(string words) =>
        new(ReasoningFailure.Refused, $"{Model} declines to answer: \"{Begin(words)}\"; try other words or another model");

    private ReasoningException Unusable(Reply reply, IReadOnlyList<string> problems) => reply.IsEndless
        ? new(ReasoningFailure.Endless, $"{Model} did not come to an end within {_options.MaxOutputTokens} tokens, in {_options.MaxAttempts} attempts; try another model, or allow more tokens")
        : new(ReasoningFailure.BadAnswer, $"{Model} gave no usable answer in {_options.MaxAttempts} attempts: {string.Join("; ", problems)}" +
                                          (reply.Text.Trim().Length > 0 ? $"; its last one begins with \"{Begin(reply.Text)}\"" : ""));

    private static string Begin(string text)
    {
        text = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length <= 120 ? text : text[..120] + "…";
    }

    private sealed record Reply(string Text, string? Refusal, bool IsEndless);

    /// <summary>What goes on around one request.</summary>
    private sealed class Talk(ReasoningStage stage, StepStream.Tell tell, IProgress<ReasoningProgress>? progress, CancellationToken cancel)
    {
        public ReasoningStage Stage { get; } = stage;
        public IProgress<ReasoningProgress>? Progress { get; } = progress;
        public CancellationToken Cancel { get; } = cancel;
        public int Attempt { get; set; }

        public ValueTask TellAsync(ReasoningStep step) => tell(step);

        public ValueTask NoteAsync(string text) => tell(new ReasoningStep(ReasoningStepKind.Note, text) { Attempt = Math.Max(1, Attempt) });
    }
}
