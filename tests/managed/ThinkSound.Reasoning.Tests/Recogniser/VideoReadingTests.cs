using ThinkSound.Reasoning.Recogniser;

namespace ThinkSound.Reasoning.Tests.Recogniser;

internal sealed class VideoReadingTests
{
    private static readonly Recognised[] Own = [new("fire", 0.99f), new("bounce", 0.97f), new("bell", 0.1f)];

    private static Dictionary<string, float> Probabilities(float fire, float bounce, float bell) => new() { ["fire"] = fire, ["bounce"] = bounce, ["bell"] = bell };

    [Test]
    public void What_is_there_while_nothing_happens_is_not_the_object()
    {
        IReadOnlyList<Recognised> weighed = VideoReading.Weighed(Own, Probabilities(1, 0.9f, 0.1f), Probabilities(1, 0, 0));
        Assert.That(weighed.Select(one => one.Name), Is.EqualTo(new[] { "bounce", "fire", "bell" }));
        Assert.That(weighed[0].Probability, Is.EqualTo(0.97f), "as sure as it was");
        Assert.That(weighed[1].Probability, Is.EqualTo(0.99 * 0.2 / Math.Sqrt(0.9)).Within(1e-4), "0.97 · (0.99 · 1 · 0.2) / (0.97 · √0.9 · 1)");
    }

    [Test]
    public void What_alone_is_recognised_stays_though_it_is_seen_at_rest_too() =>
        Assert.That(VideoReading.Weighed([new("bird", 0.99f), new("door", 0.05f)], new Dictionary<string, float> { ["bird"] = 1, ["door"] = 0.05f }, new Dictionary<string, float> { ["bird"] = 1 })[0],
                    Is.EqualTo(new Recognised("bird", 0.99f)));

    [Test]
    public void What_the_scene_does_not_show_the_object_is_hardly()
    {
        IReadOnlyList<Recognised> weighed = VideoReading.Weighed(Own, Probabilities(0.01f, 0.9f, 0.1f), Probabilities(0, 0, 0));
        Assert.That(weighed[0].Name, Is.EqualTo("bounce"));
        Assert.That(weighed[1].Probability, Is.EqualTo(0.99 * 0.1 / Math.Sqrt(0.9)).Within(1e-4));
    }

    [Test]
    public void Where_scene_and_object_have_nothing_in_common_the_object_decides() =>
        Assert.That(VideoReading.Weighed(Own, Probabilities(0, 0, 0), Probabilities(0, 0, 0)), Is.EqualTo(Own));
}
