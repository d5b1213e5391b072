using System.Net;

namespace ThinkSound.Reasoning.Chat;

/// <summary>A chat server answered with an error, or broke off with one. The message is the server's own.</summary>
public sealed class ChatServerException : HttpRequestException
{
    internal ChatServerException(string message, HttpStatusCode? status, TimeSpan? retryAfter = null)
        : base(HttpRequestError.Unknown, message, null, status) => RetryAfter = retryAfter;

    /// <summary>How long the server asks to wait; null if it does not.</summary>
    public TimeSpan? RetryAfter { get; }
}
