using ThinkSound.Reasoning.Recogniser;
using static ThinkSound.Reasoning.Tests.Recogniser.RecogniserParts;

namespace ThinkSound.Reasoning.Tests.Recogniser;

public sealed class EditRulesTests
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(8);

    private static Reasoning Edit(string instruction, Reasoning? previous = null, EditOperation? operation = null, Evidence? evidence = null) =>
        EditRules.Apply(evidence ?? Known(null, null, null, 8), EditInstruction.Of(instruction, operation, Length), instruction, null, previous);

    [TestCase("add a door that closes at the end", EditOperation.Add, "door that closes", "door", 6, 8)]
    [TestCase("Take out the hum", EditOperation.Remove, "hum", "", -1, -1)]
    [TestCase("take the rain out", EditOperation.Remove, "rain", "rain", -1, -1)]
    [TestCase("make the rain longer", EditOperation.Extend, "rain", "rain", -1, -1)]
    [TestCase("replace the birds from 2 to 4.5 s", EditOperation.Inpaint, "birds", "bird", 2, 4.5)]
    [TestCase("remove the sound of an engine after 3 seconds", EditOperation.Remove, "engine", "engine", 3, 8)]
    public void An_instruction_is_read(string text, EditOperation operation, string words, string kinds, double from, double to)
    {
        EditInstruction edit = EditInstruction.Of(text, null, Length);
        Assert.That((edit.Operation, edit.Words, string.Join(' ', edit.Target.Kinds.Select(kind => kind.Name))), Is.EqualTo(((EditOperation?)operation, words, kinds)));
        Assert.That((edit.Range?.Start.TotalSeconds ?? -1, edit.Range?.End.TotalSeconds ?? -1), Is.EqualTo((from, to)));
    }

    [Test]
    public void The_first_of_several_changes_is_made_and_it_says_so()
    {
        EditInstruction edit = EditInstruction.Of("remove the rain and add a bell", null, Length);
        Assert.That((edit.Operation, edit.Target.Kinds.Single().Name, edit.HasMore), Is.EqualTo((EditOperation.Remove, "rain", true)));
    }

    [Test]
    public void What_is_not_understood_is_said()
    {
        Assert.That(() => Edit("do something nice"), Throws.TypeOf<ReasoningException>().With.Message.Contains("does not understand \"do something nice\"").And.Property("Failure").EqualTo(ReasoningFailure.BadAnswer));
        Assert.That(() => Edit("remove"), Throws.TypeOf<ReasoningException>().With.Message.Contains("name a sound"));
        Assert.That(Edit("the hum", operation: EditOperation.Remove).Edit!.Target, Is.EqualTo("hum"));
    }

    [Test]
    public void Something_is_added_where_the_picture_has_it()
    {
        Evidence evidence = Known(Heads([("rain", 0.9f)], [], 8, 1, 3, 7), Moving(8), null, 8);
        Reasoning result = Edit("add a bell from 2 to 6 s", evidence: evidence);
        Assert.That(result.Events.Select(e => (e.Object, Math.Round(e.Start.TotalSeconds, 1))), Is.EqualTo(new[] { ("bell", 3.0) }));
        Assert.That((result.Stage, result.Caption, result.Edit!.Operation, result.Edit.Start.TotalSeconds), Is.EqualTo((ReasoningStage.Edit, "a bell rings", EditOperation.Add, 2.0)));
    }

    [Test]
    public void Something_is_taken_out_of_an_earlier_reasoning()
    {
        Reasoning earlier = Rules.Apply(Known(Heads([("rain", 0.9f), ("knock", 0.8f)], [], 8, 1, 2), Moving(8), null, 8));
        Reasoning result = Edit("remove the rain", earlier);
        Assert.That(result.Events.Select(e => e.Object), Is.EqualTo(new[] { "fist", "fist" }));
        Assert.That(result.Avoid[0], Is.EqualTo("rain"));
        Assert.That(result.Caption, Is.EqualTo("a fist knocks on a door"));
        Assert.That(result.ChainOfThought, Does.EndWith("Leave out rain."));
        Reasoning half = Edit("remove the rain from 4 to 8 s", earlier);
        Assert.That(half.Events.Single(e => e.Object == "rain").End.TotalSeconds, Is.EqualTo(4));
    }

    [Test]
    public void A_stretch_is_made_anew_as_it_was()
    {
        Reasoning earlier = Rules.Apply(Known(Heads([("knock", 0.8f)], [], 8, 1, 5), Moving(8), null, 8));
        Reasoning result = Edit("redo it from 4 to 6 s", earlier);
        Assert.That(result.Events.Select(e => Math.Round(e.Start.TotalSeconds, 1)), Is.EqualTo(new[] { 5.0 }));
        Assert.That(result.ChainOfThought, Does.Contain("Place one knock, at 5.0 s."));
    }
}
