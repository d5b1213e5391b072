using System.Text;
using System.Text.Json.Nodes;
using ThinkSound.Reasoning.Onnx.Text;

namespace ThinkSound.Reasoning.Onnx.Tests.Models;

/// <summary>A byte-level BPE tokenizer of a few hundred tokens, trained on a paragraph.</summary>
internal sealed class TinyTokenizer
{
    private const string Paragraph = """
        A dog barks twice and runs over the gravel; then the rain begins, softly at first, and the dog runs home. You hear the rain
        on the roof, the door, the dog's paws on wood. What do you hear? The sound of the rain and of the dog. Describe the sound of the
        picture in one sentence: what is near, what is far, what comes first. The user asks; the assistant answers. Frame from 00:01.
        """;

    public const string Gpt2Pattern = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
    public const string QwenPattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    public static readonly string[] SmolSpecials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<fake_token_around_image>", "<image>", "<end_of_utterance>", "<global-img>", .. RowTokens()];
    public static readonly string[] QwenSpecials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"];

    private static IEnumerable<string> RowTokens() => from row in Enumerable.Range(1, 6) from column in Enumerable.Range(1, 6) select $"<row_{row}_col_{column}>";

    private static readonly Lazy<(Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges)> s_learned = new(() => Learn(120));

    public IReadOnlyDictionary<string, int> Vocabulary => s_learned.Value.Vocabulary;
    public IReadOnlyList<(string Left, string Right)> Merges => s_learned.Value.Merges;
    public Dictionary<string, int> Specials { get; } = [];

    public int Size => Vocabulary.Count + Specials.Count;

    public TinyTokenizer(string[] specials)
    {
        foreach (string special in specials) Specials[special] = Vocabulary.Count + Specials.Count;
    }

    private static (Dictionary<string, int>, List<(string, string)>) Learn(int count)
    {
        var vocabulary = new Dictionary<string, int>();
        var merges = new List<(string, string)>();
        for (int b = 0; b < 256; b++) vocabulary[ByteAlphabet.Of((byte)b).ToString()] = b;
        List<string>[] words = [.. System.Text.RegularExpressions.Regex.Matches(Paragraph, Gpt2Pattern)
            .Select(match => Encoding.UTF8.GetBytes(match.Value).Select(b => ByteAlphabet.Of(b).ToString()).ToList())];
        while (merges.Count < count)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).GroupBy(pair => pair).OrderByDescending(group => group.Count()).ThenBy(group => group.Key.First + group.Key.Second, StringComparer.Ordinal).First().Key;
            merges.Add(best);
            vocabulary.TryAdd(best.First + best.Second, vocabulary.Count);
            foreach (List<string> word in words)
                for (int i = 0; i + 1 < word.Count; i++)
                    if (word[i] == best.First && word[i + 1] == best.Second)
                    {
                        word[i] += word[i + 1];
                        word.RemoveAt(i + 1);
                    }
        }
        return (vocabulary, merges);
    }

    /// <summary>tokenizer.json with the pre-tokenizer of a family.</summary>
    public JsonObject ToJson(bool isQwen)
    {
        JsonNode preTokenizer = isQwen
            ? new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = QwenPattern }, ["behavior"] = "Isolated", ["invert"] = false },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false }),
            }
            : new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(
                    new JsonObject { ["type"] = "Digits", ["individual_digits"] = true },
                    new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true }),
            };
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray([.. Specials.Select(special => new JsonObject
            {
                ["id"] = special.Value, ["content"] = special.Key, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false, ["special"] = true,
            })]),
            ["normalizer"] = isQwen ? new JsonObject { ["type"] = "NFC" } : null,
            ["pre_tokenizer"] = preTokenizer,
            ["post_processor"] = isQwen ? new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = false, ["use_regex"] = false } : null,
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = true, ["trim_offsets"] = true, ["use_regex"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["continuing_subword_prefix"] = "", ["end_of_word_suffix"] = "", ["fuse_unk"] = false, ["byte_fallback"] = false,
                ["vocab"] = new JsonObject(Vocabulary.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value))),
                // Older files write a merge as one text, newer ones as two.
                ["merges"] = new JsonArray([.. Merges.Select(merge => isQwen ? (JsonNode)new JsonArray(merge.Left, merge.Right) : $"{merge.Left} {merge.Right}")]),
            },
        };
    }
}
