using ThinkSound.Reasoning.Onnx.Pictures;
using ThinkSound.Reasoning.Onnx.Text;

namespace ThinkSound.Reasoning.Onnx.Families;

/// <summary>A vision input, and the first of the prompt's tokens that its output takes the place of.</summary>
internal sealed record PlacedVision(VisionInput Input, int Start);

/// <summary>All that a decoder needs to begin.</summary>
internal sealed record Prompt(int[] Tokens, IReadOnlyList<PlacedVision> Vision, Positions Positions);

/// <summary>What sets one family of models apart: how a conversation is written down, what becomes of pictures, where tokens are.
/// Immutable; any thread.</summary>
internal abstract class ModelFamily
{
    private readonly ByteLevelTokenizer _tokenizer;

    /// <summary>Checks that tokenizer and template have the special tokens that the family's template is made of.</summary>
    protected ModelFamily(ModelFolder folder, ByteLevelTokenizer tokenizer, params ReadOnlySpan<string> markers)
    {
        _tokenizer = tokenizer;
        foreach (string marker in markers)
        {
            TokenOf(folder, marker);
            if (folder.ChatTemplate is { } template && !template.Contains(marker, StringComparison.Ordinal))
                throw new ReasoningModelException($"the chat template beside {folder.Config.Path} is not that of {folder.Type}: \"{marker}\" is not in it");
        }
    }

    public static ModelFamily Of(ModelFolder folder, ByteLevelTokenizer tokenizer, OnnxModelOptions options) => folder.Type switch
    {
        "smolvlm" or "idefics3" => new SmolVlm(folder, tokenizer, options),
        _ => new QwenVl(folder, tokenizer),
    };

    /// <summary>The token that ends a turn.</summary>
    public abstract int EndOfTurn { get; }

    /// <summary>Writes a conversation down, with the answer about to begin, and lists its vision inputs in the order of their tokens.</summary>
    protected abstract void Write(IReadOnlyList<Turn> turns, PromptText text, List<VisionInput> vision);

    /// <summary>Whether a token stands for a part of a vision input.</summary>
    protected abstract bool IsVision(int token);

    protected abstract Positions Place(int length, IReadOnlyList<PlacedVision> vision);

    public Prompt Prepare(IReadOnlyList<Turn> turns)
    {
        var text = new PromptText();
        var vision = new List<VisionInput>();
        Write(turns, text, vision);
        int[] tokens = [.. _tokenizer.Encode(text)];
        var placed = new List<PlacedVision>();
        int at = 0;
        foreach (VisionInput input in vision)
        {
            while (!IsVision(tokens[at])) at++;
            placed.Add(new PlacedVision(input, at));
            at += input.Tokens;
        }
        return new Prompt(tokens, placed, Place(tokens.Length, placed));
    }

    protected static string Repeat(string text, int count) => string.Concat(Enumerable.Repeat(text, count));

    protected int TokenOf(ModelFolder folder, string text) =>
        _tokenizer.IdOf(text) ?? throw new ReasoningModelException($"{folder.TokenizerPath} has no added token \"{text}\", which {folder.Type} needs");

    /// <summary>A token's id, which the configuration must agree with.</summary>
    protected int TokenOf(ModelFolder folder, string text, string configured)
    {
        int id = TokenOf(folder, text);
        if (folder.Config.Int(configured, id) is var other && other != id)
            throw folder.Config.Fault(configured, $"is {other}, but \"{text}\" is {id} in {folder.TokenizerPath}");
        return id;
    }

    protected static PixelScale ReadScale(ConfigFile images, float[] mean, float[] deviation) => new(
        images.Flag("do_rescale", true) ? images.Number("rescale_factor", 1 / 255.0) : 1,
        images.Flag("do_normalize", true) ? images.Colours("image_mean", mean) : [0, 0, 0],
        images.Flag("do_normalize", true) ? images.Colours("image_std", deviation) : [1, 1, 1]);

    protected static ResampleFilter ReadFilter(ConfigFile images, ResampleFilter otherwise) =>
        (ResampleFilter)images.Int("resample", (int)otherwise) is var filter && Enum.IsDefined(filter) ? filter
            : throw images.Fault("resample", "is none of 1 (Lanczos), 2 (bilinear), 3 (bicubic)");
}
