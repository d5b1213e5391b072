using ThinkSound.Reasoning.Recogniser;
using static ThinkSound.Reasoning.Tests.Recogniser.RecogniserParts;

namespace ThinkSound.Reasoning.Tests.Recogniser;

public class LongVideoTests
{
    private static IReadOnlyList<double> Lengths(double duration, params double[] cuts) =>
        [.. LongVideo.Stretches(TimeSpan.FromSeconds(duration), [.. cuts.Select(TimeSpan.FromSeconds)]).Select(range => Math.Round((range.End - range.Start).TotalSeconds, 3))];

    [Test]
    public void Stretches_begin_at_cuts_and_long_scenes_are_divided_evenly()
    {
        Assert.That(Lengths(30, 12, 20), Is.EqualTo(new[] { 6, 6, 8, 10.0 }));
        Assert.That(Lengths(30, 1, 1.5, 29), Is.EqualTo(new[] { 10, 10, 10.0 }), "too near the ends, or one another");
        Assert.That(Lengths(1.2), Is.EqualTo(new[] { 1.2 }));
    }

    [Test]
    public void Stretches_are_put_together_as_one_thought_with_times_of_the_whole()
    {
        Evidence evidence = Known(null, null, seconds: 70) with { Subject = new ReasoningSubject { Video = "a.mp4", Duration = TimeSpan.FromSeconds(70) } };
        Reasoning Part(double length, (string, float)[] classes, params double[] onsets) =>
            Rules.Apply(evidence with { Subject = evidence.Subject with { Duration = TimeSpan.FromSeconds(length) }, Video = new VideoReading(Heads(classes, [], length, onsets), Moving(length)) });
        (TimeRange, Reasoning)[] parts =
        [
            (new TimeRange(TimeSpan.Zero, TimeSpan.FromSeconds(10)), Part(10, [("rain", 0.9f)])),
            (new TimeRange(TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20)), Part(10, [("rain", 0.8f), ("knock", 0.7f)], 3)),
            (new TimeRange(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(26)), Part(6, [("bell", 0.9f)], 1, 4)),
        ];
        Reasoning whole = LongVideo.Joined(evidence, parts);
        Assert.That(whole.Events.Select(e => (e.Object, Math.Round(e.Start.TotalSeconds, 1))), Is.EqualTo(new[] { ("rain", 0), ("fist", 13), ("bell", 21), ("bell", 24.0) }));
        Assert.That(whole.Events[0].End.TotalSeconds, Is.EqualTo(20), "it goes on over the border");
        Assert.That(whole.Caption, Does.Contain(", then a bell rings"));
        Assert.That(whole.Thoughts.Seen, Does.Contain("20.0 to 26.0 s: The recogniser sees bell (0.90)"));
        Assert.That(whole.Avoid, Has.No.Member("rain"));
        Assert.That(whole.Within(new TimeRange(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(28))).Caption, Is.EqualTo("a bell rings"));
    }
}
