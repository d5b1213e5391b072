using System.Text.Json.Nodes;
using ThinkSound.Reasoning.Answers;

namespace ThinkSound.Reasoning.Tests.Answers;

public sealed class LenientJsonTests
{
    [TestCase("""{"a": [1, 2,], "b": "x",}""")]
    [TestCase("""Sure! ```json {"a": [1, 2], "b": "x"} ``` I hope that helps {smile}.""")]
    [TestCase("""{'a': [1, 2], 'b': 'x'}""")]
    [TestCase("""{a: [1, 2], b: "x"}""")]
    [TestCase("""{“a”: [1, 2], “b”: “x”}""")]
    [TestCase("{\"a\": [1 /* one */, 2], // two\n \"b\": \"x\"}")]
    [TestCase("{\"a\": [1, 2]\n \"b\": \"x\"}")]
    [TestCase("""{"a": [1,, 2], "b": "x"}""")]
    [TestCase("""{"a": [+1, 2.], "b": "x"}""")]
    [TestCase("""{"note": {"c": 1}} {"b": "x", "a": [1, 2]}""")]
    [TestCase("""{"a": [7], "a": [1, 2], "b": "x"}""")]
    public void What_was_meant_is_read(string text)
    {
        LenientJson.Found found = LenientJson.Find(text, ["a", "b"])!;
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(found.Value["a"]!.ToJsonString()), JsonNode.Parse("[1, 2]")), found.Value.ToJsonString());
        Assert.That(found.Value["b"]!.GetValue<string>(), Is.EqualTo("x"));
        Assert.That(found.IsTruncated, Is.False);
    }

    [Test]
    public void Strict_json_is_read_as_it_is()
    {
        foreach (string text in (string[])[ChatServer.GoodAnswer, """{"a": {"b": [true, false, null, -1.5e3, "\u00e9\n\"\\/", [], {}]}, "c": ""}"""])
        {
            LenientJson.Found found = LenientJson.Find(text, ["a", "thoughts"])!;
            Assert.That(JsonNode.DeepEquals(JsonNode.Parse(found.Value.ToJsonString()), JsonNode.Parse(text)), found.Value.ToJsonString());
            Assert.That(found.Repairs, Is.Empty);
        }
    }

    [Test]
    public void Marks_and_breaks_inside_of_strings_are_kept()
    {
        LenientJson.Found found = LenientJson.Find("{\"a\": \"he said \"boo\" and\nleft\", \"b\": \"2\"}", ["a"])!;
        Assert.That(found.Value["a"]!.GetValue<string>(), Is.EqualTo("he said \"boo\" and\nleft"));
        Assert.That(found.Value["b"]!.GetValue<string>(), Is.EqualTo("2"));
        Assert.That(found.Repairs, Has.Count.EqualTo(2));
    }

    [Test]
    public void Broken_off_anywhere_it_gives_what_was_there_and_says_so()
    {
        for (int length = 1; length < ChatServer.GoodAnswer.Length - 1; length++)
        {
            LenientJson.Found? found = LenientJson.Find(ChatServer.GoodAnswer[..length], ["thoughts"]);
            if (found is null) Assert.That(length, Is.LessThan(20));
            else Assert.That(found.IsTruncated, $"after {length} characters");
        }
    }

    [TestCase("")]
    [TestCase("no JSON at all")]
    [TestCase("{}")]
    [TestCase("""{"x": 1}""")]
    [TestCase("[1, 2]")]
    public void Where_there_is_nothing_nothing_is_found(string text) => Assert.That(LenientJson.Find(text, ["a"]), Is.Null);

    [Test]
    public void Nonsense_of_any_kind_ends_in_time()
    {
        var random = new Random(1);
        const string signs = "{}[]\",:'\\/*#ab1. \n";
        for (int i = 0; i < 1000; i++)
            LenientJson.Find(string.Concat(Enumerable.Range(0, 60).Select(_ => signs[random.Next(signs.Length)])), ["a"]);
        foreach (string deep in (string[])[new string('{', 20_000), new string('[', 20_000), "{\"a\":" + new string('[', 20_000), string.Concat(Enumerable.Repeat("{\"a\":", 5000))])
            LenientJson.Find(deep, ["b"]);
    }
}
