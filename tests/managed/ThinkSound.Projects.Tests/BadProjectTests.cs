using System.Diagnostics;

namespace ThinkSound.Projects.Tests;

/// <summary>Projects that are damaged, newer or without their video: an error that says so, and nothing changes.</summary>
internal class BadProjectTests : WithFolder
{
    [TestCase("", ProjectFailure.Damaged)]
    [TestCase("{", ProjectFailure.Damaged)]
    [TestCase("[]", ProjectFailure.Damaged)]
    [TestCase("{}", ProjectFailure.Damaged)]
    [TestCase("""{"version": 1}""", ProjectFailure.Damaged)]
    [TestCase("""{"version": 2}""", ProjectFailure.Newer)]
    [TestCase("""{"version": 1e300, "video": 7}""", ProjectFailure.Newer)]
    public async Task A_document_that_cannot_be_read_stays_as_it_is(string text, ProjectFailure expected)
    {
        (await NewProject()).Dispose();
        File.WriteAllText(At("project/project.json"), text);
        foreach (ProjectAccess access in Enum.GetValues<ProjectAccess>())
        {
            ProjectException e = Assert.Throws<ProjectException>(() => Project.Open(At("project"), access))!;
            Assert.That(e.Failure, Is.EqualTo(expected));
            Assert.That(e.Message, Does.Contain("project.json"));
        }
        Assert.That(File.ReadAllText(At("project/project.json")), Is.EqualTo(text));
    }

    // What reads as JSON and makes no sense.
    [TestCase("\"head\": 2", "\"head\": 7", "operation 7")]
    [TestCase("\"parent\": 1", "\"parent\": 5", "follows 5")]
    [TestCase("\"main\": 2", "\"main\": 3", "operation 3")]
    [TestCase("\"branch\": \"main\"", "\"branch\": \"trunk\"", "no branch trunk")]
    [TestCase("\"gain_db\": 0", "\"gain_db\": 900", "900")]
    [TestCase("\"kind\": \"foley\"", "\"kind\": \"opera\"", "opera")]
    [TestCase("\"id\": \"bed\"", "\"id\": \"../bed\"", "../bed")]
    [TestCase("\"num_samples\": 4000", "\"num_samples\": -4000", "makes no sense")]
    [TestCase("\"num_samples\": 4000", "\"num_samples\": 2305843009213693952", "makes no sense")]
    [TestCase("\"sample_rate\": 44100", "\"sample_rate\": 1", "timeline makes no sense")]
    [TestCase("\"channels\": 2,\n    \"num_samples\": ", "\"channels\": 2,\n    \"num_samples\": 9", "its sound is")]
    [TestCase("\"channels\": 2,\n    \"num_samples\": ", "\"channels\": 2,\n    \"num_samples\": 999999999999", "timeline makes no sense")]
    [TestCase("\"duration_s\": ", "\"duration_s\": 9", "its video")]
    [TestCase("\"path\": \"", "\"path\": \"\\u0000", "has no path")]
    [TestCase("\"id\": 2", "\"id\": 2147483647", "out of order")]
    public async Task A_document_that_makes_no_sense_is_damaged(string from, string to, string named)
    {
        using (Project project = await NewProject())
        {
            await Apply(project, 1);
            await Apply(project, 2);
        }
        string text = File.ReadAllText(At("project/project.json"));
        Assert.That(text, Does.Contain(from));
        File.WriteAllText(At("project/project.json"), text.Replace(from, to));
        ProjectException e = Assert.Throws<ProjectException>(() => Project.Open(At("project")))!;
        Assert.That(e.Failure, Is.EqualTo(ProjectFailure.Damaged));
        Assert.That(e.Message, Does.Contain(named).And.Contain("restore"));

        Project.Restore(At("project"));
        using Project restored = Project.Open(At("project"));
        Assert.That(restored.Document.Operations, Has.Count.EqualTo(1));
        Assert.That(File.Exists(At("project/project.damaged.json")), Is.True);
        restored.Dispose();
        Assert.That(Assert.Throws<ProjectException>(() => Project.Restore(At("project")))!.Failure, Is.EqualTo(ProjectFailure.NothingThere));
    }

    [Test]
    public async Task A_folder_that_is_no_project_or_no_place_for_one_is_refused()
    {
        Assert.That(Assert.Throws<ProjectException>(() => Project.Open(At("nowhere")))!.Failure, Is.EqualTo(ProjectFailure.NotAProject));
        Assert.That(Assert.Throws<ProjectException>(() => Project.Open(Folder))!.Message, Does.Contain("project new"));
        Directory.CreateDirectory(At("full"));
        File.WriteAllText(At("full/thesis.txt"), "precious");
        Assert.That((await Assert.ThrowsAsync<ProjectException>(() => Project.CreateAsync(At("full"), Video)))!.Failure, Is.EqualTo(ProjectFailure.InTheWay));
        Assert.That(async () => await Project.CreateAsync(At("new"), At("no.mp4")), Throws.TypeOf<ResourceNotFoundException>());
        File.WriteAllText(At("words.mp4"), "not a video");
        Assert.That(async () => await Project.CreateAsync(At("new"), At("words.mp4")), Throws.TypeOf<MediaException>());
        Assert.That(Directory.Exists(At("new")), Is.False);
    }

    [Test]
    public async Task A_video_that_moved_is_missed_where_it_is_needed_and_found_again()
    {
        File.Copy(Video, At("clip.mp4"));
        using Project project = await Project.CreateAsync(At("project"), At("clip.mp4"));
        Assert.That(project.Document.Video.Path, Is.EqualTo("../clip.mp4"));
        await Apply(project, 1);
        File.Move(At("clip.mp4"), At("moved.mp4"));
        Assert.That(project.FindVideo().FoundAt, Is.Null);
        ProjectException missing = (await Assert.ThrowsAsync<ProjectException>(() => ProjectExport.RenderAsync(project, At("out.mp4"))))!;
        Assert.That(missing.Failure, Is.EqualTo(ProjectFailure.VideoMissing));
        Assert.That(missing.Message, Does.Contain("clip.mp4").And.Contain($"relink {At("project")} --video VIDEO"));
        await project.ApplyAsync(new MixPayload { Changes = [new TrackMix { Track = Track.Bed, GainDb = -3 }] }, null, Renderers); // needs none

        if (!OperatingSystem.IsWindows())
        {
            Process.Start("mkfifo", At("clip.mp4")).WaitForExit(); // which nobody writes to
            Assert.That((await Task.Run(project.FindVideo).WaitAsync(TimeSpan.FromSeconds(20))).Problem, Does.Contain("is not the video"));
            File.Delete(At("clip.mp4"));
        }
        File.WriteAllText(At("clip.mp4"), "another file");
        Assert.That(project.FindVideo().Problem, Does.Contain("is not the video"));
        Assert.That(async () => await project.RelinkAsync(Path.Combine(Path.GetDirectoryName(Video)!, "flower.mp4")), Throws.ArgumentException.With.Message.Contains("--any-video"));
        await project.RelinkAsync(At("moved.mp4"));
        Assert.That((await ProjectExport.RenderAsync(project, At("out.mp4"))).NumSamples, Is.EqualTo(project.State.Timeline.NumSamples));
    }
}
