using ThinkSound.Reasoning.Answers;

namespace ThinkSound.Reasoning.Tests;

public sealed class ReasoningFileTests
{
    private static readonly Reasoning Full = new()
    {
        Stage = ReasoningStage.Edit, Provider = "chat", Model = "m",
        Subject = new ReasoningSubject
        {
            Video = "größe.mp4", Start = TimeSpan.FromSeconds(1.25), Duration = TimeSpan.FromSeconds(3.158), Region = new VideoRegion(0.1, 0.2, 0.3, 0.4), Caption = "c", Instruction = "i",
        },
        Thoughts = new Thoughts { Seen = "a", Timing = "b", Sound = "c", Space = "d", Avoid = "e", Mix = "f" },
        Events = [new SoundEvent { Start = TimeSpan.FromSeconds(0.5), End = TimeSpan.FromSeconds(1), Object = "ball", Action = "hits", Material = "m", Sound = "thud", Intensity = 0.25, Layer = "x", Confidence = 0.5 }],
        Space = new AcousticSpace { Place = "hall", Reverberation = 1.5, Distance = "close" },
        Layers = [new SoundLayer { Name = "x", Description = "y", LevelDb = -6 }],
        Avoid = ["music"],
        Edit = new EditPlan { Operation = EditOperation.Inpaint, Target = "t", Start = TimeSpan.FromSeconds(1), End = TimeSpan.FromSeconds(2) },
        Caption = "caption", ChainOfThought = "thought \"quoted\" <b> &", Repairs = ["r"],
        Shortened = [new Shortening { Encoder = TextEncoder.T5, Original = "o", Omitted = ["p"], Pieces = 80, Limit = 76 }],
    };

    [Test]
    public async Task What_is_saved_is_loaded()
    {
        string path = Parts.Temporary("full.json");
        await ReasoningFile.SaveAsync(Full, path);
        Reasoning loaded = await ReasoningFile.LoadAsync(path);
        Assert.That(loaded.ToJson(), Is.EqualTo(Full.ToJson()));
        Assert.That(loaded.Subject, Is.EqualTo(Full.Subject));
        Assert.That(loaded.Events, Is.EqualTo(Full.Events));
        Assert.That(loaded.Edit, Is.EqualTo(Full.Edit));
        Assert.That(loaded.Shortened[0].Encoder, Is.EqualTo(TextEncoder.T5));
        string text = File.ReadAllText(path);
        Assert.That(text, Does.Contain("\"start_s\": 0.5").And.Contain("größe.mp4").And.Contain("\"operation\": \"inpaint\"").And.Contain("\"encoder\": \"t5\""));
        Assert.That(Directory.GetFiles(Path.GetDirectoryName(path)!, "full.json*"), Has.Length.EqualTo(1));
    }

    [Test]
    public void What_is_written_fits_the_schema()
    {
        foreach (Reasoning reasoning in (Reasoning[])[Full, new Reasoning()])
            Assert.That(JsonSchema.Check(System.Text.Json.Nodes.JsonNode.Parse(reasoning.ToJson()), ReasoningSchema.Whole), Is.Empty);
    }

    [Test]
    public void Written_by_hand_a_few_fields_are_enough()
    {
        Reasoning reasoning = ReasoningFile.Parse("""
            { "version": 1, // mine
              "events": [{ "start_s": 2, "end_s": 3, "object": "door" }, { "start_s": 1, "end_s": 2, "object": "bell" }], }
            """);
        Assert.That(reasoning.Events.Select(e => e.Object), Is.EqualTo(new[] { "bell", "door" }));
        Assert.That((reasoning.Events[0].Intensity, reasoning.Events[0].Layer, reasoning.Events[0].Confidence, reasoning.Subject.Duration.TotalSeconds, reasoning.Caption), Is.EqualTo((0.5, "foley", 1.0, 8.0, "")));
    }

    [TestCase("{ not json", "is no reasoning")]
    [TestCase("[]", "the whole: object belongs here, not an array")]
    [TestCase("{}", "version: is missing")]
    [TestCase("""{"version": 2}""", "is of version 2, and this program knows up to 1")]
    [TestCase("""{"version": 1, "events": [{"start_s": "1 s"}]}""", "events[0].start_s: number belongs here, not \"1 s\"")]
    [TestCase("""{"version": 1, "events": [{"intensity": 2}]}""", "events[0].intensity: 2 is more than 1")]
    [TestCase("""{"version": 1, "evnts": []}""", "evnts: no such field")]
    [TestCase("""{"version": 1, "stage": "dream"}""", "stage: is \"dream\", not one of foley, object, edit")]
    [TestCase("""{"version": 1, "subject": {"region": {"x": 0.9, "y": 0, "width": 0.5, "height": 1}}}""", "does not lie within the picture")]
    [TestCase("""{"version": 1, "caption": "a", "caption": "b"}""", "is no reasoning")]
    public void What_is_no_reasoning_is_refused_with_the_place(string json, string message)
    {
        var e = Assert.Throws<ReasoningException>(() => ReasoningFile.Parse(json, "mine.json"))!;
        Assert.That(e.Failure, Is.EqualTo(ReasoningFailure.BadFile));
        Assert.That(e.Message, Does.StartWith("mine.json: ").And.Contain(message));
    }

    [Test]
    public void A_file_that_is_not_there_is_named() =>
        Assert.That(() => ReasoningFile.LoadAsync("/nowhere/r.json"), Throws.TypeOf<ResourceNotFoundException>().With.Message.Contains("/nowhere/r.json"));

    [Test]
    public void The_schema_comes_with_the_library() => Assert.That(ReasoningFile.Schema, Is.EqualTo(
        File.ReadAllText(Path.Combine(Parts.Root, "managed", "ThinkSound.Reasoning", "Schemas", "reasoning.schema.json")).ReplaceLineEndings("\n")));
}
