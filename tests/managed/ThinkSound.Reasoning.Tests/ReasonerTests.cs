namespace ThinkSound.Reasoning.Tests;

/// <summary>The user's own words, edited results, and several reasoners in a row.</summary>
public sealed class ReasonerTests
{
    [Test]
    public async Task Words_of_ones_own_are_passed_on_and_made_to_fit()
    {
        Parts.Require();
        string cot = "A door slams hard, then its glass rattles for a while. " + string.Join(' ', Enumerable.Repeat("Ensure that everything is well balanced.", 5));
        Reasoning result = await new ManualReasoner().ReasonToEndAsync(new ReasoningRequest { Caption = "a door", ChainOfThought = cot, Tokens = Parts.Tokens });
        Assert.That((result.Provider, result.Caption), Is.EqualTo(("manual", "a door")));
        Assert.That(result.ChainOfThought, Does.StartWith("A door slams hard, then its glass rattles for a while."));
        Assert.That(Parts.Tokens.Count(TextEncoder.T5, result.ChainOfThought), Is.LessThanOrEqualTo(76));
        Assert.That(result.Shortened.Single().Original, Is.EqualTo(cot));
    }

    [Test]
    public async Task An_edited_result_is_put_into_words_without_its_video()
    {
        Reasoning edited = ReasoningFile.Parse("""{"version": 1, "subject": {"video": "gone.mp4", "duration_s": 5}, "thoughts": {"seen": "A dog."}, "events": [{"start_s": 0, "end_s": 1, "object": "dog", "action": "barks"}]}""");
        List<ReasoningStep> steps = await Parts.Collect(new ManualReasoner().ReasonAsync(new ReasoningRequest { Previous = edited }));
        Reasoning result = steps[^1].Result!;
        Assert.That(steps[0], Is.EqualTo(new ReasoningStep(ReasoningStepKind.Seen, "A dog.")));
        Assert.That((result.Caption, result.ChainOfThought, result.Subject.Video, result.Subject.Duration.TotalSeconds), Is.EqualTo(("dog barks", "Dog barks.", "gone.mp4", 5.0)));
    }

    [Test]
    public void Without_words_there_is_nothing_to_pass_on() =>
        Assert.That(() => new ManualReasoner().ReasonAsync(new ReasoningRequest()), Throws.ArgumentException);

    [Test]
    public void A_video_that_is_missing_or_none_is_named()
    {
        Parts.Require();
        ReasoningRequest request = new() { ChainOfThought = "A door slams.", Video = "/nowhere/clip.mp4" };
        Assert.That(() => new ManualReasoner().ReasonToEndAsync(request), Throws.TypeOf<ResourceNotFoundException>().With.Message.Contains("/nowhere/clip.mp4"));
        string sound = Parts.MakeVideo("tone.wav", "sine=duration=1");
        Assert.That(() => new ManualReasoner().ReasonToEndAsync(request with { Video = sound }), Throws.TypeOf<MediaException>().With.Message.Contains("no video in it, only sound"));
        Assert.That(() => new ManualReasoner().ReasonToEndAsync(request with { Video = Parts.Sample("flower.mp4"), Start = TimeSpan.FromSeconds(99) }), Throws.ArgumentException);
    }

    [Test]
    public async Task The_first_that_accepts_is_asked_and_the_next_where_it_fails()
    {
        var chain = new ReasonerChain([new Fixed("shy") { IsWilling = false }, new Fixed("broken") { Failure = ReasoningFailure.Unreachable }, new Fixed("good")]);
        List<ReasoningStep> steps = await Parts.Collect(chain.ReasonAsync(new ReasoningRequest { Caption = "x" }));
        Assert.That(steps.Select(step => (step.Kind, step.Attempt)), Is.EqualTo(new[] { (ReasoningStepKind.Seen, 1), (ReasoningStepKind.Note, 1), (ReasoningStepKind.Seen, 2), (ReasoningStepKind.Result, 2) }));
        Assert.That(steps[1].Text, Is.EqualTo("broken has no answer (no); good thinks instead"));
        Assert.That(steps[^1].Result!.Provider, Is.EqualTo("good"));

        var last = new ReasonerChain([new Fixed("broken") { Failure = ReasoningFailure.Refused }]);
        Assert.That(() => last.ReasonToEndAsync(new ReasoningRequest { Caption = "x" }), Throws.TypeOf<ReasoningException>().With.Property("Failure").EqualTo(ReasoningFailure.Refused));
        Assert.That(() => new ReasonerChain([]).ReasonAsync(new ReasoningRequest { Caption = "x" }), Throws.TypeOf<ReasoningException>().With.Property("Failure").EqualTo(ReasoningFailure.NotConfigured));
    }

    [TestCase(-0.1, 0, 1, 1)]
    [TestCase(0, 0, 0, 1)]
    [TestCase(0.5, 0, 0.6, 1)]
    [TestCase(double.NaN, 0, 1, 1)]
    public void A_region_lies_within_the_picture(double x, double y, double width, double height) => Assert.That(() => new VideoRegion(x, y, width, height), Throws.ArgumentException);

    [Test]
    public void What_must_not_be_heard_can_become_the_negative_caption()
    {
        var reasoning = new Reasoning { Caption = "rain", Avoid = ["music", "speech"] };
        Assert.That(reasoning.ToConditions(), Is.EqualTo(new Conditions { Caption = "rain" }));
        Assert.That(reasoning.ToConditions(avoidAsNegative: true).NegativeCaption, Is.EqualTo("music, speech"));
    }

    private sealed class Fixed(string provider) : IReasoner
    {
        public string Provider => provider;

        public bool IsWilling { get; init; } = true;

        public ReasoningFailure? Failure { get; init; }

        public bool Accepts(ReasoningRequest request) => IsWilling;

        public async IAsyncEnumerable<ReasoningStep> ReasonAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            yield return new ReasoningStep(ReasoningStepKind.Seen, "?");
            if (Failure is { } failure) throw new ReasoningException(failure, "no");
            yield return new ReasoningStep(ReasoningStepKind.Result, "") { Result = new Reasoning { Provider = provider } };
        }
    }
}
