using System.CommandLine;
using ThinkSound.Bundles;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Chat;
using ThinkSound.Reasoning.Onnx;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Cli;

/// <summary>Who thinks: the same options for every command that has somebody think. Without an endpoint nothing goes over a network.</summary>
internal sealed class ReasonerArguments
{
    public const string EndpointVariable = "THINKSOUND_CHAT_ENDPOINT", ModelVariable = "THINKSOUND_CHAT_MODEL", KeyVariable = "THINKSOUND_CHAT_KEY",
        ModelFolderVariable = "THINKSOUND_REASONING_MODEL";

    private const string Auto = "auto", Chat = "chat", Onnx = "onnx", Recogniser = RecogniserReasoner.Name, Manual = "manual", None = "none";

    private readonly Option<string> _provider;
    private readonly Option<string?> _endpoint = new("--endpoint")
    {
        Description = $"Address of a chat server that speaks OpenAI's protocol (vLLM, llama.cpp, Ollama), such as http://localhost:8000/v1. Default: ${EndpointVariable}.", HelpName = "URL",
    };
    private readonly Option<string?> _model = new("--model") { Description = $"The chat model, as the server calls it. Default: ${ModelVariable}.", HelpName = "NAME" };
    private readonly Option<string?> _modelFolder = new("--model-folder")
    {
        Description = $"A multimodal model to run in this process: a folder of Hugging Face's ONNX layout (SmolVLM, Qwen2-VL, Qwen2.5-VL). Default: ${ModelFolderVariable}.", HelpName = "FOLDER",
    };
    private readonly Option<string> _key = new("--key-variable")
    {
        Description = "The environment variable that holds the server's key, if it wants one.", DefaultValueFactory = _ => KeyVariable, HelpName = "NAME",
    };

    private readonly bool _mayWatch;

    /// <param name="mayBeNone">Thinking can be left out.</param>
    /// <param name="mayWatch">Where nobody else is set up the recogniser thinks.</param>
    public ReasonerArguments(bool mayBeNone, bool mayWatch = true)
    {
        _mayWatch = mayWatch;
        _provider = new Option<string>("--provider")
        {
            Description = "Who thinks: a chat model, onnx (a model in this process), recogniser (what the model itself sees, put together by rules), manual (your own words as they are)"
                + (mayBeNone ? ", none" : "") + ", or auto: your own words, else a chat model that is set up.",
            DefaultValueFactory = _ => Auto,
        }.AcceptOnlyFromAmong([Auto, Chat, Onnx, Recogniser, Manual, .. mayBeNone ? [None] : Array.Empty<string>()]);
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_provider, _endpoint, _model, _key, _modelFolder]) command.Add(option);
        _endpoint.Require(url => url is null || IsAddress(url), "--endpoint is an address such as http://localhost:8000/v1");
    }

    /// <summary>Somebody in particular was asked for.</summary>
    public bool IsNamed(ParseResult parsed) => parsed.GetValue(_provider) is not (Auto or None);

    /// <summary>Who was asked for; null for nobody.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="engine">The model whose recogniser is meant; asked for when a video is first to be watched.</param>
    public IReasoner? Read(ParseResult parsed, Func<EngineOptions> engine) => parsed.GetValue(_provider) switch
    {
        None => null,
        Manual => new ManualReasoner(),
        Recogniser => ReadRecogniser(engine),
        Chat => ReadChat(parsed) ?? throw new UsageException($"--provider chat needs --endpoint URL and --model NAME (or ${EndpointVariable} and ${ModelVariable})"),
        Onnx => ReadOnnx(parsed) ?? throw new UsageException($"--provider onnx needs --model-folder FOLDER (or ${ModelFolderVariable})"),
        // In the order of preference; what needs neither server nor model comes last.
        _ => new ReasonerChain(new IReasoner?[] { new ManualReasoner(), ReadChat(parsed), ReadOnnx(parsed), _mayWatch && HasRecogniser(engine) ? ReadRecogniser(engine) : null }.OfType<IReasoner>()),
    };

    /// <summary>Counts for the model of a bundle; null, with the reason told, where there is none to count for.</summary>
    public static ITokenCounter? Tokens(string? bundle, Terminal terminal)
    {
        try
        {
            return TokenCounter.Of(BundleDescription.Read(bundle ?? DefaultBundle.Find()));
        }
        catch (Exception e) when (bundle is null && e is ResourceNotFoundException)
        {
            terminal.Warn("no model is named or found, so the texts are not made to fit one; --bundle names it");
            return null;
        }
    }

    /// <summary>A model that cannot be read is told of by whoever loads it.</summary>
    private static bool HasRecogniser(Func<EngineOptions> engine)
    {
        try
        {
            return engine().BundlePath is { } bundle && BundleDescription.Read(bundle).Find("recogniser") is not null;
        }
        catch (Exception e) when (e is ThinkSoundException or UsageException or IOException)
        {
            return false;
        }
    }

    private static RecogniserReasoner ReadRecogniser(Func<EngineOptions> engine)
    {
        Task<ThinkSoundEngine>? loaded = null; // lives as long as the program
        return new RecogniserReasoner(cancel => loaded ??= ThinkSoundEngine.LoadAsync(engine() with { Components = RecogniserReasoner.Components }, cancellationToken: cancel));
    }

    private ChatReasoner? ReadChat(ParseResult parsed)
    {
        string? endpoint = Set(parsed.GetValue(_endpoint), EndpointVariable);
        if (endpoint is null) return null;
        if (!IsAddress(endpoint)) throw new UsageException($"${EndpointVariable} is \"{endpoint}\", and no address such as http://localhost:8000/v1");
        string model = Set(parsed.GetValue(_model), ModelVariable) ?? throw new UsageException($"an endpoint needs the name of a model: --model NAME (or ${ModelVariable})");
        // The client lives as long as the program.
        return new ChatReasoner(new OpenAiChatClient(new Uri(endpoint), model, Set(null, parsed.GetValue(_key)!)));
    }

    private ChatReasoner? ReadOnnx(ParseResult parsed)
    {
        string? folder = Set(parsed.GetValue(_modelFolder), ModelFolderVariable);
        if (folder is null) return null;
        if (!Directory.Exists(folder)) throw new ResourceNotFoundException($"{folder}: no such folder; a model to think with is a folder with config.json, tokenizer.json and onnx/");
        return new ChatReasoner(new OnnxChatClient(folder)); // lives as long as the program
    }

    private static string? Set(string? given, string variable) =>
        given is { Length: > 0 } ? given : Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

    private static bool IsAddress(string url) => Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) && uri.Scheme is "http" or "https";
}
