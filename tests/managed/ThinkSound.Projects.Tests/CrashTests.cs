using System.Diagnostics;

namespace ThinkSound.Projects.Tests;

/// <summary>Programs that die, and disks that are full.</summary>
internal class CrashTests : WithFolder
{
    /// <summary>So many kills; THINKSOUND_PROJECT_KILLS sets another number.</summary>
    private static int Kills => int.TryParse(Environment.GetEnvironmentVariable("THINKSOUND_PROJECT_KILLS"), out int kills) ? kills : 12;

    [Test]
    public async Task Killed_at_any_moment_a_project_has_what_was_completed_and_nothing_is_damaged()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("the worker is started as on Linux");
        (await NewProject()).Dispose();
        var random = new Random(5);
        var (count, head, midway) = (0, 0, 0);
        for (int kill = 0; kill < Kills; kill++)
        {
            string last = "", tried = "";
            using (Process worker = Worker.Start("work", At("project")))
            {
                var lines = new List<string>();
                Task reading = Task.Run(() =>
                {
                    while (worker.StandardOutput.ReadLine() is { } line) lines.Add(line);
                });
                await Task.Delay(random.Next(200));
                worker.Kill(); // SIGKILL
                worker.WaitForExit();
                await reading;
                last = lines.LastOrDefault(line => line.StartsWith("done ", StringComparison.Ordinal)) ?? "";
                if (lines is [.., var end] && end.StartsWith("try ", StringComparison.Ordinal)) tried = end[4..];
            }
            if (last.Split(' ') is [_, var operations, var at]) (count, head) = (int.Parse(operations), int.Parse(at));
            if (tried.Length > 0) midway++;

            using Project project = Project.Open(At("project"));
            ProjectDocument document = project.Document;
            bool isAsSaid = document.Operations.Count == count && document.Head == head;
            bool isOneFurther = tried is "undo" or "redo" ? document.Operations.Count == count && document.Head != head : tried.Length > 0 && document.Operations.Count == count + 1;
            Assert.That(isAsSaid || isOneFurther, Is.True, $"kill {kill}: it said {count} operations and {head}, tried \"{tried}\", and there are {document.Operations.Count} and {document.Head}");
            (count, head) = (document.Operations.Count, document.Head);
            Assert.That(project.Died, Is.Not.Null);
            Assert.That(Directory.EnumerateFiles(At("project"), "*.part", SearchOption.AllDirectories), Is.Empty);
            if (kill % 10 == 9 || kill == Kills - 1) Assert.That(await project.VerifyAsync(), Is.Empty);
            if (count > 0) Assert.That((await project.RerenderAsync(count, Renderers)).IsSame, Is.True);
        }
        TestContext.Out.WriteLine($"{Kills} kills, {midway} of them inside of an operation; {count} operations");
        Assert.That(midway, Is.GreaterThan(0), "the worker never got to work");
    }

    // What is full first: the sound (32 000 bytes), or the document, whose 12 operations take more.
    [TestCase(20_000UL, 0)]
    [TestCase(33_000UL, 12)]
    public async Task A_disk_that_is_full_is_said_and_leaves_the_project_as_it_was(ulong limit, int operations)
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("limits are set as on Linux");
        using (Project project = await NewProject())
        {
            if (operations == 0) await Apply(project, 1);
            for (int i = 0; i < operations; i++)
                await project.ApplyAsync(new FoleyPayload { Words = new OwnWords { Caption = new string('x', 3000) } }, null, Renderers);
        }
        string[] before = Contents();
        using (Process worker = Worker.Start("limited", At("project"), limit.ToString()))
        {
            string[] said = (await worker.StandardOutput.ReadToEndAsync()).Split('\n');
            worker.WaitForExit();
            Assert.That(said[0], Does.StartWith("CannotWrite: ").And.Contain("cannot be written").And.Contain("the project is as it was"));
            int count = Math.Max(1, operations);
            Assert.That(said[1], Is.EqualTo($"{count} {count}"));
        }
        Assert.That(Contents(), Is.EqualTo(before));
        using Project again = Project.Open(At("project"));
        Assert.That(await again.VerifyAsync(), Is.Empty);
        Assert.That((await Apply(again, 2)).Id, Is.EqualTo(Math.Max(1, operations) + 1));
    }

    // What the disk has left over: nothing, or room for the sound (32 000 bytes, 8 pages) but not for the document.
    [TestCase(0)]
    [TestCase(8 * 4096)]
    public async Task A_file_system_without_space_is_said_and_all_goes_on_once_there_is_some(int left)
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("a small file system is made as on Linux");
        using (Project project = await NewProject()) await Apply(project, 1);
        // In a namespace of its own, so that it takes no rights to mount one and nothing to take it away.
        string small = Directory.CreateDirectory(At("small")).FullName;
        const string script = "mount -t tmpfs -o size=1m tmpfs \"$1\" && cp -a \"$2\" \"$1/project\" && shift 2 && exec \"$@\"";
        using (Process trial = Process.Start(new ProcessStartInfo("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", small]) { RedirectStandardError = true })!)
        {
            string refusal = await trial.StandardError.ReadToEndAsync();
            await trial.WaitForExitAsync();
            if (trial.ExitCode != 0) Assert.Ignore($"no small file system can be made here: {refusal.Trim()}");
        }
        using Process worker = Worker.StartBy(["unshare", "-rm", "sh", "-c", script, "sh", small, At("project")], "full", Path.Combine(small, "project"), left.ToString());
        string[] said = (await worker.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.That(said, Has.Length.EqualTo(4), string.Join('\n', said));
        Assert.That(said[0], Does.StartWith("CannotWrite: ").And.Contain("No space left on device").And.Contain("the project is as it was"));
        Assert.That(said[1], Is.EqualTo("same files, 1 1"));
        Assert.That(said[2], Is.EqualTo("applied 2"));
        Assert.That(said[3], Is.EqualTo("reopened 2, 0 damaged"));
    }

    private string[] Contents() => Worker.Contents(At("project"));

    [Test]
    public async Task Two_processes_on_one_project_are_kept_apart()
    {
        (await NewProject()).Dispose();
        using Process worker = Worker.Start("hold", At("project"));
        ProjectException refused = Assert.Throws<ProjectException>(() => Project.Open(At("project")))!;
        Assert.That(refused.Failure, Is.EqualTo(ProjectFailure.InUse));
        Assert.That(refused.Message, Does.Contain($"process {worker.Id}"));
        using (Project reader = Project.Open(At("project"), ProjectAccess.Read))
        {
            Assert.That(reader.State.Tracks, Is.Empty);
            Assert.That(async () => await Apply(reader, 1), Throws.InvalidOperationException);
        }
        worker.Kill();
        worker.WaitForExit();
        using Project again = Project.Open(At("project"));
        Assert.That(again.Died, Does.Contain($"process {worker.Id}"));
    }

    [Test]
    public async Task One_process_cannot_work_on_it_twice_either()
    {
        using Project first = await NewProject();
        Assert.That(Assert.Throws<ProjectException>(() => Project.Open(At("project")))!.Failure, Is.EqualTo(ProjectFailure.InUse));
        first.Dispose();
        using Project second = Project.Open(At("project"));
        Assert.That(second.Died, Is.Null);
    }
}
