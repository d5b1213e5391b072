using System.Text.Json;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Reasoning.Tests.Texts;

public sealed class TextFitterTests
{
    private static readonly SoundEvent Door = new() { Object = "door", Action = "slams", Intensity = 1 }, Wind = new() { Object = "wind", Action = "howls", Intensity = 0.1 };

    private static (string Kept, IReadOnlyList<string> Omitted) Shorten(string text, int words, params SoundEvent[] events) =>
        TextFitter.Shorten(text, part => part.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length <= words, sentence => TextFitter.Importance(sentence, events));

    [Test]
    public void The_least_important_goes_first_and_order_is_kept()
    {
        const string text = "Faint wind howls outside. A door slams hard. Avoid music. Ensure a balanced mix.";
        Assert.Multiple(() =>
        {
            Assert.That(Shorten(text, 10, Door, Wind).Kept, Is.EqualTo("Faint wind howls outside. A door slams hard. Avoid music."));
            Assert.That(Shorten(text, 9, Door, Wind).Kept, Is.EqualTo("Faint wind howls outside. A door slams hard."));
            Assert.That(Shorten(text, 4, Door, Wind).Kept, Is.EqualTo("A door slams hard."));
            Assert.That(Shorten(text, 4, Door, Wind).Omitted, Is.EqualTo(new[] { "Ensure a balanced mix.", "Avoid music.", "Faint wind howls outside." }));
        });
    }

    [Test]
    public void Clauses_go_before_whole_sentences()
    {
        var (kept, omitted) = Shorten("A door slams hard, its glass rattling, and the lock clicks. Avoid music, speech, and traffic.", 13, Door);
        Assert.That(kept, Is.EqualTo("A door slams hard, its glass rattling, and the lock clicks. Avoid music."));
        Assert.That(omitted, Is.EqualTo(new[] { "speech, and traffic." }));
    }

    [Test]
    public void A_single_clause_is_cut_at_a_word_in_the_end()
    {
        var (kept, omitted) = Shorten("one two three four five six", 4);
        Assert.That((kept, omitted.Single()), Is.EqualTo(("one two three four.", "five six")));
    }

    [TestCase("It begins at 0.5 s, e.g. with a bang. Then rest!", "It begins at 0.5 s, e.g. with a bang.|Then rest!")]
    [TestCase("雨が降る。風が吹く。", "雨が降る。|風が吹く。")]
    [TestCase("no end", "no end")]
    [TestCase("  ", "")]
    public void Sentences_end_where_people_end_them(string text, string sentences) => Assert.That(string.Join('|', Sentences.Split(text)), Is.EqualTo(sentences));

    [Test]
    public void Whatever_is_asked_of_it_the_real_tokenizer_agrees_that_it_fits()
    {
        Parts.Require();
        var random = new Random(3);
        string[] words = ["door", "slams", "wind", "howls", "avoid", "music,", "then", "rain", "drips.", "ensure", "balance;", "metal", "roof,", "softly.", "雨", "Größe."];
        for (int i = 0; i < 20; i++)
        {
            string text = string.Join(' ', Enumerable.Range(0, random.Next(20, 150)).Select(_ => words[random.Next(words.Length)]));
            Reasoning fitted = new Reasoning { Caption = text, ChainOfThought = text, Events = [Door, Wind] }.Fit(Parts.Tokens);
            Assert.That(Parts.Tokens.Count(TextEncoder.T5, fitted.ChainOfThought), Is.LessThanOrEqualTo(76));
            Assert.That(Parts.Tokens.Count(TextEncoder.Clip, fitted.Caption), Is.LessThanOrEqualTo(75));
            foreach (Shortening shortening in fitted.Shortened)
            {
                string kept = shortening.Encoder == TextEncoder.T5 ? fitted.ChainOfThought : fitted.Caption;
                Assert.That(Letters(kept + string.Concat(shortening.Omitted)), Is.EqualTo(Letters(text)), "nothing is lost without being told");
                Assert.That((shortening.Original, shortening.Pieces), Is.EqualTo((text, Parts.Tokens.Count(shortening.Encoder, text))));
            }
        }

        static string Letters(string text) => new([.. text.Where(char.IsLetter).Order()]);
    }

    [Test]
    public void Fitted_again_for_a_roomier_model_the_whole_text_comes_back()
    {
        Reasoning whole = new() { ChainOfThought = "A door slams hard. Avoid music. Ensure a balanced mix.", Events = [Door] };
        Reasoning narrow = whole.Fit(new Words(6));
        Assert.That(narrow.ChainOfThought, Is.EqualTo("A door slams hard. Avoid music."));
        Assert.That(narrow.Fit(new Words(6)).ChainOfThought, Is.EqualTo(narrow.ChainOfThought));
        Assert.That(narrow.Fit(new Words(20)).ChainOfThought, Is.EqualTo(whole.ChainOfThought));
        Assert.That(narrow.Fit(new Words(20)).Shortened, Is.Empty);
        Reasoning edited = narrow with { ChainOfThought = "A gate slams." };
        Assert.That(edited.Fit(new Words(20)).ChainOfThought, Is.EqualTo("A gate slams."), "somebody's own words stay");
    }

    [Test]
    public void What_a_model_has_no_encoder_for_is_left_alone()
    {
        var reasoning = new Reasoning { Caption = new string('a', 500), ChainOfThought = new string('b', 500) };
        Reasoning fitted = reasoning.Fit(TokenCounter.OfVocabularies(null, null));
        Assert.That((fitted.Caption, fitted.ChainOfThought, fitted.Shortened.Count), Is.EqualTo((reasoning.Caption, reasoning.ChainOfThought, 0)));
    }

    [Test]
    public void Counts_are_those_of_the_reference()
    {
        Parts.Require();
        foreach (var (file, encoder, special) in (IEnumerable<(string, TextEncoder, int)>)[("t5_tokens.jsonl", TextEncoder.T5, 1), ("clip_tokens.jsonl", TextEncoder.Clip, 2)])
            foreach (string line in File.ReadLines(Path.Combine(Parts.Root, "tests", "golden", file)).Take(40))
            {
                JsonElement entry = JsonDocument.Parse(line).RootElement;
                if (!entry.TryGetProperty("num_tokens", out JsonElement count)) continue;
                Assert.That(Parts.Tokens.Count(encoder, entry.GetProperty("text").GetString()!), Is.EqualTo(count.GetInt32() - special), line);
            }
    }

    /// <summary>A piece a word.</summary>
    private sealed class Words(int limit) : ITokenCounter
    {
        public int? Count(TextEncoder encoder, string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;

        public int Limit(TextEncoder encoder) => limit;
    }
}
