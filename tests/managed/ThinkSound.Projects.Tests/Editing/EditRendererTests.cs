using ThinkSound.Projects.Editing;

namespace ThinkSound.Projects.Tests.Editing;

/// <summary>Edits of a project with a bed of noise.</summary>
internal sealed class EditRendererTests : WithFolder
{
    private static readonly FakeModel Model = new(0.25f);

    private static readonly OperationRenderers Both = new(new WholeNoise(), new EditRenderer((_, _, _) => Task.FromResult<IEditModel>(Model)));

    [Test]
    public async Task Add_makes_a_track_and_leaves_the_others()
    {
        using Project project = await WithBed();
        float[] before = Mix(project);
        Operation done = await Edit(project, "add a bell from 1 to 2 s");
        Track added = done.Result.Tracks.Single();
        Assert.That((added.Id, added.Name, added.Audio.Start, added.Audio.NumSamples), Is.EqualTo(("edit-2", "bell", 44_100L, 44_100L)));
        Assert.That(done.Result.Model!.Name, Is.EqualTo("fake"));
        AssertSameOutside(project, before, 1, 2);
    }

    [Test]
    public async Task Remove_of_a_track_of_ours_is_exact()
    {
        using Project project = await WithBed();
        float[] before = Mix(project);
        await Edit(project, "add a bell from 1 to 2 s");
        Operation done = await Edit(project, "remove the bell");
        Assert.That(done.Result.Removed, Is.EqualTo(new[] { "edit-2" }));
        Assert.That(done.Result.Model, Is.Null, "no model took part");
        Assert.That(Mix(project).AsSpan().SequenceEqual(before), "every sample of the mix as it was");
        await project.UndoAsync();
        Assert.That(project.State.Tracks.Select(track => track.Id), Is.EqualTo(new[] { Track.Bed, "edit-2" }));
    }

    [TestCase("make the bell 6 dB louder from 1.25 to 1.75 s", 1.25, 1.75)]
    [TestCase("move the bell a quarter of a second later", 1, 2.25)]
    [TestCase("replace the bell with a siren from 1.5 to 2 s", 1.5, 2)]
    [TestCase("make the bell sound like it is in a cave from 1.2 to 1.8 s", 1.2, 1.8)]
    [TestCase("make the background softer from 0.5 to 0.75 s", 0.5, 0.75)]
    [TestCase("remove the rain from 0.3 to 1.3 s", 0.3, 1.3)]
    [TestCase("extend the bell from 2 to 3 s", 2, 3)]
    [TestCase("vary the bell slightly from 1 to 1.5 s and make the background louder from 1.4 to 2 s", 1, 2)]
    public async Task Edits_change_nothing_outside_of_their_range(string instruction, double from, double to)
    {
        using Project project = await WithBed();
        await Edit(project, "add a bell from 1 to 2 s");
        float[] before = Mix(project);
        Operation done = await Edit(project, instruction);
        AssertSameOutside(project, before, from, to);
        Assert.That(Mix(project).AsSpan().SequenceEqual(before), Is.False);
        Assert.That((await project.RerenderAsync(done.Id, Both)).IsSame, "rendered again, it is the same");
    }

    [Test]
    public async Task An_instruction_that_is_refused_leaves_the_project()
    {
        using Project project = await WithBed();
        Assert.That(() => Edit(project, "make the rain earlier"), Throws.TypeOf<EditException>());
        Assert.That(project.Document.Operations, Has.Count.EqualTo(1));
    }

    private async Task<Project> WithBed()
    {
        Project project = await NewProject();
        await project.ApplyAsync(new FoleyPayload { Seed = 3 }, new Reasoning.Reasoning { Provider = "manual", Caption = "rain and wind" }, Both);
        return project;
    }

    private static async Task<Operation> Edit(Project project, string instruction)
    {
        EditScript script = EditReader.Read(instruction, EditSubjects.Of(project));
        return await project.ApplyAsync(new EditPayload { Instruction = script.Instruction, Steps = script.Steps }, script.Reasoning, Both);
    }

    private static float[] Mix(Project project)
    {
        using Mixer mixer = Mixer.Open(project.State, project.Stems);
        var samples = new float[2 * project.State.Timeline.NumSamples];
        mixer.Read(0, samples);
        return samples;
    }

    private static void AssertSameOutside(Project project, float[] before, double from, double to)
    {
        float[] after = Mix(project);
        int first = 2 * (int)project.State.Timeline.SampleAt(TimeSpan.FromSeconds(from)), last = 2 * (int)project.State.Timeline.SampleAt(TimeSpan.FromSeconds(to));
        Assert.That(after.AsSpan(0, first).SequenceEqual(before.AsSpan(0, first)), "before the range");
        Assert.That(after.AsSpan(last).SequenceEqual(before.AsSpan(last)), "after the range");
    }

    /// <summary>A bed as long as the video.</summary>
    private sealed class WholeNoise : IOperationRenderer
    {
        public string Kind => FoleyPayload.KindName;

        public Task<OperationResult> RenderAsync(RenderRequest request, IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
        {
            using StemWriter stem = request.Stems.Create();
            var random = new Random((int)request.Payload.Seed);
            stem.Write(Enumerable.Range(0, checked((int)(2 * request.Before.Timeline.NumSamples))).Select(_ => (float)(random.NextDouble() - 0.5)).ToArray());
            return Task.FromResult(new OperationResult { Tracks = [new Track { Id = Track.Bed, Audio = stem.Finish() }] });
        }
    }
}
