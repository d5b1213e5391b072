using System.Runtime.CompilerServices;
using ThinkSound.Projects.Editing;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects.Tests.Editing;

public sealed class EditReaderTests
{
    [Test]
    public async Task ReadAsync_takes_the_reasoners_words_for_what_the_grammar_read()
    {
        var reasoner = new Answering(EditOperation.Add, "thunder", caption: "thunder rolls far away");
        EditScript script = await new EditReader(reasoner).ReadAsync("add thunder from 2 to 5 s", Scene.Project);
        Assert.That(Scene.Show(script), Is.EqualTo("Add - 2-5 thunder"));
        Assert.That(script.Reader, Is.EqualTo("answering"));
        Assert.That(script.Reasoning!.Caption, Is.EqualTo("thunder rolls far away"));
        Assert.That(reasoner.Asked!.EditRange, Is.EqualTo(new TimeRange(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5))));
        Assert.That(reasoner.Asked.Existing.Select(sound => sound.Name), Does.Contain("dog"));
    }

    [Test]
    public async Task ReadAsync_has_the_reasoner_read_what_the_grammar_cannot()
    {
        EditScript script = await new EditReader(new Answering(EditOperation.Remove, "the dog", 1, 4)).ReadAsync("le chien m'agace, enlève-le", Scene.Project);
        Assert.That(Scene.Show(script), Is.EqualTo("Remove object-2 1-4 dog"));
        Assert.That(script.Instruction, Is.EqualTo("le chien m'agace, enlève-le"));
    }

    [Test]
    public async Task ReadAsync_does_arithmetic_without_asking()
    {
        var reasoner = new Answering(EditOperation.Remove, "the dog");
        Assert.That(Scene.Show(await new EditReader(reasoner).ReadAsync("make the dog louder", Scene.Project)), Is.EqualTo("Louder object-2 all dog 6dB"));
        Assert.That(reasoner.Asked, Is.Null);
    }

    [Test]
    public void ReadAsync_asks_back_where_grammar_and_reasoner_disagree() =>
        Assert.That(() => new EditReader(new Answering(EditOperation.Remove, "thunder")).ReadAsync("add thunder", Scene.Project), Throws.TypeOf<EditException>().With.Property("Problem").EqualTo(EditProblem.Ambiguous));

    [TestCase("all files", EditProblem.UnknownSound)]
    [TestCase("", EditProblem.NotUnderstood)]
    [TestCase("the dog and add a bell and remove everything", EditProblem.NotUnderstood)]
    public void ReadAsync_holds_an_answer_against_the_sound(string target, EditProblem problem) =>
        Assert.That(() => new EditReader(new Answering(EditOperation.Remove, target)).ReadAsync("tu was", Scene.Project), Throws.TypeOf<EditException>().With.Property("Problem").EqualTo(problem));

    [Test]
    public void ReadAsync_asks_nobody_about_what_no_model_can_mend() =>
        Assert.That(() => new EditReader(new Answering(EditOperation.Add, "bell")).ReadAsync("add a bell at 20 s", Scene.Project), Throws.TypeOf<EditException>().With.Property("Problem").EqualTo(EditProblem.OutOfRange));

    private sealed class Answering(EditOperation operation, string target, double from = 0, double to = 0, string caption = "something") : IReasoner
    {
        public ReasoningRequest? Asked { get; private set; }

        public string Provider => "answering";

        public bool Accepts(ReasoningRequest request) => true;

        public async IAsyncEnumerable<ReasoningStep> ReasonAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            Asked = request;
            await Task.Yield();
            var plan = new EditPlan { Operation = operation, Target = target, Start = TimeSpan.FromSeconds(from), End = TimeSpan.FromSeconds(to) };
            yield return new ReasoningStep(ReasoningStepKind.Result, "") { Result = new Reasoning.Reasoning { Stage = ReasoningStage.Edit, Provider = Provider, Edit = plan, Caption = caption } };
        }
    }
}
