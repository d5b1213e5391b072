using ThinkSound.Reasoning.Chat;

namespace ThinkSound.Reasoning.Hosting;

/// <summary>What <c>AddThinkSoundReasoning</c> is configured with. Without an endpoint nothing goes over a network.</summary>
public sealed class ThinkSoundReasoningOptions
{
    /// <summary>Of a server that speaks OpenAI's chat/completions: what comes before /chat/completions. Null sets up none.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>The model's name, as the server calls it.</summary>
    public string? Model { get; set; }

    /// <summary>The server's key; null sends none.</summary>
    public string? Key { get; set; }

    /// <summary>How the model is asked.</summary>
    public ChatReasonerOptions Chat { get; set; } = new();
}
