using System.Diagnostics;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects.Tests;

internal class ProjectTests : WithFolder
{
    [Test]
    public async Task An_operation_is_there_again_with_everything_it_was_made_of()
    {
        var reasoning = new Reasoning.Reasoning { Provider = "manual", Caption = "knocks", Events = [new SoundEvent { End = TimeSpan.FromSeconds(1), Object = "fist" }] };
        var payload = new FoleyPayload { Seed = ulong.MaxValue, Generation = new() { Steps = 3, GuidanceScale = 4.7f, Candidates = 4, Sampler = Sampler.Midpoint }, Words = new() { Caption = "wood" } };
        using (Project project = await NewProject()) await project.ApplyAsync(payload, reasoning, Renderers);
        using Project again = Project.Open(At("project"));
        Operation kept = again.Document.Operations.Single();
        Assert.That(kept.Payload, Is.EqualTo(payload));
        Assert.That(kept.Reasoning!.ToJson(), Is.EqualTo(reasoning.ToJson()));
        Assert.That((kept.Id, kept.Parent, kept.Title), Is.EqualTo((1, 0, "foley: wood")));
        Assert.That(again.State.Tracks.Single().Id, Is.EqualTo(Track.Bed));
        Assert.That(again.FindVideo().FoundAt, Is.EqualTo(Video));
    }

    [Test]
    public async Task Payloads_of_all_stages_are_kept()
    {
        OperationPayload[] payloads =
        [
            new ObjectPayload
            {
                Selection = new() { Time = TimeSpan.FromSeconds(1.25), Points = [new(0.25, 0.5), new(0, 1, false)], Box = new VideoRegion(0.1, 0.2, 0.3, 0.4), Range = new(TimeSpan.Zero, TimeSpan.FromSeconds(2)) },
                Trajectory = new() { Segmenter = "classical", Positions = [new() { Time = TimeSpan.FromSeconds(1), Box = new VideoRegion(0, 0, 1, 1), Area = 0.5 }], Masks = new() { Hash = new string('0', 64), NumBytes = 3 } },
                Bed = BedTreatment.Duck,
            },
            new EditPayload { Instruction = "remove the hum", Steps = [new() { Action = EditAction.Remove, Target = "hum", Range = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)), Shift = TimeSpan.FromSeconds(0.5) }] },
            new MixPayload { Changes = [new() { Track = Track.Bed, GainDb = -6, IsMuted = true, Pan = 0.5 }] },
        ];
        foreach (OperationPayload payload in payloads)
        {
            string text = System.Text.Json.JsonSerializer.Serialize(payload, ProjectJson.Default.OperationPayload);
            OperationPayload again = System.Text.Json.JsonSerializer.Deserialize(text, ProjectJson.Default.OperationPayload)!;
            Assert.That(System.Text.Json.JsonSerializer.Serialize(again, ProjectJson.Default.OperationPayload), Is.EqualTo(text));
            Assert.That(again.GetType(), Is.EqualTo(payload.GetType()));
            Assert.That(text, Does.Contain($"\"kind\": \"{payload.Kind}\""));
        }
        using Project project = await NewProject();
        Assert.That(async () => await project.ApplyAsync(payloads[1], null, Renderers), Throws.TypeOf<UnsupportedException>().With.Message.Contains("edit"));
        Assert.That(project.Document.Operations, Is.Empty);
    }

    [Test]
    public void What_was_kept_before_there_were_candidates_is_made_once_as_it_was()
    {
        const string payload = """{"kind": "foley", "generation": {"steps": 8, "guidance_scale": 3, "sampler": "euler"}, "seed": 7}""", result = """{"tracks": [], "removed": [], "notices": []}""";
        var foley = (FoleyPayload)System.Text.Json.JsonSerializer.Deserialize(payload, ProjectJson.Default.OperationPayload)!;
        Assert.That(foley.Generation, Is.EqualTo(new GenerationSettings { Steps = 8, GuidanceScale = 3, Candidates = 1 }));
        Assert.That(foley.Generation.ToOptions(TimeSpan.FromSeconds(2), 7).Candidates, Is.EqualTo(1));
        Assert.That(System.Text.Json.JsonSerializer.Deserialize(result, ProjectJson.Default.OperationResult)!.Candidates, Is.Empty);
    }

    [Test]
    public void What_was_chosen_among_candidates_is_kept()
    {
        var result = new OperationResult { Candidates = [new CandidateFits([0.25f, 0.1f], 0), new CandidateFits([0.1f, 0.9f], 1)] };
        string text = System.Text.Json.JsonSerializer.Serialize(result, ProjectJson.Default.OperationResult);
        OperationResult again = System.Text.Json.JsonSerializer.Deserialize(text, ProjectJson.Default.OperationResult)!;
        Assert.That(again.Candidates.Select(choice => (choice.Fits[choice.Chosen], choice.Chosen)), Is.EqualTo(new[] { (0.25f, 0), (0.9f, 1) }));
    }

    [Test]
    public async Task Undo_and_redo_move_and_a_new_operation_leaves_the_old_line_on_a_branch()
    {
        using Project project = await NewProject();
        Assert.That((await Assert.ThrowsAsync<ProjectException>(() => project.UndoAsync()))!.Failure, Is.EqualTo(ProjectFailure.NothingThere));
        foreach (ulong seed in (ulong[])[1, 2, 3]) await Apply(project, seed);
        string[] hashes = [.. project.Document.Operations.Select(operation => operation.Result.Tracks[0].Audio.Hash)];
        Assert.That((await project.UndoAsync()).Id, Is.EqualTo(3));
        Assert.That((await project.UndoAsync()).Id, Is.EqualTo(2));
        Assert.That(project.State.Tracks[0].Audio.Hash, Is.EqualTo(hashes[0]));
        Assert.That((await project.RedoAsync()).Id, Is.EqualTo(2));

        Operation other = await Apply(project, 4);
        Assert.That((other.Id, other.Parent), Is.EqualTo((4, 2)));
        Assert.That(project.Document.Branches, Is.EquivalentTo(new Dictionary<string, int> { ["main"] = 4, ["main-2"] = 3 }));
        Assert.That((await Assert.ThrowsAsync<ProjectException>(() => project.RedoAsync()))!.Message, Does.Contain("main"));

        Assert.That(await project.BranchAsync("main-2"), Is.False);
        Assert.That(project.State.Tracks[0].Audio.Hash, Is.EqualTo(hashes[2]));
        Assert.That(await project.BranchAsync("quiet", at: 1), Is.True);
        Assert.That((project.Document.Head, project.ToRedo), Is.EqualTo((1, (Operation?)null)));
        Assert.That(async () => await project.BranchAsync("main", at: 1), Throws.ArgumentException);
        Assert.That(async () => await project.BranchAsync("a/b"), Throws.ArgumentException);
        Assert.That(async () => await project.BranchAsync("far", at: 9), Throws.ArgumentException.With.Message.Contains("no operation 9"));
        project.Dispose();
        using Project again = Project.Open(At("project"));
        Assert.That((again.Document.Branch, again.Document.Head, again.Document.Branches["main"]), Is.EqualTo(("quiet", 1, 4)));
    }

    [Test]
    public async Task Rendered_again_an_operation_gives_the_same_samples_and_mends_what_was_lost()
    {
        using Project project = await NewProject();
        await Apply(project, 1);
        await Apply(project, 2);
        string file = Directory.EnumerateFiles(At("project/content")).First();
        byte[] good = File.ReadAllBytes(file), bad = [.. good];
        bad[1000] ^= 1;
        File.WriteAllBytes(file, bad);
        DamagedSound damaged = (await project.VerifyAsync()).Single();
        Assert.That(damaged.Problem, Does.Contain("other bytes").And.Contain("check --repair"));
        foreach (int id in (int[])[1, 2]) Assert.That((await project.RerenderAsync(id, Renderers)).IsSame, Is.True);
        Assert.That(File.ReadAllBytes(file), Is.EqualTo(good));

        File.WriteAllBytes(file, good[..1000]);
        damaged = (await project.VerifyAsync()).Single();
        Assert.That(damaged.Problem, Does.Contain($"has 1000 bytes and not {good.Length}").And.Contain("check --repair"));
        Assert.That(() => project.Stems.Open(damaged.Operation.Result.Tracks[0].Audio), Throws.TypeOf<ProjectException>().With.Message.EqualTo(damaged.Problem));

        File.Delete(file);
        ProjectException missing = Assert.Throws<ProjectException>(() => project.Stems.Open(damaged.Operation.Result.Tracks[0].Audio))!;
        Assert.That(missing.Failure, Is.EqualTo(ProjectFailure.Damaged));
        Assert.That(missing.Message, Does.Contain("is missing"));
        await project.RerenderAsync(damaged.Operation.Id, Renderers);
        Assert.That(await project.VerifyAsync(), Is.Empty);

        // One that renders something else is told apart, and leaves nothing.
        int files = Directory.GetFiles(At("project/content")).Length;
        RerenderResult other = await project.RerenderAsync(1, new OperationRenderers(new OtherNoise()));
        Assert.That(other.IsSame, Is.False);
        Assert.That(Directory.GetFiles(At("project/content")), Has.Length.EqualTo(files));
    }

    [Test]
    public async Task A_rendering_that_fails_or_is_cancelled_leaves_nothing()
    {
        using Project project = await NewProject();
        await Apply(project, 1);
        byte[] document = File.ReadAllBytes(At("project/project.json"));
        var failing = new OperationRenderers(new NoiseRenderer { Failure = new DeviceException("the device is on fire") });
        Assert.That(async () => await project.ApplyAsync(new FoleyPayload { Seed = 2 }, null, failing), Throws.TypeOf<DeviceException>());
        using var stop = new CancellationTokenSource();
        var midway = new Immediate(value => { if (value.Fraction > 0.5) stop.Cancel(); });
        Assert.That(async () => await project.ApplyAsync(new FoleyPayload { Seed = 2 }, null, Renderers, null, midway, stop.Token), Throws.InstanceOf<OperationCanceledException>());
        var mix = new MixPayload { Changes = [new TrackMix { Track = "drums", GainDb = 1 }] };
        Assert.That(async () => await project.ApplyAsync(mix, null, Renderers), Throws.ArgumentException.With.Message.Contains("there are bed"));
        Assert.That(File.ReadAllBytes(At("project/project.json")), Is.EqualTo(document));
        Assert.That(Directory.GetFiles(At("project/content")), Has.Length.EqualTo(1));
    }

    [Test]
    public async Task What_a_program_that_died_left_is_deleted_and_nothing_that_others_put_there()
    {
        (await NewProject()).Dispose();
        Directory.CreateDirectory(At("project/content"));
        string[] left = [At($"project/.{Guid.NewGuid():N}.part"), At($"project/content/{Guid.NewGuid():N}.part")], others = [At("project/film.mkv.part"), At("project/content/film.mkv.part")];
        foreach (string file in (string[])[.. left, .. others]) File.WriteAllText(file, "");
        Project.Open(At("project")).Dispose();
        Assert.That((left.Any(File.Exists), others.All(File.Exists)), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task The_loudness_of_a_long_mix_is_measured_without_holding_it()
    {
        using (Process ffmpeg = Process.Start("ffmpeg", ["-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", "color=s=32x32:r=1:d=600", At("long.mkv")])) ffmpeg.WaitForExit();
        using Project project = await Project.CreateAsync(At("project"), At("long.mkv"));
        await project.ApplyAsync(new FoleyPayload { Seed = 1 }, null, new OperationRenderers(new SecondOfNoise()));
        long mix = project.State.Timeline.NumSamples * 2 * sizeof(float), before = GC.GetTotalMemory(forceFullCollection: true), most = 0;
        var watch = new Immediate(_ => most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: false) - before));
        ExportedFile file = await ProjectExport.RenderAsync(project, At("long.flac"), new ExportOptions { Loudness = Loudness.To(-30) }, watch);
        using Mixer mixer = Mixer.Open(project.State, project.Stems);
        Assert.That(file.Gain, Is.EqualTo(mixer.ReadClip(0, 2 * 44_100).GainFor(Loudness.To(-30))).Within(1e-6));
        Assert.That(most, Is.LessThan(mix / 2));
    }

    private sealed class Immediate(Action<ProjectProgress> report) : IProgress<ProjectProgress>
    {
        public void Report(ProjectProgress value) => report(value);
    }

    /// <summary>Another sound for every seed.</summary>
    private sealed class OtherNoise : IOperationRenderer
    {
        public string Kind => FoleyPayload.KindName;

        public Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default) =>
            new NoiseRenderer().RenderAsync(request with { Payload = request.Payload with { Seed = request.Payload.Seed + 100 } }, progress, cancellationToken);
    }

    private sealed class SecondOfNoise : IOperationRenderer
    {
        public string Kind => FoleyPayload.KindName;

        public Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
        {
            var random = new Random(1);
            using StemWriter stem = request.Stems.Create();
            stem.Write([.. Enumerable.Range(0, 2 * 44_100).Select(_ => (float)(random.NextDouble() - 0.5))]);
            return Task.FromResult(new OperationResult { Tracks = [new Track { Id = Track.Bed, Audio = stem.Finish() }] });
        }
    }
}
