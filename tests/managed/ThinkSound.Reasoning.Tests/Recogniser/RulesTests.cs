using ThinkSound.Reasoning.Recogniser;
using static ThinkSound.Reasoning.Tests.Recogniser.RecogniserParts;

namespace ThinkSound.Reasoning.Tests.Recogniser;

/// <summary>The rules, on made-up numbers.</summary>
public sealed class RulesTests
{
    private static readonly Recognition Knocking = Heads([("knock", 0.92f), ("door", 0.2f), ("rain", 0.05f)], [("wood", 0.8f), ("metal", 0.2f)], 4, 0.5, 1, 1.5);

    [Test]
    public void A_sure_class_its_material_and_its_onsets_become_events_and_texts()
    {
        Reasoning result = Rules.Apply(Known(Knocking, Moving(4)));
        Assert.That(result.Events.Select(e => e.Start.TotalSeconds), Is.EqualTo(new[] { 0.5, 1, 1.5 }).Within(1 / 96.0));
        Assert.That(result.Events.Select(e => (e.Object, e.Material, e.Layer)).Distinct(), Is.EqualTo(new[] { ("fist", "wood", SoundLayer.Foley) }));
        Assert.That(result.Events[0].Confidence, Is.EqualTo(0.92 * 0.9).Within(1e-3));
        Assert.That(result.Caption, Is.EqualTo("a fist knocks on a wooden door"));
        Assert.That(result.ChainOfThought, Is.EqualTo("The picture shows a fist moving against a wooden door. Place three knocks, at 0.5, 1.0, 1.5 s. " +
                                                      "The sound is dry and short, in quick groups. Avoid a creaking hinge and music."));
        Assert.That(result.Provider, Is.EqualTo("recogniser"));
        Assert.That(result.Space, Is.EqualTo(new AcousticSpace()), "no room is measured");
    }

    [Test]
    public void Every_sentence_of_a_thought_has_a_number()
    {
        Reasoning[] results =
        [
            Rules.Apply(Known(Knocking, Moving(4))), Rules.Apply(Known(Knocking, Still(4))), Rules.Apply(Known(Knocking, Moving(4), "rain on a tin roof, no music")),
            Rules.Apply(Known(null, null, "a dog barks")), Rules.Apply(Known(Heads([("bell", 0.3f)], [("wood", 0.3f)], 4, 1), Moving(4) with { Travel = 0.4 })),
        ];
        foreach (Thoughts thoughts in results.Select(result => result.Thoughts))
            foreach (string thought in (string[])[thoughts.Seen, thoughts.Timing, thoughts.Sound, thoughts.Space, thoughts.Mix])
                foreach (string sentence in thought.Split(". ", StringSplitOptions.RemoveEmptyEntries)) Assert.That(sentence, Does.Match(@"\d"), thought);
    }

    [Test]
    public void An_uncertain_class_is_not_used_and_is_called_uncertain()
    {
        Recognition unsure = Heads([("bell", 0.49f), ("rain", 0.3f)], [("metal", 0.9f)], 4);
        Reasoning result = Rules.Apply(Known(unsure, Moving(4)));
        Assert.That((result.Events.Count, result.Caption, result.ChainOfThought), Is.EqualTo((0, "", "")));
        Assert.That(result.Thoughts.Seen, Does.Contain("uncertain: its best guess, bell, has probability 0.49 and would need 0.50"));
    }

    [TestCase(0.25f, "bell", "it is sure from 0.20 on")]
    [TestCase(0.19f, null, "uncertain: its best guess, bell, has probability 0.19 and would need 0.20")]
    public void An_object_that_is_held_against_its_scene_is_named_sooner_for_it_was_pointed_at(float probability, string? named, string thought)
    {
        Evidence known = Known(Heads([("bell", probability), ("rain", 0.1f)], [("metal", 0.9f)], 4), Moving(4));
        Reasoning result = Rules.Apply(known with { Stage = ReasoningStage.Object, Video = known.Video! with { IsObject = true } });
        Assert.That(result.Events.FirstOrDefault()?.Object, Is.EqualTo(named));
        Assert.That(result.Thoughts.Seen, Does.Contain(thought));
    }

    [Test]
    public void Something_that_strikes_and_has_no_name_stays_something()
    {
        Reasoning result = Rules.Apply(Known(Heads([("bell", 0.3f)], [], 4, 2), Moving(4)));
        Assert.That(result.Events.Select(e => e.Object), Is.EqualTo(new[] { "something that moves" }));
        Assert.That(result.ChainOfThought, Is.EqualTo("The picture shows something that moves. Place one strike, at 2.0 s. Avoid music."));
        Assert.That(result.Caption, Is.Empty);
    }

    [Test]
    public void The_users_words_decide_what_and_the_picture_when()
    {
        Reasoning result = Rules.Apply(Known(Knocking, Moving(4), "a glass bell rings, without music or voices"));
        Assert.That(result.Events.Select(e => (e.Object, Math.Round(e.Start.TotalSeconds, 1))), Is.EqualTo(new[] { ("bell", 0.5), ("bell", 1), ("bell", 1.5) }));
        Assert.That(result.Avoid.Take(2), Is.EqualTo(new[] { "music", "voices" }));
        Assert.That(result.Caption, Is.EqualTo("a glass bell rings, without music or voices"));
        Reasoning unknown = Rules.Apply(Known(Knocking, Moving(4), "a dog barks"));
        Assert.That(unknown.Events.Select(e => e.Object), Is.EqualTo(Enumerable.Repeat("a dog barks", 3)));
        Assert.That(unknown.Thoughts.Seen, Does.Contain("0 of 22 known classes"));
    }

    [Test]
    public void In_a_still_picture_nothing_strikes()
    {
        Reasoning result = Rules.Apply(Known(Knocking, Still(4)));
        Assert.That(result.Events, Is.Empty);
        Assert.That(result.Thoughts.Timing, Does.Contain("Nothing moves (0 of 96 frames)"));
        Reasoning rain = Rules.Apply(Known(Heads([("rain", 0.9f)], [("none", 1)], 4, 1), Still(4)));
        Assert.That(rain.Events.Single().End.TotalSeconds, Is.EqualTo(4), "what goes on does");
        Reasoning silence = Rules.Apply(Known(Heads([("silence", 0.9f), ("knock", 0.6f)], [], 4), Still(4)));
        Assert.That(silence.Events, Is.Empty);
        Assert.That(silence.ChainOfThought, Does.Contain("Keep the whole clip silent."));
    }

    [Test]
    public void What_goes_on_lies_below_what_strikes()
    {
        Reasoning result = Rules.Apply(Known(Heads([("rain", 0.9f), ("footsteps", 0.8f)], [("stone", 0.7f)], 4, 1, 2), Moving(4) with { Travel = -0.5 }));
        Assert.That(result.Layers.Select(layer => (layer.Name, layer.LevelDb)), Is.EqualTo(new[] { ("foley", 0.0), ("ambience", -12.0) }));
        Assert.That(result.Events.Single(e => e.Layer == "ambience").Object, Is.EqualTo("rain"));
        Assert.That(result.Caption, Is.EqualTo("rain falls on the ground while a person walks to the left"));
    }

    [Test]
    public void A_material_that_does_not_go_with_the_thing_is_left_out()
    {
        Reasoning result = Rules.Apply(Known(Heads([("knock", 0.9f)], [("snow", 0.9f)], 4, 1), Moving(4)));
        Assert.That(result.Events.Single().Material, Is.Empty);
        Assert.That(result.Thoughts.Seen, Does.Contain("snow (0.90), which is not used"));
    }

    [Test]
    public void A_striking_thing_without_onsets_is_heard_over_the_motion()
    {
        Recognition heads = Heads([("bounce", 0.8f)], [], 4);
        PictureFacts facts = Moving(4) with { Moving = new TimeRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)) };
        Reasoning result = Rules.Apply(Known(heads, facts));
        Assert.That(result.Events.Select(e => (e.Start.TotalSeconds, e.End.TotalSeconds)), Is.EqualTo(new[] { (1.0, 3.0) }));
        Assert.That(result.Thoughts.Timing, Does.Contain("No onset reaches 0.50"));
    }

    [Test]
    public void The_bundle_says_from_which_probability_on_an_onset_counts_and_low_ones_are_told_as_uncertain()
    {
        Recognition heads = Knocking with { OnsetTrack = Track((0.5, 0.9f), (1.5, 0.34f), (2.5, 0.2f)) };
        Assert.That(Starts(Rules.Apply(Known(heads, Moving(4)))), Is.EqualTo(new[] { 0.5 }).Within(1 / 96.0), "0.5 where it does not say");

        Reasoning result = Rules.Apply(Known(heads with { OnsetThreshold = 0.3 }, Moving(4)));
        Assert.That(Starts(result), Is.EqualTo(new[] { 0.5, 1.5 }).Within(1 / 96.0));
        Assert.That(result.Events[1].Confidence, Is.EqualTo(0.92 * 0.34).Within(1e-3));
        Assert.That(result.Thoughts.Timing, Does.Contain("2 onsets of probability 0.30 or more").And.Contain("1.51 s (0.34)").And.Contain("1 of 2 is uncertain, below 0.50."));

        Recognition nameless = Heads([("bell", 0.3f)], [], 4) with { OnsetThreshold = 0.3 };
        Assert.That(Rules.Apply(Known(nameless with { OnsetTrack = Track((1.5, 0.45f)) }, Moving(4))).Events, Is.Empty, "nothing is invented");
        Assert.That(Starts(Rules.Apply(Known(nameless with { OnsetTrack = Track((0.5, 0.8f), (1.5, 0.45f)) }, Moving(4)))), Is.EqualTo(new[] { 0.5 }).Within(1 / 96.0));
    }

    private static IEnumerable<double> Starts(Reasoning reasoning) => reasoning.Events.Select(e => e.Start.TotalSeconds);

    private static float[] Track(params (double Time, float Probability)[] onsets)
    {
        var track = new float[4 * 96];
        foreach (var (time, probability) in onsets) track[(int)(time * 96)] = probability;
        return track;
    }

    [Test]
    public void A_class_of_another_model_is_called_by_its_name()
    {
        Reasoning result = Rules.Apply(Known(Heads([("dog_bark", 0.9f)], [], 4, 1), Moving(4)));
        Assert.That((result.Caption, result.Events.Single().Object), Is.EqualTo(("dog bark is heard", "dog bark")));
    }

    [Test]
    public void Words_alone_plan_the_whole_length()
    {
        Reasoning result = Rules.Apply(Known(null, null, "a clock ticks in the rain", 5));
        Assert.That(result.Events.Select(e => (e.Object, e.Start.TotalSeconds, e.End.TotalSeconds)), Is.EquivalentTo(new[] { ("clock", 0.0, 5.0), ("rain", 0.0, 5.0) }));
        Assert.That(result.ChainOfThought, Does.StartWith("A clock ticks while rain falls on the ground."));
    }

    [TestCase("three knocks on a wooden door", "knock", "wood")]
    [TestCase("a door slams shut", "door", "")]
    [TestCase("someone walks on gravel and a bird sings", "footsteps bird", "gravel")]
    [TestCase("an ambulance with a two-tone siren and a loud engine", "siren", "")]
    [TestCase("a glass bottle shatters on stone", "glass_break", "glass")]
    [TestCase("a rainbow over a train", "", "")]
    [TestCase("rain, no thunder", "rain", "")]
    [TestCase("nothing but rain", "rain", "")]
    [TestCase("", "", "")]
    public void Words_name_classes_and_materials(string text, string kinds, string material)
    {
        UserWords words = UserWords.Of(text);
        Assert.That(string.Join(' ', words.Kinds.Select(kind => kind.Name)), Is.EqualTo(kinds));
        Assert.That(words.Material, Is.EqualTo(material));
    }

    [Test]
    public void Every_class_is_recognised_in_its_own_words()
    {
        Assert.That(SoundKinds.Named.Count(), Is.EqualTo(22));
        foreach (SoundKind kind in SoundKinds.Named)
            foreach (string material in (string[])["", .. kind.Materials])
                Assert.That(UserWords.Of(kind.Clause(new Look(material))).Kinds, Does.Contain(kind), kind.Name);
        foreach (SoundKind kind in SoundKinds.Named.Where(kind => kind.Name != SoundKinds.Silence))
            Assert.That(UserWords.Of($"{kind.Object} {kind.Action}").Kinds.FirstOrDefault(), Is.EqualTo(kind), kind.Name);
    }
}
