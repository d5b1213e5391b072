using ThinkSound.Reasoning.Recogniser;
using static ThinkSound.Reasoning.Tests.Recogniser.RecogniserParts;

namespace ThinkSound.Reasoning.Tests.Recogniser;

/// <summary>From a file to a result, with a model of random weights: what it sees is chance, that it is said rightly is not.</summary>
public sealed class RecogniserReasonerTests
{
    [SetUp]
    public void RequireLibraries() => Parts.Require();

    private static async Task<List<ReasoningStep>> Think(ReasoningRequest request)
    {
        var steps = new List<ReasoningStep>();
        await foreach (ReasoningStep step in new RecogniserReasoner(Engine).ReasonAsync(request)) steps.Add(step);
        return steps;
    }

    [TestCase("stream-of-water.mp4")]
    [TestCase("wet-hawk.mp4")]
    public async Task A_video_is_thought_about_the_same_way_each_time(string name)
    {
        var request = new ReasoningRequest { Video = Parts.Sample(name), Duration = TimeSpan.FromSeconds(1.5) };
        List<ReasoningStep> steps = await Think(request), again = await Think(request);
        Assert.That(again.SkipLast(1), Is.EqualTo(steps.SkipLast(1)));
        Reasoning result = steps[^1].Result!, same = again[^1].Result!;
        Assert.That(same.Events, Is.EqualTo(result.Events));
        Assert.That((result.Provider, result.Model, result.Subject.Video), Is.EqualTo(("recogniser", "random-small", name)));
        Assert.That(result.Thoughts.Seen, Does.Contain("Something moves"));
        Assert.That(result.Events.All(e => e.Start < e.End && e.End <= result.Subject.Duration), Is.True);
    }

    [Test]
    public async Task A_video_that_somebody_watches_anyway_is_not_watched_again()
    {
        int watched = 0;
        // What is told to be seen here is nothing like the video.
        Features Rows(int rows, int width) => new(rows, width, Enumerable.Range(0, rows * width).Select(i => (float)Math.Sin(i)).ToArray());
        var request = new ReasoningRequest
        {
            Video = Parts.Sample("stream-of-water.mp4"), Duration = TimeSpan.FromSeconds(1.5), Watch = (_, _) =>
            {
                watched++;
                return Task.FromResult<VideoFeatures?>(new VideoFeatures(Rows(12, Engine.Info.ClipDim), Rows(40, Engine.Info.SyncDim)));
            },
        };
        string Seen(List<ReasoningStep> steps) => steps[^1].Result!.Thoughts.Seen;
        string shared = Seen(await Think(request)), own = Seen(await Think(request with { Watch = null })), refused = Seen(await Think(request with { Watch = (_, _) => Task.FromResult<VideoFeatures?>(null) }));
        Assert.That((watched, refused), Is.EqualTo((1, own)));
        Assert.That(shared, Is.Not.EqualTo(own));
        await Think(request with { Region = new VideoRegion(0, 0, 0.5, 0.5) });
        await Think(request with { Duration = TimeSpan.FromSeconds(50) });
        Assert.That(watched, Is.EqualTo(1), "a region, or more than there is of the video, is not what others see");
    }

    [Test]
    public async Task The_users_own_chain_of_thought_stays_as_it_is()
    {
        var reasoner = new RecogniserReasoner(_ => throw new InvalidOperationException("no engine is needed"));
        Reasoning result = await reasoner.ReasonToEndAsync(new ReasoningRequest { Caption = "a bell rings", ChainOfThought = "Far away, in the fog." });
        Assert.That((result.Caption, result.ChainOfThought), Is.EqualTo(("a bell rings", "Far away, in the fog.")));
    }

    [Test]
    public async Task A_region_is_measured_alone()
    {
        // Left: still. Right: a moving test picture.
        string video = Parts.MakeVideo("half.mp4", "testsrc2=size=160x120:rate=24:duration=1,drawbox=x=0:y=0:w=80:h=120:color=gray:t=fill", "-pix_fmt", "yuv420p");
        PictureFacts left = await VideoReading.MeasureAsync(video, TimeSpan.Zero, TimeSpan.FromSeconds(1), new VideoRegion(0, 0, 0.45, 1), default);
        PictureFacts right = await VideoReading.MeasureAsync(video, TimeSpan.Zero, TimeSpan.FromSeconds(1), new VideoRegion(0.5, 0, 0.5, 1), default);
        Assert.That((left.IsStill, right.IsStill), Is.EqualTo((true, false)));
        Reasoning result = (await Think(new ReasoningRequest { Video = video, Region = new VideoRegion(0, 0, 0.45, 1) }))[^1].Result!;
        Assert.That(result.Stage, Is.EqualTo(ReasoningStage.Object));
        Assert.That(result.Thoughts.Seen, Does.Contain("Nothing moves in the region"));
    }

    [Test]
    public async Task Nothing_that_moves_and_two_frames_are_fine()
    {
        string still = Parts.MakeVideo("green.mp4", "color=c=green:size=64x48:rate=10:duration=1", "-pix_fmt", "yuv420p");
        Assert.That((await Think(new ReasoningRequest { Video = still }))[^1].Result!.Thoughts.Seen, Does.Contain("Nothing moves in the picture"));
        string two = Parts.MakeVideo("two-frames.mp4", "testsrc=size=64x48:rate=10", "-frames:v", "2", "-pix_fmt", "yuv420p");
        List<ReasoningStep> steps = await Think(new ReasoningRequest { Video = two, Caption = "a bell rings" });
        Assert.That(steps[^1].Result!.Events.Select(e => e.Object).Distinct(), Is.EqualTo(new[] { "bell" }));
        Assert.That(steps[^1].Result!.Subject.Duration.TotalSeconds, Is.EqualTo(0.2).Within(0.05));
    }

    [Test]
    public async Task Words_alone_need_no_model()
    {
        var reasoner = new RecogniserReasoner(_ => throw new InvalidOperationException("no engine is needed"));
        Reasoning result = await reasoner.ReasonToEndAsync(new ReasoningRequest { Caption = "rain on a tin roof", Duration = TimeSpan.FromSeconds(3) });
        Assert.That(result.Events.Single() is { Object: "rain", Material: "metal" }, Is.True);
        Assert.That(() => reasoner.ReasonAsync(new ReasoningRequest()), Throws.ArgumentException);
        Assert.That(() => reasoner.ReasonToEndAsync(new ReasoningRequest { Video = "/nowhere/clip.mp4" }), Throws.TypeOf<ResourceNotFoundException>());
    }

    [Test]
    public async Task An_instruction_that_asks_for_two_things_gets_one_and_a_note()
    {
        var reasoner = new RecogniserReasoner(_ => throw new InvalidOperationException("no engine is needed"));
        var notes = new List<string>();
        Reasoning result = await reasoner.ReasonToEndAsync(new ReasoningRequest { Caption = "rain and a bell", Instruction = "remove the bell and add a dog" },
                                                           step => { if (step.Kind == ReasoningStepKind.Note) notes.Add(step.Text); });
        Assert.That(notes.Single(), Does.Contain("only the first is made"));
        Assert.That(result.Events.Select(e => e.Object), Is.EqualTo(new[] { "rain" }));
        Assert.That(result.Caption, Is.EqualTo("rain falls on the ground"));
    }

    [Test]
    public void Cancelled_it_stops()
    {
        var request = new ReasoningRequest { Video = Parts.Sample("stream-of-water.mp4") };
        Assert.That(async () => await new RecogniserReasoner(Engine).ReasonToEndAsync(request, cancellationToken: new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
    }
}
