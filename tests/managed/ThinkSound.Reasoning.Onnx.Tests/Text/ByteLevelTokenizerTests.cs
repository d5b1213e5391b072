using System.Text;
using System.Text.Json.Nodes;
using Microsoft.ML.Tokenizers;
using ThinkSound.Reasoning.Onnx.Tests.Models;
using ThinkSound.Reasoning.Onnx.Text;

namespace ThinkSound.Reasoning.Onnx.Tests.Text;

public class ByteLevelTokenizerTests
{
    private static readonly string[] s_texts =
    [
        "", " ", "a", "the dog", "  The dog's bark,\n\n  then\train!  ", "I'LL hear 1234 sounds in 3.5 s", "naïve café – “quoted” 雨の音 🐕‍🦺 ok", "x\r\n\r\ny   z",
        "𝐀𝐁𝟙 letters beyond", "don't we're they've", "\u0000\u0001 bytes", string.Concat(Enumerable.Repeat("therain", 200)),
    ];

    private static ByteLevelTokenizer Load(bool isQwen, Action<JsonObject>? change = null)
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("ts-onnx-tokenizer").FullName, "tokenizer.json");
        try
        {
            JsonObject file = new TinyTokenizer(isQwen ? TinyTokenizer.QwenSpecials : TinyTokenizer.SmolSpecials).ToJson(isQwen);
            change?.Invoke(file);
            File.WriteAllText(path, file.ToJsonString());
            return ByteLevelTokenizer.Read(path);
        }
        finally { Directory.Delete(Path.GetDirectoryName(path)!, recursive: true); }
    }

    private static string Decode(ByteLevelTokenizer tokenizer, IEnumerable<int> tokens) => Encoding.UTF8.GetString([.. tokens.SelectMany(token => tokenizer.BytesOf(token).ToArray())]);

    [Test]
    public void Tokens_are_those_of_another_implementation([Values] bool isQwen, [ValueSource(nameof(s_texts))] string text)
    {
        if (text.Any(char.IsSurrogate)) Assert.Pass("cut by UTF-16 units there"); // see the next test
        var parts = new TinyTokenizer([]);
        // Of the merges alone: the other implementation has no way to say "digits one by one, then the usual pattern".
        string pattern = isQwen ? TinyTokenizer.QwenPattern : @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?=\p{N})|\s+(?!\S)|\s+";
        var options = new BpeOptions(parts.Vocabulary)
        {
            Merges = parts.Merges.Select(merge => $"{merge.Left} {merge.Right}"), ByteLevel = true,
            PreTokenizer = new RegexPreTokenizer(new System.Text.RegularExpressions.Regex(pattern), null),
        };
        IReadOnlyList<int> expected = BpeTokenizer.Create(options).EncodeToIds(text);
        Assert.That(Load(isQwen).Encode(new PromptText().Template(text)), Is.EqualTo(expected));
    }

    [Test]
    public void Every_text_comes_back([Values] bool isQwen, [ValueSource(nameof(s_texts))] string text)
    {
        ByteLevelTokenizer tokenizer = Load(isQwen);
        Assert.That(Decode(tokenizer, tokenizer.Encode(new PromptText().Literal(text))), Is.EqualTo(text));
    }

    [Test]
    public void Characters_beyond_sixteen_bits_are_letters_and_numbers_as_they_should_be()
    {
        using var description = System.Text.Json.JsonDocument.Parse(new TinyTokenizer([]).ToJson(isQwen: false)["pre_tokenizer"]!.ToJsonString());
        var preTokenizer = new Onnx.Text.PreTokenizer(description.RootElement, "tokenizer.json");
        Assert.That(preTokenizer.Split("a 𝐀𝐁c𝟙𝟚! 🐕🐕"), Is.EqualTo(new[] { "a", " 𝐀𝐁c", "𝟙", "𝟚", "!", " 🐕🐕" }));
    }

    [Test]
    public void Pieces_merge_across_the_parts_of_a_prompt()
    {
        ByteLevelTokenizer tokenizer = Load(isQwen: false);
        List<int> whole = tokenizer.Encode(new PromptText().Template("User: the rain"));
        Assert.That(tokenizer.Encode(new PromptText().Template("User: ").Literal("the").Literal(" rain")), Is.EqualTo(whole));
    }

    [Test]
    public void Added_tokens_are_found_longest_first_and_in_the_template_alone()
    {
        ByteLevelTokenizer tokenizer = Load(isQwen: false, file => file["added_tokens"]!.AsArray().Add(
            new JsonObject { ["id"] = 900, ["content"] = "<image><image>", ["special"] = false, ["lstrip"] = true, ["rstrip"] = true }));
        int image = tokenizer.IdOf("<image>")!.Value;
        Assert.That(tokenizer.Encode(new PromptText().Template("<image>")), Is.EqualTo(new[] { image }));
        Assert.That(tokenizer.Encode(new PromptText().Template("<image><image><image>")), Is.EqualTo(new[] { 900, image }));
        Assert.That(tokenizer.Encode(new PromptText().Template("a \n<image><image> b")), Is.EqualTo(new[] { tokenizer.Encode(new PromptText().Literal("a"))[0], 900, tokenizer.Encode(new PromptText().Literal("b"))[0] }), "blanks on both sides go with it");
        Assert.That(tokenizer.Encode(new PromptText().Literal("<image>")), Has.No.Member(image));
        Assert.That(tokenizer.Encode(new PromptText().Template("<ima").Literal("ge>")), Has.No.Member(image), "half of it said by somebody");
        Assert.That(tokenizer.Encode(new PromptText().Literal("<ima").Template("ge>")), Has.No.Member(image));
        Assert.That((tokenizer.IsSpecial(image), tokenizer.IsSpecial(900)), Is.EqualTo((true, false)));
    }

    [Test]
    public void What_a_tokenizer_file_asks_for_and_we_do_not_do_is_named()
    {
        void Refused(string word, Action<JsonObject> change) => Assert.That(() => Load(isQwen: false, change), Throws.InstanceOf<ReasoningModelException>().With.Message.Contain(word).And.Message.Contain("tokenizer.json"));
        Refused("Unigram", file => file["model"]!["type"] = "Unigram");
        Refused("byte_fallback", file => file["model"]!["byte_fallback"] = true);
        Refused("Lowercase", file => file["normalizer"] = new JsonObject { ["type"] = "Lowercase" });
        Refused("Whitespace", file => file["pre_tokenizer"] = new JsonObject { ["type"] = "Whitespace" });
        Refused("TemplateProcessing", file => file["post_processor"] = new JsonObject { ["type"] = "TemplateProcessing" });
        Refused("the byte 41", file => file["model"]!["vocab"]!.AsObject().Remove("A"));
        Refused("merge", file => file["model"]!["merges"]!.AsArray().Add("zz qq"));
        Refused("\"model\" is missing", file => file.Remove("model"));
    }

    [Test]
    public void An_answer_waits_for_whole_characters_and_for_what_may_become_a_stop_text()
    {
        ByteLevelTokenizer tokenizer = Load(isQwen: false);
        int[] bytes = [.. Encoding.UTF8.GetBytes("né🐕").Select(b => tokenizer.Encode(new PromptText().Literal("a"))[0] - 'a' + b)]; // the first 256 tokens are the bytes
        var plain = new AnswerText(tokenizer, []);
        Assert.That(bytes.Select(plain.Add), Is.EqualTo(new[] { "n", "", "é", "", "", "", "🐕" }));
        Assert.That(plain.End(), Is.Empty);

        var stopping = new AnswerText(tokenizer, ["\nUser:", "ENDE"]);
        string Say(string text) => string.Concat(tokenizer.Encode(new PromptText().Literal(text)).Select(stopping.Add));
        Assert.That(Say("Rain.\n"), Is.EqualTo("Rain."));
        Assert.That(Say("Us"), Is.Empty);
        Assert.That(Say("ed"), Is.EqualTo("\nUsed"));
        Assert.That(Say(" END"), Is.EqualTo(" "));
        Assert.That((Say("E and more"), stopping.IsStopped, stopping.End()), Is.EqualTo(("", true, "")));

        var ending = new AnswerText(tokenizer, ["ENDE"]);
        Assert.That(string.Concat(tokenizer.Encode(new PromptText().Literal("The EN")).Select(ending.Add)) + "|" + ending.End(), Is.EqualTo("The |EN"));
        Assert.That(ending.Add(tokenizer.IdOf("<image>")!.Value), Is.Empty, "special tokens are not shown");
    }
}
