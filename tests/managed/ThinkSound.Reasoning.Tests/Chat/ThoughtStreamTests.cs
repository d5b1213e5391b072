using ThinkSound.Reasoning.Chat;

namespace ThinkSound.Reasoning.Tests.Chat;

public sealed class ThoughtStreamTests
{
    [TestCase(1)]
    [TestCase(2)]
    [TestCase(5)]
    [TestCase(1000)]
    public void Pieces_of_any_size_make_the_same_thoughts(int size)
    {
        const string answer = "```json\n{\"thoughts\": {\"seen\": \"A \\\"ball\\\" \\u2013 r\\u00f6d, \uD83C\uDFB5 falls\", \"timing\": \"At 1 s.\\nThen at 2 s.\"}, \"events\": []}\n```";
        var stream = new ThoughtStream(1, 1000);
        var steps = new List<ReasoningStep>();
        for (int at = 0; at < answer.Length; at += size) steps.AddRange(stream.Add(answer[at..Math.Min(at + size, answer.Length)]));
        Assert.That(steps.TextOf(ReasoningStepKind.Seen), Is.EqualTo("A \"ball\" – röd, \uD83C\uDFB5 falls"));
        Assert.That(steps.TextOf(ReasoningStepKind.Timing), Is.EqualTo("At 1 s.\nThen at 2 s."));
        Assert.That(steps.Select(step => step.Kind), Is.Ordered);
        Assert.That(stream.IsEndless, Is.False);
    }

    [TestCase("\n")]
    [TestCase(" and a ball")]
    [TestCase("{\"start_s\": 0, \"end_s\": 1, \"object\": \"ball\"}, ")]
    public void Going_round_in_circles_is_noticed(string circle)
    {
        var stream = new ThoughtStream(1, 100_000);
        int taken = 0;
        while (!stream.IsEndless && taken++ < 2000) stream.Add(circle);
        Assert.That(taken * circle.Length, Is.LessThan(1500));
    }

    [Test]
    public void A_list_of_different_events_is_no_circle()
    {
        var stream = new ThoughtStream(1, 100_000);
        for (int i = 0; i < 64; i++) stream.Add($"{{\"start_s\": {i * 0.37:0.00}, \"end_s\": {i * 0.37 + 0.2:0.00}, \"object\": \"ball\", \"action\": \"bounces\"}}, ");
        Assert.That(stream.IsEndless, Is.False);
    }
}
