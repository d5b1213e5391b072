using SkiaSharp;
using ThinkSound.Bundles;
using ThinkSound.Media;
using ThinkSound.Projects;
using ThinkSound.Reasoning;
using static ThinkSound.Objects.Tests.DrawnVideo;

namespace ThinkSound.Objects.Tests;

/// <summary>Stage two in a project, with a generator whose samples are known: what changes, and what does not.</summary>
internal sealed class ObjectRendererTests
{
    private const int Frames = 96, Rate44 = 44_100;
    private static readonly SKColor Wall = new(90, 120, 110), Red = new(205, 60, 40);

    private readonly Recorder _generator = new();
    private Project _project = null!;
    private string _folder = "", _video = "";
    private AudioClip _before = null!;
    private ObjectTrack _track = null!;

    /// <summary>Travels from the left to the right and is seen from picture 24 to 72.</summary>
    [OneTimeSetUp]
    public async Task Draw()
    {
        Require();
        _video = Write(Frames, (canvas, i) =>
        {
            Background(canvas, Wall);
            if (i is >= 24 and < 72) Ball(canvas, 40 + 3.5 * (i - 24), 96, 20, Red);
        });
        _track = await new ObjectTracker(new ClassicalSegmenter()).TrackAsync(_video, Selection);
        Assert.That((_track.FirstFrame, _track.Frames.Count), Is.EqualTo((24, 48)), string.Join(' ', _track.Events));
    }

    private static ObjectSelection Selection => Click(40 + 3.5 * 20, 96, 44);

    [SetUp]
    public async Task Make()
    {
        _folder = Temporary("");
        _generator.Requests.Clear();
        _project = await Project.CreateAsync(_folder, _video);
        await _project.ApplyAsync(new FoleyPayload(), null, Renderers);
        _before = Mix();
    }

    [TearDown]
    public void Close() => _project?.Dispose();

    private OperationRenderers Renderers => new(new BedOfNoise(), new ObjectRenderer(_generator));

    private AudioClip Mix()
    {
        using Mixer mixer = Mixer.Open(_project.State, _project.Stems);
        return mixer.ReadClip(0, (int)_project.State.Timeline.NumSamples);
    }

    private ObjectPayload Payload(bool keepsMasks = true) => new()
    {
        Selection = Selection, Trajectory = _track.ToTrajectory(keepsMasks ? _project.Stems.Put(ObjectTrackFile.Write(_track)) : null), Words = new OwnWords { Caption = "a ball" },
    };

    [Test]
    public async Task The_object_gets_a_track_of_its_own_and_outside_of_its_time_no_bit_changes()
    {
        Operation done = await _project.ApplyAsync(Payload(), null, Renderers);
        Track track = done.Result.Tracks.Single();
        Assert.That((track.Id, track.Name, track.Audio.Start, track.Audio.NumSamples), Is.EqualTo(("object-2", "a ball", (long)Rate44, 2L * Rate44)));
        AudioClip after = Mix();
        Assert.That(_before.Channel(0)[..Rate44].SequenceEqual(after.Channel(0)[..Rate44]) && _before.Channel(1)[..Rate44].SequenceEqual(after.Channel(1)[..Rate44]));
        Assert.That(_before.Channel(0)[(3 * Rate44)..].SequenceEqual(after.Channel(0)[(3 * Rate44)..]) && _before.Channel(1)[(3 * Rate44)..].SequenceEqual(after.Channel(1)[(3 * Rate44)..]));

        // The generator says (0.5, 0.1) everywhere: 0.3 in both channels, then the law of pan with the ball's known place.
        foreach (double t in (double[])[1.25, 1.5, 2, 2.5, 2.75])
        {
            int n = (int)(t * Rate44);
            double pan = 0.7 * (2 * (40 + 3.5 * (t * Rate - 24)) / Width - 1);
            Assert.That(after.Channel(0)[n] - _before.Channel(0)[n], Is.EqualTo(0.3 * Math.Sqrt(1 - pan)).Within(0.012), $"left at {t} s");
            Assert.That(after.Channel(1)[n] - _before.Channel(1)[n], Is.EqualTo(0.3 * Math.Sqrt(1 + pan)).Within(0.012), $"right at {t} s");
        }
        SoundRequest asked = _generator.Requests.Single();
        Assert.That((asked.NumSamples, asked.Conditions.Caption), Is.EqualTo((2L * Rate44, "a ball")));
        Assert.That(_generator.Durations.Single(), Is.EqualTo(2).Within(0.01), "it was shown the object's time");
    }

    [Test]
    public async Task Rendered_again_it_is_the_same_to_the_last_bit_with_masks_and_without()
    {
        await _project.ApplyAsync(Payload() with { Bed = BedTreatment.Regenerate }, null, Renderers);
        Assert.That((await _project.RerenderAsync(2, Renderers)).IsSame);
        await _project.ApplyAsync(Payload(keepsMasks: false), null, Renderers);
        Assert.That((await _project.RerenderAsync(3, Renderers)).IsSame);
    }

    [Test]
    public async Task The_bed_makes_room_inside_of_the_objects_time_only()
    {
        Operation done = await _project.ApplyAsync(Payload() with { Bed = BedTreatment.Duck, DuckDb = 12 }, null, Renderers);
        Track bed = done.Result.Tracks.Single(track => track.Id == Track.Bed);
        Assert.That((bed.Ducks.Single().For, bed.Ducks[0].AmountDb, bed.Ducks[0].Range), Is.EqualTo(("object-2", 12.0, new TimeRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)))));
        AudioClip after = Mix();
        Assert.That(_before.Channel(0)[..Rate44].SequenceEqual(after.Channel(0)[..Rate44]) && _before.Channel(1)[(3 * Rate44)..].SequenceEqual(after.Channel(1)[(3 * Rate44)..]));
        using Mixer mixer = Mixer.Open(new ProjectState(_project.State.Timeline, [bed, done.Result.Tracks[0] with { GainDb = -120 }]), _project.Stems);
        AudioClip quiet = mixer.ReadClip(0, (int)_project.State.Timeline.NumSamples);
        int middle = 2 * Rate44;
        Assert.That(quiet.Channel(0)[middle], Is.EqualTo(_before.Channel(0)[middle] * Math.Pow(10, -12 / 20.0)).Within(1e-5));
    }

    [Test]
    public async Task The_bed_is_made_anew_without_the_object_and_cross_faded_inside_of_its_time()
    {
        Operation done = await _project.ApplyAsync(Payload() with { Bed = BedTreatment.Regenerate }, null, Renderers);
        StemAudio old = _project.Document.Find(1).Result.Tracks.Single().Audio, bed = done.Result.Tracks.Single(track => track.Id == Track.Bed).Audio;
        Assert.That((bed.Start, bed.NumSamples), Is.EqualTo((old.Start, old.NumSamples)));
        using StemReader before = _project.Stems.Open(old), after = _project.Stems.Open(bed);
        AudioClip a = before.ReadClip(0, 4 * Rate44), b = after.ReadClip(0, 4 * Rate44);
        Assert.That(a.Channel(0)[..(Rate44 + 1)].SequenceEqual(b.Channel(0)[..(Rate44 + 1)]) && a.Channel(1)[(3 * Rate44 - 1)..].SequenceEqual(b.Channel(1)[(3 * Rate44 - 1)..]));
        Assert.That((b.Channel(0)[2 * Rate44], b.Channel(1)[2 * Rate44]), Is.EqualTo((0.5f, 0.1f)), "in the middle it is the new one");
        int half = Rate44 + (int)(0.04 * Rate44); // half of the cross-fade
        Assert.That(b.Channel(0)[half], Is.EqualTo(0.5 * a.Channel(0)[half] + 0.25).Within(1e-3));
        SoundRequest asked = _generator.Requests[^1];
        Assert.That((asked.Conditions.Caption, asked.Conditions.NegativeCaption), Is.EqualTo(((string?)null, "a ball")));
    }

    [Test]
    public async Task The_model_is_given_the_streams_that_are_asked_for_and_the_users_own_words()
    {
        const ConditionStreams Few = ConditionStreams.Sync | ConditionStreams.Caption;
        var thought = new Reasoning.Reasoning { Caption = "a bell rings", ChainOfThought = "It rings twice." };
        ObjectPayload payload = Payload() with { Words = null };
        await _project.ApplyAsync(payload, thought, Renderers);
        await _project.ApplyAsync(payload with { Streams = Few, Bed = BedTreatment.Regenerate }, thought, Renderers); // stem and bed
        await _project.ApplyAsync(payload with { Streams = ConditionStreams.Sync }, thought, Renderers);
        await _project.ApplyAsync(payload with { Streams = Few }, null, Renderers);                                   // no caption to go by
        await _project.ApplyAsync(payload with { Streams = Few, Words = new OwnWords { ChainOfThought = "It rings once." } }, thought, Renderers);
        Assert.That(_generator.Requests.Select(request => (request.Streams & ConditionStreams.Video, request.Conditions.Caption, request.Conditions.ChainOfThought)), Is.EqualTo(new[]
        {
            (ConditionStreams.Video, "a bell rings", "It rings twice."), (ConditionStreams.Sync, "a bell rings", null), (ConditionStreams.Video, null, null),
            (ConditionStreams.Sync, null, null), (ConditionStreams.Video, null, (string?)null), (ConditionStreams.Sync, "a bell rings", "It rings once."),
        }));
    }

    [TestCase("a ball bounces on the floor", "a fist knocks on a door")]
    [TestCase("a dribbled ball", "a fist knocks on a door")]
    [TestCase("a bell rings", null)]
    [TestCase("a ball bounces while a bell rings", null)]
    [TestCase("a hum", null)]
    [TestCase(null, null)]
    public void Guidance_moves_away_from_what_a_sound_of_its_class_passes_for(string? caption, string? avoid)
    {
        BundleDescription bundle = BundleDescription.Parse("""{"components": {}, "defaults": {"object_avoid": {"bounce": "a fist knocks on a door"}}}"""u8.ToArray(), "test");
        Assert.That(ObjectRenderer.AvoidOf(bundle, caption), Is.EqualTo(avoid));
    }

    [Test]
    public void The_users_own_words_on_what_must_not_be_heard_come_first()
    {
        ObjectPayload payload = Payload(keepsMasks: false) with { Avoid = "a fist knocks on a door" };
        Assert.That(ObjectRenderer.WordsOf(payload, null).NegativeCaption, Is.EqualTo("a fist knocks on a door"));
        Assert.That(ObjectRenderer.WordsOf(payload with { Words = new OwnWords { NegativeCaption = "music" } }, null).NegativeCaption, Is.EqualTo("music"));
    }

    [Test]
    public async Task Candidates_are_of_what_has_a_caption_and_the_choice_is_kept()
    {
        ObjectPayload payload = Payload() with { Generation = new GenerationSettings { Candidates = 4 }, Bed = BedTreatment.Regenerate };
        Operation done = await _project.ApplyAsync(payload, null, Renderers);
        Assert.That(_generator.Requests.Select(request => request.Generation.Candidates), Is.EqualTo((int[])[4, 1]), "the stem; the bed without the object");
        Assert.That(done.Result.Candidates.Single().Chosen, Is.EqualTo(2));
        Assert.That((await _project.RerenderAsync(2, Renderers)).IsSame);
        Assert.That((await Assert.ThrowsAsync<ArgumentException>(() => _project.ApplyAsync(payload with { Words = null }, null, Renderers)))!.Message, Does.Contain("4 candidates").And.Contain("caption"));
        Assert.That(_project.Document.Operations, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task What_makes_no_sense_is_refused_and_the_project_stays()
    {
        ObjectPayload payload = Payload();
        using Project empty = await Project.CreateAsync(Temporary(""), _video);
        payload = payload with { Trajectory = payload.Trajectory with { Masks = null } };
        Assert.That((await Assert.ThrowsAsync<ArgumentException>(() => empty.ApplyAsync(payload with { Bed = BedTreatment.Duck }, null, Renderers)))!.Message, Does.Contain("there is no track \"bed\""));
        Assert.That((await Assert.ThrowsAsync<ArgumentException>(() => empty.ApplyAsync(payload with { Trajectory = new ObjectTrajectory() }, null, Renderers)))!.Message, Does.Contain("no positions"));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => empty.ApplyAsync(payload with { PanWidth = 2 }, null, Renderers));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => empty.ApplyAsync(payload with { Dilation = -1 }, null, Renderers));
        StoredBlob nonsense = empty.Stems.Put("nonsense"u8);
        await Assert.ThrowsAsync<ProjectException>(() => empty.ApplyAsync(payload with { Trajectory = payload.Trajectory with { Masks = nonsense } }, null, Renderers));
        Assert.That(empty.Document.Operations, Is.Empty);
    }

    [Test]
    public async Task Whoever_thinks_is_shown_the_object_alone_for_its_time()
    {
        var asked = new List<(ReasoningRequest Request, MediaInfo Media)>();
        Reasoning.Reasoning thought = await ObjectThinker.ThinkAsync(new Thinker(asked), _video, _track, words: new OwnWords { Caption = "a ball rolls" });
        (ReasoningRequest request, MediaInfo media) = asked.Single();
        Assert.That((request.Stage, request.Duration, request.Caption), Is.EqualTo((ReasoningStage.Object, (TimeSpan?)_track.Duration, "a ball rolls")));
        Assert.That((media.Video!.Duration.TotalSeconds, media.Audio), Is.EqualTo((2.0, (StreamInfo?)null)));
        Assert.That((thought.Subject.Start.TotalSeconds, thought.Subject.Video), Is.EqualTo((1.0, Path.GetFileName(_video))));
        Assert.That(thought.Subject.Region!.Value.Y, Is.EqualTo((96 - 20.0) / Height).Within(0.02));
        Assert.That(File.Exists(request.Video), Is.False, "the region video is gone");
    }

    [Test]
    public async Task The_scene_at_rest_is_made_for_those_who_look_at_it_and_once()
    {
        var folders = new List<string[]>();
        var asked = new List<(ReasoningRequest Request, MediaInfo Media)>();
        await ObjectThinker.ThinkAsync(new Thinker(asked) { Look = LookTwice }, _video, _track);
        Assert.That(folders.Select(files => files.Length), Is.EqualTo((int[])[1, 2, 2]), "the region; with the scene at rest");
        Assert.That(File.Exists(folders[1].Except(folders[0]).Single()), Is.False, "it is gone");

        async Task LookTwice(ReasoningRequest request)
        {
            folders.Add(FilesBeside(request));
            string first = await request.Scene!.Still!(CancellationToken.None);
            DateTime made = File.GetLastWriteTimeUtc(first);
            folders.Add(FilesBeside(request));
            Assert.That(MediaInfo.Open(first).Video!.Duration, Is.EqualTo(_track.Duration));
            Assert.That(await request.Scene.Still(CancellationToken.None), Is.EqualTo(first));
            Assert.That(File.GetLastWriteTimeUtc(first), Is.EqualTo(made));
            folders.Add(FilesBeside(request));
        }

        static string[] FilesBeside(ReasoningRequest request) => Directory.GetFiles(Path.GetDirectoryName(request.Video!)!);
    }

    /// <summary>Says 0.5 left and 0.1 right, in blocks of odd lengths.</summary>
    private sealed class Recorder : ISoundGenerator
    {
        public List<SoundRequest> Requests { get; } = [];
        public List<double> Durations { get; } = [];

        public Task<SoundOutcome> GenerateAsync(SoundRequest request, SoundBlock write, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
        {
            Requests.Add(request);
            if (Requests.Count == 1) Durations.Clear();
            Durations.Add(MediaInfo.Open(request.Video, cancellationToken).Video!.Duration.TotalSeconds);
            for (long left = request.NumSamples; left > 0;)
            {
                int count = (int)Math.Min(left, 10_007);
                write([.. Enumerable.Range(0, 2 * count).Select(i => i % 2 == 0 ? 0.5f : 0.1f)]);
                left -= count;
            }
            return Task.FromResult(new SoundOutcome(new ModelIdentity { Name = "known" }, []) { Candidates = request.Generation.Candidates > 1 ? [new CandidateFits([0.2f, 0.4f, 0.9f, 0.1f], 2)] : [] });
        }
    }

    /// <summary>A bed of noise that is always the same.</summary>
    private sealed class BedOfNoise : IOperationRenderer
    {
        public string Kind => FoleyPayload.KindName;

        public Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
        {
            var random = new Random(7);
            using StemWriter writer = request.Stems.Create();
            writer.Write([.. Enumerable.Range(0, 2 * (int)request.Before.Timeline.NumSamples).Select(_ => (float)(0.2 * random.NextDouble() - 0.1))]);
            return Task.FromResult(new OperationResult { Tracks = [new Track { Id = Track.Bed, Audio = writer.Finish() }] });
        }
    }

    private sealed class Thinker(List<(ReasoningRequest, MediaInfo)> asked) : IReasoner
    {
        public string Provider => "test";
        public Func<ReasoningRequest, Task> Look { get; init; } = _ => Task.CompletedTask;

        public bool Accepts(ReasoningRequest request) => true;

        public async IAsyncEnumerable<ReasoningStep> ReasonAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress = null,
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            asked.Add((request, MediaInfo.Open(request.Video!, cancellationToken)));
            await Look(request);
            yield return new ReasoningStep(ReasoningStepKind.Result, "") { Result = new Reasoning.Reasoning { Stage = request.Stage, Caption = request.Caption ?? "" } };
        }
    }
}
