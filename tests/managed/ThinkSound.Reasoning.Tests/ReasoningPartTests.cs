using ThinkSound.Reasoning.Recogniser;
using static ThinkSound.Reasoning.Tests.Recogniser.RecogniserParts;

namespace ThinkSound.Reasoning.Tests;

public class ReasoningPartTests
{
    private static TimeRange Range(double start, double end) => new(TimeSpan.FromSeconds(start), TimeSpan.FromSeconds(end));

    private static SoundEvent Event(double start, double end, string what, string does, string layer = SoundLayer.Foley) =>
        new() { Start = TimeSpan.FromSeconds(start), End = TimeSpan.FromSeconds(end), Object = what, Action = does, Layer = layer };

    private static readonly Reasoning Whole = new()
    {
        Provider = "chat", Subject = new ReasoningSubject { Video = "a.mp4", Start = TimeSpan.FromSeconds(5), Duration = TimeSpan.FromSeconds(30) },
        Events = [Event(0, 30, "rain", "falls", SoundLayer.Ambience), Event(4, 5, "door", "closes"), Event(20, 21, "bell", "rings")],
        Layers = [new SoundLayer(), new SoundLayer { Name = SoundLayer.Ambience, LevelDb = -12 }], Caption = "rain, a door, a bell", ChainOfThought = "It rains. A door closes, a bell rings.",
    };

    [Test]
    public void A_part_has_the_events_that_reach_into_it_and_words_for_them_alone()
    {
        Reasoning part = Whole.Within(Range(4.5, 12));
        Assert.That(part.Events.Select(e => (e.Object, e.Start.TotalSeconds, e.End.TotalSeconds)), Is.EqualTo(new[] { ("rain", 0, 7.5), ("door", 0, 0.5) }));
        Assert.That((part.Subject.Start.TotalSeconds, part.Subject.Duration.TotalSeconds), Is.EqualTo((9.5, 7.5)));
        Assert.That(part.Caption, Does.Contain("door closes").And.Contain("rain falls").And.Not.Contain("bell"));
        Assert.That(part.ChainOfThought, Does.Contain("Door closes").And.Not.Contain("ell"));
        Assert.That(Whole.Within(Range(10, 12)).Layers.Select(layer => layer.Name), Is.EqualTo(new[] { SoundLayer.Ambience }));
    }

    [Test]
    public void Words_stay_where_nothing_tells_the_parts_apart_and_so_does_the_users_own_caption()
    {
        Reasoning all = Whole.Within(Range(0, 30)), none = (Whole with { Events = [] }).Within(Range(3, 9));
        Assert.That((all.Caption, all.ChainOfThought), Is.EqualTo((Whole.Caption, Whole.ChainOfThought)));
        Assert.That((none.Caption, none.ChainOfThought), Is.EqualTo((Whole.Caption, Whole.ChainOfThought)));
        Assert.That((Whole with { Subject = Whole.Subject with { Caption = "a storm" } }).Within(Range(10, 12)).Caption, Is.EqualTo("a storm"));
        Assert.That(() => Whole.Within(Range(3, 3)), Throws.ArgumentException);
    }

    [Test]
    public void Something_without_a_name_has_no_caption_in_a_part_either()
    {
        Reasoning whole = Rules.Apply(Known(Heads([("bell", 0.3f)], [], 12, 2, 9), Moving(12), seconds: 12)), part = whole.Within(Range(0, 6));
        Assert.That((whole.Caption, part.Caption), Is.EqualTo(("", "")));
        Assert.That(part.ChainOfThought, Does.Contain("Place one strike"));
    }

    [Test]
    public void What_the_recogniser_thought_has_the_same_parts_once_it_was_kept()
    {
        Evidence evidence = Known(Heads([("knock", 0.9f), ("rain", 0.8f)], [("wood", 0.9f)], 12, 1, 9), Moving(12), seconds: 12);
        Reasoning whole = Rules.Apply(evidence), kept = ReasoningFile.Parse(whole.ToJson()) with { Provider = ManualReasoner.Name };
        Assert.That((kept.Within(Range(0, 6)).Caption, kept.Within(Range(0, 6)).ChainOfThought),
                    Is.EqualTo((whole.Within(Range(0, 6)).Caption, whole.Within(Range(0, 6)).ChainOfThought)));
    }

    [Test]
    public void The_recognisers_part_has_the_words_of_the_training()
    {
        Evidence evidence = Known(Heads([("knock", 0.9f), ("rain", 0.8f)], [("wood", 0.9f)], 12, 1, 2.5, 9), Moving(12), seconds: 12);
        evidence = evidence with { Subject = evidence.Subject with { Video = "a.mp4" } };
        Reasoning whole = Rules.Apply(evidence), early = whole.Within(Range(0, 6)), middle = whole.Within(Range(4, 8));
        Assert.That(early.Caption, Is.EqualTo(whole.Caption));
        Assert.That(early.ChainOfThought, Does.Contain("Place two knocks, at 1.0, 2.5 s."));
        Assert.That(whole.Within(Range(2, 12)).ChainOfThought, Does.Contain("Place two knocks, at 0.5, 7.0 s."));
        Assert.That(middle.Caption, Does.Contain("rain").And.Not.Contain("knock"));
        Assert.That(whole.Within(Range(0, 12)).ChainOfThought, Is.EqualTo(whole.ChainOfThought));
    }
}
