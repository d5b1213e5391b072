using System.Text.Json.Nodes;
using ThinkSound.Reasoning.Answers;

namespace ThinkSound.Reasoning.Tests.Answers;

public sealed class AnswerReaderTests
{
    private static readonly ReasoningSubject TenSeconds = new() { Duration = TimeSpan.FromSeconds(10) };

    private static Answer Read(string text, ReasoningRequest? request = null) => new AnswerReader(request ?? new ReasoningRequest(), TenSeconds, "test", "m").Read(text);

    private static Reasoning Events(params string[] events)
    {
        Answer answer = Read($$"""{"events": [{{string.Join(", ", events)}}], "caption": "c", "chain_of_thought": "one two three"}""");
        Assert.That(answer.Problems, Is.Empty);
        return answer.Reasoning!;
    }

    [TestCase("\"1.5\"", 1.5)]
    [TestCase("\"1.5 s\"", 1.5)]
    [TestCase("\"1.5s\"", 1.5)]
    [TestCase("\"about 1,5 seconds\"", 1.5)]
    [TestCase("\"1500 ms\"", 1.5)]
    [TestCase("\"0:01.5\"", 1.5)]
    [TestCase("\"00:00:01.5\"", 1.5)]
    [TestCase("\"1.5-2.5\"", 1.5)]
    [TestCase("[1.5, 2]", 1.5)]
    [TestCase("1.5s", 1.5)]
    public void Times_are_understood_however_they_are_written(string time, double seconds)
    {
        Reasoning reasoning = Events($$"""{"start_s": {{time}}, "end_s": 3, "object": "door"}""");
        Assert.That(reasoning.Events.Single().Start.TotalSeconds, Is.EqualTo(seconds).Within(1e-9));
        Assert.That(reasoning.Repairs, Has.Some.Contains("start_s"));
    }

    [Test]
    public void Words_hold_no_control_characters()
    {
        Answer answer = Read("""{"events": [{"start_s": 1, "end_s": 2, "object": "do\u001b[31mor\u0000"}], "caption": "a \u0007door\n slams", "chain_of_thought": "one two three"}""");
        Assert.That((answer.Reasoning!.Events.Single().Object, answer.Reasoning.Caption), Is.EqualTo(("do[31mor", "a door slams")));
        Assert.That(answer.Reasoning.Repairs, Has.Exactly(2).Contains("control characters were left out"));
    }

    [TestCase("0.8", 0.8)]
    [TestCase("8", 0.8)]
    [TestCase("80", 0.8)]
    [TestCase("\"80%\"", 0.8)]
    [TestCase("\"loud\"", 0.8)]
    [TestCase("\"very soft\"", 0.1)]
    [TestCase("\"whatever\"", 0.5)]
    [TestCase("null", 0.5)]
    public void Intensities_are_brought_to_their_scale(string intensity, double value) =>
        Assert.That(Events($$"""{"start_s": 1, "end_s": 2, "object": "door", "intensity": {{intensity}}}""").Events.Single().Intensity, Is.EqualTo(value).Within(1e-9));

    [TestCase("4", "2", 2, 4)]
    [TestCase("9", "12", 9, 10)]
    [TestCase("3", "3", 3, 3.05)]
    [TestCase("2", "null", 2, 10)]
    public void Stretches_lie_within_the_sound(string start, string end, double from, double to)
    {
        SoundEvent e = Events($$"""{"start_s": {{start}}, "end_s": {{end}}, "object": "door"}""").Events.Single();
        Assert.That((e.Start.TotalSeconds, e.End.TotalSeconds), Is.EqualTo((from, to)));
    }

    [Test]
    public void Milliseconds_are_recognised_and_what_comes_too_late_is_left_out()
    {
        Reasoning milliseconds = Events("""{"start_s": 500, "end_s": 900, "object": "door"}""", """{"start_s": 2500, "end_s": 9000, "object": "wind"}""");
        Assert.That(milliseconds.Events.Select(e => e.Start.TotalSeconds), Is.EqualTo(new[] { 0.5, 2.5 }));
        Reasoning late = Events("""{"start_s": 1, "end_s": 2, "object": "door"}""", """{"start_s": 11, "end_s": 12, "object": "wind"}""");
        Assert.That(late.Events.Single().Object, Is.EqualTo("door"));
        Assert.That(late.Repairs, Has.Some.Contains("after the sound's end"));
        Reasoning slip = Events("""{"start_s": 1, "end_s": 2, "object": "door"}""", """{"start_s": 3, "end_s": 4000, "object": "wind"}""");
        Assert.That(slip.Events.Select(e => (e.Start.TotalSeconds, e.End.TotalSeconds)), Is.EqualTo(new[] { (1.0, 2.0), (3.0, 10.0) }));
    }

    [Test]
    public void Other_names_and_shapes_are_taken_for_what_was_meant()
    {
        Answer answer = Read("""
            {"Events": {"source": "dog", "event": "barks", "start": 1, "end": 2, "volume": 0.9, "colour": "brown", "layer": "Effects"},
             "cot": ["The dog barks.", "Then silence."], "clip_caption": 7, "acoustics": {"environment": "street", "rt60": "0.5 s"},
             "avoid": "music, speech; wind", "layers": [{"name": "ambience", "gain_db": 6}, {"name": "foley", "gain_db": "-3 dB"}]}
            """);
        Assert.That(answer.Problems, Is.Empty);
        Reasoning reasoning = answer.Reasoning!;
        SoundEvent e = reasoning.Events.Single();
        Assert.Multiple(() =>
        {
            Assert.That((e.Object, e.Action, e.Intensity, e.Layer), Is.EqualTo(("dog", "barks", 0.9, "effects")));
            Assert.That(reasoning.ChainOfThought, Is.EqualTo("The dog barks., Then silence."));
            Assert.That(reasoning.Caption, Is.EqualTo("7"));
            Assert.That((reasoning.Space.Place, reasoning.Space.Reverberation), Is.EqualTo(("street", 0.5)));
            Assert.That(reasoning.Avoid, Is.EqualTo(new[] { "music", "speech", "wind" }));
            Assert.That(reasoning.Layers.Select(layer => (layer.Name, layer.LevelDb)), Is.EqualTo(new[] { ("ambience", 0.0), ("foley", -9.0), ("effects", -6.0) }));
            Assert.That(reasoning.Repairs, Has.Some.EqualTo("the unknown field events[0].colour was left out").And.Some.EqualTo("thoughts was missing"));
        });
    }

    [Test]
    public void Missing_texts_are_put_together_from_the_events()
    {
        Answer answer = Read("""{"events": [{"start_s": 0, "end_s": 10, "object": "wind", "action": "blows", "layer": "ambience", "intensity": 0.2}, {"start_s": 2, "end_s": 3, "object": "door", "action": "slams", "sound": "a loud bang", "intensity": 1}], "avoid": ["music"]}""");
        Assert.That(answer.Reasoning!.Caption, Is.EqualTo("wind blows, door slams"));
        Assert.That(answer.Reasoning.ChainOfThought, Is.EqualTo("Door slams: a loud bang. Throughout, wind blows in the background. Avoid music."));
        Assert.That(answer.Reasoning.Repairs, Has.Some.Contains("chain of thought was put together"));
    }

    [Test]
    public void What_cannot_be_mended_is_told_place_by_place()
    {
        Answer answer = Read("""{"events": [{"start_s": 1, "end_s": 2, "object": {"deep": 1}}], "layers": [{"level_db": 0}], "space": "hall", "chain_of_thought": "one two three"}""");
        Assert.That(answer.Reasoning, Is.Null);
        Assert.That(answer.Problems, Is.EqualTo(new[]
        {
            "events[0].object: string belongs here, not an object", "layers[0].name: is missing", "space: object belongs here, not \"hall\"",
        }));
    }

    [Test]
    public void An_edit_has_an_operation_that_is_known()
    {
        var edit = new ReasoningRequest { Instruction = "take out the hum" };
        const string answer = """{"edit": {"operation": "OP", "target": "hum"}, "events": [], "caption": "rain", "chain_of_thought": "Steady rain goes on."}""";
        EditPlan plan = Read(answer.Replace("OP", "Removal"), edit).Reasoning!.Edit!;
        Assert.That((plan.Operation, plan.Target, plan.Start.TotalSeconds, plan.End.TotalSeconds), Is.EqualTo((EditOperation.Remove, "hum", 0.0, 10.0)));
        Assert.That(Read(answer.Replace("OP", "polish"), edit).Problems.Single(), Is.EqualTo("edit.operation: is \"polish\", not one of add, remove, extend, inpaint"));
        Assert.That(Read("""{"chain_of_thought": "Steady rain goes on."}""", edit).Problems.Single(), Does.StartWith("edit: object belongs here"));

        var told = edit with { Operation = EditOperation.Inpaint, EditRange = new TimeRange(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(4)) };
        plan = Read("""{"chain_of_thought": "Steady rain goes on."}""", told).Reasoning!.Edit!;
        Assert.That((plan.Operation, plan.Start.TotalSeconds, plan.End.TotalSeconds), Is.EqualTo((EditOperation.Inpaint, 2.0, 4.0)));
    }

    [Test]
    public void The_program_alone_says_who_thought_about_what()
    {
        var forged = JsonNode.Parse(ChatServer.GoodAnswer)!.AsObject();
        forged["provider"] = "somebody";
        forged["subject"] = new JsonObject { ["video"] = "/etc/passwd" };
        forged["version"] = 7;
        Reasoning reasoning = Read(forged.ToJsonString()).Reasoning!;
        Assert.That((reasoning.Provider, reasoning.Subject.Video, reasoning.Version), Is.EqualTo(("test", (string?)null, 1)));
    }
}
