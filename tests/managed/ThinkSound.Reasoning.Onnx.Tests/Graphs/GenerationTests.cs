using Microsoft.Extensions.AI;
using ThinkSound.Reasoning.Onnx.Families;
using ThinkSound.Reasoning.Onnx.Graphs;
using ThinkSound.Reasoning.Onnx.Sampling;
using ThinkSound.Reasoning.Onnx.Tests.Models;

namespace ThinkSound.Reasoning.Onnx.Tests.Graphs;

public class GenerationTests
{
    private static readonly string[] s_types = ["smolvlm", "qwen2_vl", "qwen2_5_vl"];

    public enum Shown { Nothing, Picture, Pictures, Video }

    private static ChatMessage[] Conversation(Shown shown)
    {
        AIContent[] contents = shown switch
        {
            Shown.Picture => [TinyModels.Picture(70, 40), new TextContent("What do you hear?")],
            Shown.Pictures => [TinyModels.Picture(70, 40), new TextContent(" and "), TinyModels.Picture(30, 90, 5), TinyModels.Picture(20, 20, 9), new TextContent("What do you hear?")],
            Shown.Video => [TinyModels.Video(5, 60, 40, 0.7), new TextContent("What do you hear?")],
            _ => [new TextContent("What do you hear?")],
        };
        return [new ChatMessage(ChatRole.System, "Describe the sound."), TinyModels.User(contents)];
    }

    private static async Task<(List<int> Tokens, string Text, GenerationSummary Summary)> Run(OnnxMultimodalModel model, ChatMessage[] messages, GenerationOptions options, CancellationToken cancel = default)
    {
        var tokens = new List<int>();
        string text = "";
        GenerationSummary? summary = null;
        await foreach (GenerationUpdate update in model.GenerateAsync(messages, options, cancel))
        {
            Assert.That(summary, Is.Null, "nothing after the end");
            if (update.Token is { } token) tokens.Add(token);
            text += update.Text;
            summary = update.Summary;
        }
        return (tokens, text, summary!);
    }

    [Test]
    public async Task Tokens_are_those_of_a_loop_without_a_cache([ValueSource(nameof(s_types))] string type, [Values] Shown shown, [Values] bool draws)
    {
        var tiny = new TinyModel(type);
        OnnxMultimodalModel model = await TinyModels.Load(tiny);
        using var plain = new FullRecompute(tiny);
        // Long enough that a wrong position or a stale key would tell; a model of random weights hardly ever ends by itself.
        var options = new GenerationOptions { MaxTokens = 24, Temperature = draws ? 0.8f : 0, TopP = 0.9f, RepetitionPenalty = 1.2f, Seed = 5 };
        List<int> expected = plain.Generate(model.Prepare(Conversation(shown)), 24, new TokenSampler(options.Temperature.Value, 0.9f, 0, 1.2f, 5));
        (List<int> tokens, _, GenerationSummary summary) = await Run(model, Conversation(shown), options);
        Assert.That(tokens, Is.EqualTo(expected[..tokens.Count]));
        Assert.That(tokens.Count, Is.EqualTo(24).Or.EqualTo(1 + expected.FindIndex(token => token == model.Tokenizer.IdOf(tiny.IsQwen ? "<|im_end|>" : "<end_of_utterance>"))));
        Assert.That(tokens.Distinct().Count(), Is.GreaterThan(8), "an answer of one token would prove little");
        Assert.That((summary.PromptTokens, summary.Tokens), Is.EqualTo((model.Prepare(Conversation(shown)).Tokens.Length, tokens.Count)));
    }

    [Test]
    public async Task What_is_shown_matters([ValueSource(nameof(s_types))] string type)
    {
        OnnxMultimodalModel model = await TinyModels.Load(new TinyModel(type));
        var options = new GenerationOptions { MaxTokens = 12, RepetitionPenalty = 1.2f };
        async Task<List<int>> Seen(int number) => (await Run(model, [TinyModels.User(TinyModels.Picture(70, 40, number), new TextContent("What?"))], options)).Tokens;
        Assert.That(await Seen(1), Is.Not.EqualTo(await Seen(2)));
    }

    [Test]
    public async Task Chunks_of_a_prompt_and_oddities_of_exports_change_nothing([ValueSource(nameof(s_types))] string type)
    {
        var options = new GenerationOptions { MaxTokens = 12, RepetitionPenalty = 1.2f };
        ChatMessage[] messages = Conversation(Shown.Pictures);
        OnnxMultimodalModel plain = await TinyModels.Load(new TinyModel(type));
        List<int> expected = (await Run(plain, messages, options)).Tokens;
        foreach ((TinyModel tiny, int chunk) in ((TinyModel, int)[])[(new(type), 7), (new(type), 1), (new(type, KeepsLogits: true), 0), (new(type, KeepsLogits: true, TellsFirst: true), 16)])
        {
            using OnnxMultimodalModel model = await OnnxMultimodalModel.LoadAsync(TinyModels.FolderOf(tiny), new OnnxModelOptions { PrefillChunk = chunk, Threads = 1 });
            Assert.That((await Run(model, messages, options)).Tokens, Is.EqualTo(expected), $"{tiny}, chunks of {chunk}");
        }
    }

    [Test]
    public async Task Sixteen_bits_work_too([ValueSource(nameof(s_types))] string type)
    {
        // No other loop to compare with: half precision may take another turn. Twice the same, and no NaN, is what can be said.
        OnnxMultimodalModel model = await TinyModels.Load(new TinyModel(type, Half: true, KeepsLogits: true, TellsFirst: true));
        var options = new GenerationOptions { MaxTokens = 12 };
        List<int> tokens = (await Run(model, Conversation(Shown.Picture), options)).Tokens;
        Assert.That(tokens, Has.Count.EqualTo(12));
        Assert.That((await Run(model, Conversation(Shown.Picture), options)).Tokens, Is.EqualTo(tokens));
    }

    [Test]
    public async Task Many_answers_at_once_are_those_of_one_at_a_time()
    {
        OnnxMultimodalModel model = await TinyModels.Load(new TinyModel("qwen2_5_vl"));
        GenerationOptions Options(int i) => new() { MaxTokens = 10, Temperature = 1, Seed = (ulong)i };
        List<int>[] together = await Task.WhenAll(Enumerable.Range(0, 4).Select(async i => (await Run(model, Conversation((Shown)i), Options(i))).Tokens));
        for (int i = 0; i < 4; i++) Assert.That((await Run(model, Conversation((Shown)i), Options(i))).Tokens, Is.EqualTo(together[i]));
    }

    [Test]
    public async Task The_cache_stays_where_it_is_and_nothing_of_it_is_copied([ValueSource(nameof(s_types))] string type)
    {
        var tiny = new TinyModel(type, KeepsLogits: true);
        OnnxMultimodalModel model = await TinyModels.Load(tiny);
        Prompt prompt = model.Prepare(Conversation(Shown.Picture));
        using var decoding = new Decoding(model.Graphs, prompt, prompt.Tokens.Length + 150);
        int tensors = 2 * tiny.Layers;
        (nint Past, nint Present)[] Addresses() => [.. Enumerable.Range(0, tensors).Select(decoding.Cache.AddressesOf)];

        (nint Past, nint Present)[] first = Addresses();
        Assert.That(first.SelectMany(pair => (nint[])[pair.Past, pair.Present]).Distinct().Count(), Is.EqualTo(2 * tensors), "two buffers to a tensor, all different");
        decoding.ReadPrompt(default);
        List<int> tokens = [.. prompt.Tokens];
        var allocated = new List<long>();
        for (int step = 1; step <= 140; step++)
        {
            // What was written is read next, and the other way round.
            Assert.That(Addresses(), Is.EqualTo(first.Select(pair => step % 2 == 1 ? (pair.Present, pair.Past) : pair)));
            tokens.Add(step % 200);
            long before = GC.GetAllocatedBytesForCurrentThread();
            decoding.ReadToken(step % 200, default);
            allocated.Add(GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.That(decoding.Cache.Length, Is.EqualTo(tokens.Count));
        // Handles only: the same at every length, and less than a single tensor of the cache by now.
        Assert.That(allocated[^10..].Max(), Is.LessThanOrEqualTo(allocated[10..].Min() + 1024).And.LessThan(tensors * 4096));

        // The graph did write there: the memory holds what a run over everything at once calls present.
        using var plain = new FullRecompute(tiny with { KeepsLogits = false });
        float[] expected = plain.Run(prompt, plain.EncodeAll(prompt), tokens, "present.1.key");
        unsafe
        {
            var held = new ReadOnlySpan<float>((void*)decoding.Cache.AddressesOf(2).Past, expected.Length);
            Assert.That(held.ToArray(), Is.EqualTo(expected).Within(1e-4));
        }
    }

    [Test]
    public async Task An_answer_ends_at_the_models_own_token_at_ours_and_at_a_text()
    {
        OnnxMultimodalModel model = await TinyModels.Load(new TinyModel("smolvlm"));
        ChatMessage[] messages = Conversation(Shown.Nothing);
        var options = new GenerationOptions { MaxTokens = 40, RepetitionPenalty = 1.3f };
        (List<int> tokens, string text, GenerationSummary summary) = await Run(model, messages, options);
        Assert.That((tokens.Count, summary.End), Is.EqualTo((40, GenerationEnd.Length)), "endless, but for the limit");
        Assert.That(summary.TokensPerSecond, Is.GreaterThan(0));

        int stop = tokens[9];
        (List<int> stopped, string shorter, GenerationSummary end) = await Run(model, messages, options with { StopTokens = [stop] });
        Assert.That(stopped, Is.EqualTo(tokens[..(tokens.IndexOf(stop) + 1)]));
        Assert.That((end.End, text.StartsWith(shorter, StringComparison.Ordinal)), Is.EqualTo((GenerationEnd.Stop, true)));

        string word = text[6..9];
        (List<int> cut, string before, end) = await Run(model, messages, options with { StopTexts = [word, "never said"] });
        Assert.That((before, end.End), Is.EqualTo((text[..text.IndexOf(word, StringComparison.Ordinal)], GenerationEnd.Stop)));
        Assert.That(cut, Is.EqualTo(tokens[..cut.Count]).And.Count.LessThan(40));

        // The same token as the model's own end, by the folder's generation_config.json.
        string folder = TinyModels.CopyOf(new TinyModel("smolvlm"));
        File.WriteAllText(Path.Combine(folder, "generation_config.json"), $$"""{"eos_token_id": [{{stop}}], "repetition_penalty": 1.3}""");
        using OnnxMultimodalModel ending = await OnnxMultimodalModel.LoadAsync(folder);
        Assert.That((await Run(ending, messages, new GenerationOptions { MaxTokens = 40 })).Tokens, Is.EqualTo(stopped));
    }

    [Test]
    public async Task Cancelling_stops_before_the_next_token()
    {
        OnnxMultimodalModel model = await TinyModels.Load(new TinyModel("qwen2_vl"));
        using var cancel = new CancellationTokenSource();
        int tokens = 0;
        Assert.That(async () =>
        {
            await foreach (GenerationUpdate update in model.GenerateAsync(Conversation(Shown.Picture), new GenerationOptions { MaxTokens = 100 }, cancel.Token))
                if (++tokens == 3) cancel.Cancel();
        }, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(tokens, Is.EqualTo(3));
        Assert.That(async () => await Run(model, Conversation(Shown.Nothing), new GenerationOptions(), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That((await Run(model, Conversation(Shown.Nothing), new GenerationOptions { MaxTokens = 2 })).Tokens, Has.Count.EqualTo(2), "the model goes on");
    }

    [Test]
    public async Task The_models_context_ends_an_answer_and_refuses_a_longer_prompt()
    {
        OnnxMultimodalModel model = await TinyModels.Load(new TinyModel("smolvlm"));
        string text = string.Concat(Enumerable.Repeat(" xyz", 90)); // about a token to a character
        int length = model.Prepare([TinyModels.User(new TextContent(text))]).Tokens.Length;
        Assert.That(length, Is.InRange(300, 399));
        (List<int> tokens, _, GenerationSummary summary) = await Run(model, [TinyModels.User(new TextContent(text))], new GenerationOptions { MaxTokens = 1000 });
        Assert.That((tokens.Count, summary.End), Is.EqualTo((400 - length, GenerationEnd.Length)));

        Assert.That(async () => await Run(model, [TinyModels.User(TinyModels.Picture(64, 64), new TextContent(text + text))], new GenerationOptions()),
            Throws.ArgumentException.With.Message.Contain("400").And.Message.Contain("of which pictures are 20"));
    }

    [Test]
    public async Task Options_out_of_range_are_refused_at_once()
    {
        OnnxMultimodalModel model = await TinyModels.Load(new TinyModel("smolvlm"));
        foreach (GenerationOptions wrong in (GenerationOptions[])
            [new() { MaxTokens = 0 }, new() { Temperature = -1 }, new() { Temperature = float.NaN }, new() { TopP = 0 }, new() { TopP = 1.1f }, new() { TopK = -1 }, new() { RepetitionPenalty = 0.5f }, new() { StopTexts = [""] }])
            Assert.That(() => model.GenerateAsync(Conversation(Shown.Nothing), wrong), Throws.InstanceOf<ArgumentException>(), wrong.ToString());
    }
}
