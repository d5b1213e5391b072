using System.Net;
using ThinkSound.Reasoning.Frames;

namespace ThinkSound.Reasoning.Chat;

/// <summary>How a chat model is asked. Immutable; vary it with <c>with</c>.</summary>
public sealed record ChatReasonerOptions
{
    /// <summary>What results call the provider.</summary>
    public string Provider { get; init; } = "chat";

    /// <summary>The model; null takes the client's own.</summary>
    public string? Model { get; init; }

    /// <summary>Which frames the model is shown.</summary>
    public FrameOptions Frames { get; init; } = new();

    /// <summary>How far the server is asked to hold the model to the answer's form. Where it says that it cannot, less is asked for from then on.</summary>
    public AnswerForm Form { get; init; } = AnswerForm.Schema;

    /// <summary>Take the answer as it is written; false waits for the whole.</summary>
    public bool Streams { get; init; } = true;

    /// <summary>Tokens of one answer, a model's deliberation included; beyond them it is cut off.</summary>
    public int MaxOutputTokens { get; init; } = 4096;

    /// <summary>0 and up; the higher, the more varied. Null leaves it to the server.</summary>
    public float? Temperature { get; init; } = 0.2f;

    /// <summary>How often the model is asked where its answers cannot be used, 1 or more.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>How often a server is asked again that is busy (429), fails (5xx) or breaks off.</summary>
    public int MaxRetries { get; init; } = 4;

    /// <summary>Before the first retry; doubled with each further one, and varied by a quarter.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait before a retry; a server that asks for more is given up.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The longest wait for the next word. A server may have to load its model first.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The HTTP status that an exception of the client stands for, where it is no <see cref="HttpRequestException"/>; null if it stands for none.</summary>
    public Func<Exception, HttpStatusCode?>? StatusOf { get; init; }

    /// <summary>The clock for waiting.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>How far a server holds a model to the form of its answer.</summary>
public enum AnswerForm
{
    /// <summary>Not at all; the form is described in words.</summary>
    Words,
    /// <summary>JSON of any kind.</summary>
    Json,
    /// <summary>JSON that fits a schema.</summary>
    Schema,
}
