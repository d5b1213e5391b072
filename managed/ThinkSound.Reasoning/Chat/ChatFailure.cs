using System.Net;
using System.Text.RegularExpressions;

namespace ThinkSound.Reasoning.Chat;

/// <summary>What an exception of a chat client means for whoever asked.</summary>
/// <param name="Message">What happened.</param>
/// <param name="Cause">The exception.</param>
/// <param name="Kind">What it is where nothing helps.</param>
/// <param name="MayPass">Asking again may help.</param>
/// <param name="IsAboutForm">The server does not know the form that was asked for.</param>
/// <param name="RetryAfter">How long the server asks to wait.</param>
/// <param name="Remedy">What to do.</param>
internal sealed partial record ChatFailure(string Message, Exception Cause, ReasoningFailure Kind, bool MayPass = false, bool IsAboutForm = false,
                                           TimeSpan? RetryAfter = null, string Remedy = "")
{
    /// <summary>Null for exceptions that are no failure of a server or model, such as a mistake in a program.</summary>
    public static ChatFailure? Of(Exception e, ChatReasonerOptions options) => e switch
    {
        NotSupportedException => new ChatFailure(e.Message, e, ReasoningFailure.Denied, IsAboutForm: true),
        TimeoutException => new ChatFailure(e.Message, e, ReasoningFailure.Unreachable, Remedy: "; is it overloaded, or its model still being loaded?"),
        InvalidDataException => new ChatFailure(e.Message, e, ReasoningFailure.BadAnswer, Remedy: "; is the endpoint right?"),
        OperationCanceledException => new ChatFailure($"the server does not answer: {e.Message}", e, ReasoningFailure.Unreachable, MayPass: true), // nobody here cancelled
        HttpRequestException { StatusCode: { } status } => OfStatus(status, e.Message, e),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } =>
            new ChatFailure($"the server cannot be reached: {e.Message}", e, ReasoningFailure.Unreachable, Remedy: "; is it running, and is the endpoint right?"),
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } =>
            new ChatFailure($"no secure connection: {WithCause(e)}", e, ReasoningFailure.Unreachable, Remedy: "; does the server speak https, and is its certificate right?"),
        HttpRequestException or IOException => new ChatFailure(WithCause(e), e, ReasoningFailure.Unreachable, MayPass: true),
        _ => options.StatusOf?.Invoke(e) is { } status ? OfStatus(status, e.Message, e) : null,
    };

    private static string WithCause(Exception e) => e is { InnerException: { } inner } ? $"{e.Message} {inner.Message}" : e.Message;

    private static ChatFailure OfStatus(HttpStatusCode status, string message, Exception e)
    {
        string said = $"HTTP {(int)status}: {message}";
        TimeSpan? after = (e as ChatServerException)?.RetryAfter;
        return status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new ChatFailure(said, e, ReasoningFailure.Denied, Remedy: "; is the key right?"),
            HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout => new ChatFailure(said, e, ReasoningFailure.Unreachable, MayPass: true, RetryAfter: after),
            _ when AboutForm().IsMatch(message) => new ChatFailure(said, e, ReasoningFailure.Denied, IsAboutForm: true),
            >= HttpStatusCode.InternalServerError => new ChatFailure(said, e, ReasoningFailure.Unreachable, MayPass: true, RetryAfter: after),
            HttpStatusCode.NotFound => new ChatFailure(said, e, ReasoningFailure.Denied, Remedy: "; is the model's name right, and does the endpoint end as it should (often in /v1)?"),
            _ when AboutPictures().IsMatch(message) => new ChatFailure(said, e, ReasoningFailure.Denied, Remedy: "; choose a model that understands pictures"),
            _ => new ChatFailure(said, e, ReasoningFailure.Denied),
        };
    }

    [GeneratedRegex("response.?format|json.?schema|structured|guided|grammar|json.?object|json mode", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AboutForm();

    [GeneratedRegex("image|vision|multimodal|mmproj", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex AboutPictures();
}
