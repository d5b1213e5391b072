using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using ThinkSound.Reasoning.Onnx.Families;
using ThinkSound.Reasoning.Onnx.Graphs;
using ThinkSound.Reasoning.Onnx.Sampling;
using ThinkSound.Reasoning.Onnx.Text;

namespace ThinkSound.Reasoning.Onnx;

/// <summary>
/// A model that answers in words to words, pictures and video frames, in this process. Any number of answers may be under way at once;
/// each has its own key/value cache. Dispose of it after the last one.
/// </summary>
public sealed class OnnxMultimodalModel : IDisposable
{
    private readonly ModelFamily _family;
    private readonly ModelGraphs _graphs;
    private readonly GenerationDefaults _defaults;
    private readonly HashSet<int> _endTokens;

    private OnnxMultimodalModel(string path, OnnxModelOptions options)
    {
        var folder = new ModelFolder(path, options);
        Tokenizer = ByteLevelTokenizer.Read(folder.TokenizerPath);
        _family = ModelFamily.Of(folder, Tokenizer, options);
        _defaults = GenerationDefaults.Of(folder.Generation);
        _endTokens = [_family.EndOfTurn, .. folder.Generation?.Ints("eos_token_id") ?? []];
        _graphs = new ModelGraphs(folder, options);
        (ModelType, Name) = (folder.Type, NameOf(path));
    }

    /// <summary>Loads a folder as Hugging Face hands out ONNX exports: <c>config.json</c>, <c>preprocessor_config.json</c>,
    /// <c>tokenizer.json</c> and, in <c>onnx/</c>, a vision encoder, a token embedding and a merged decoder. See
    /// docs/reasoning-onnx.md.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">Which variants, where, on how many threads.</param>
    /// <param name="cancellationToken">Stops between files; a file that is being loaded is loaded to its end.</param>
    /// <exception cref="ReasoningModelException">The folder is incomplete, damaged, or of another family; the message names files.</exception>
    public static async Task<OnnxMultimodalModel> LoadAsync(string folder, OnnxModelOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new OnnxModelOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads);
        ArgumentOutOfRangeException.ThrowIfNegative(options.PrefillChunk);
        return await Task.Run(() => new OnnxMultimodalModel(folder, options), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The folder's name.</summary>
    public string Name { get; }

    internal static string NameOf(string folder) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));

    /// <summary><c>model_type</c> of the configuration: smolvlm, idefics3, qwen2_vl or qwen2_5_vl.</summary>
    public string ModelType { get; }

    /// <summary>Tokens that a prompt and its answer may have together.</summary>
    public int ContextLength => _graphs.ContextLength;

    internal ByteLevelTokenizer Tokenizer { get; }

    internal ModelGraphs Graphs => _graphs;

    internal Prompt Prepare(IEnumerable<ChatMessage> messages) => _family.Prepare(Turn.Of(messages));

    /// <summary>Answers a conversation, token by token. The work is done on other threads, nothing of it before the first token is asked
    /// for; no token is computed before it is asked for.</summary>
    /// <param name="messages">Of the roles system, user and assistant, with <see cref="TextContent"/>, <see cref="DataContent"/> of a
    /// picture and <see cref="VideoFramesContent"/>. Special tokens in their texts are plain text.</param>
    /// <param name="options">How tokens are drawn, and when to stop.</param>
    /// <param name="cancellationToken">Stops within one operator of a graph.</param>
    /// <exception cref="ArgumentException">The conversation is longer than <see cref="ContextLength"/>, or an option is out of range.</exception>
    /// <exception cref="MediaException">A picture cannot be read.</exception>
    /// <exception cref="UnsupportedException">A message holds something that these models do not take.</exception>
    /// <exception cref="ReasoningModelException">A graph fails.</exception>
    public IAsyncEnumerable<GenerationUpdate> GenerateAsync(IEnumerable<ChatMessage> messages, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(messages);
        options ??= new GenerationOptions();
        options.Check();
        return Generate([.. messages], options, cancellationToken);
    }

    private async IAsyncEnumerable<GenerationUpdate> Generate(ChatMessage[] messages, GenerationOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        Prompt prompt = await Task.Run(() => Prepare(messages), cancellationToken).ConfigureAwait(false);
        int room = ContextLength - prompt.Tokens.Length;
        if (room < 1) throw new ArgumentException($"the conversation is {prompt.Tokens.Length} tokens, of which pictures are {prompt.Vision.Sum(vision => vision.Input.Tokens)}; {Name} takes {ContextLength} together with its answer", nameof(messages));
        int maxTokens = Math.Min(options.MaxTokens, room);

        using var decoding = new Decoding(_graphs, prompt, prompt.Tokens.Length + maxTokens);
        TokenSampler sampler = _defaults.Sampler(options);
        sampler.See(prompt.Tokens);
        var answer = new AnswerText(Tokenizer, options.StopTexts);
        await Task.Run(() => decoding.ReadPrompt(cancellationToken), cancellationToken).ConfigureAwait(false);
        TimeSpan promptTime = watch.Elapsed;
        watch.Restart();

        for (int count = 1; ; count++)
        {
            int token = sampler.Next(decoding.Logits);
            bool isEnd = _endTokens.Contains(token) || options.StopTokens.Contains(token);
            string text = isEnd ? "" : answer.Add(token);
            watch.Stop(); // what the reader of the answer takes is not the model's time
            yield return new GenerationUpdate(token, text, null);
            if (isEnd || answer.IsStopped || count == maxTokens)
            {
                string rest = answer.End();
                GenerationEnd end = isEnd || answer.IsStopped ? GenerationEnd.Stop : GenerationEnd.Length;
                yield return new GenerationUpdate(null, rest, new GenerationSummary(end, prompt.Tokens.Length, count, promptTime, watch.Elapsed));
                yield break;
            }
            watch.Start();
            await Task.Run(() => decoding.ReadToken(token, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Frees the graphs. Answers under way must have ended.</summary>
    public void Dispose() => _graphs.Dispose();
}
