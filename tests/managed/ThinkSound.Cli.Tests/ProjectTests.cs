using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using ThinkSound.Projects;

namespace ThinkSound.Cli.Tests;

/// <summary>project and its commands, with a model of random weights.</summary>
internal class ProjectTests : WithFolder
{
    private string MakeVideo(double seconds)
    {
        Cli.FFmpeg("-i", Cli.Sample("scene-knock.mp4"), "-t", seconds.ToString(System.Globalization.CultureInfo.InvariantCulture), "-an", At("clip.mp4"));
        return At("clip.mp4");
    }

    private CliResult Run(string command, params string[] arguments) =>
        Cli.Run(["project", command, .. arguments], new() { ["XDG_CACHE_HOME"] = At("cache") });

    private string[] Model(ulong seed) => ["--bundle", Cli.Bundle, "--steps", "2", "--seed", seed.ToString(), "--quiet"];

    private string ProjectFolder => At("project");

    private static JsonElement Json(CliResult run)
    {
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        return run.Json;
    }

    [Test]
    public void A_project_goes_from_a_video_through_undo_and_branches_to_files()
    {
        JsonElement made = Json(Run("new", [MakeVideo(1.5), "-o", ProjectFolder, "--caption", "knocks on wood", "--json", .. Model(1)]));
        Assert.That((made.GetProperty("head").GetInt32(), made.GetProperty("operations")[0].GetProperty("title").GetString()), Is.EqualTo((1, "foley: knocks on wood")));
        string first = Hash(made);
        string second = Hash(Json(Run("foley", [ProjectFolder, "--json", .. Model(2)])));
        Assert.That(second, Is.Not.EqualTo(first));
        Assert.That(Hash(Json(Run("undo", ProjectFolder, "--json"))), Is.EqualTo(first));
        Assert.That(Hash(Json(Run("redo", ProjectFolder, "--json"))), Is.EqualTo(second));
        Assert.That(Run("redo", ProjectFolder).ExitCode, Is.EqualTo(2));
        JsonElement branched = Json(Run("branch", ProjectFolder, "--name", "quiet", "--at", "1", "--json"));
        Assert.That((branched.GetProperty("branch").GetString(), Hash(branched)), Is.EqualTo(("quiet", first)));
        JsonElement mixed = Json(Run("mix", ProjectFolder, "--track", "bed", "--gain", "-6", "--json"));
        Assert.That(mixed.GetProperty("tracks")[0].GetProperty("gain_db").GetDouble(), Is.EqualTo(-6));
        CliResult log = Run("log", ProjectFolder);
        Assert.That(log.Output, Does.Contain("* quiet, to operation 3").And.Contain("main, to operation 2").And.Contain("foley: knocks on wood").And.Contain("bed -6 dB"));

        JsonElement rendered = Json(Run("render", ProjectFolder, "-o", At("out.mp4"), "--json", "-q")).GetProperty("results")[0];
        Assert.That(rendered.GetProperty("num_samples").GetInt64(), Is.EqualTo(66_150).Within(44_100 / 10));
        Assert.That(Cli.Probe(At("out.mp4")).GetProperty("streams").GetArrayLength(), Is.EqualTo(2));
        Assert.That(Run("render", ProjectFolder, "-o", At("out.mp4")).ExitCode, Is.EqualTo(2), "exists already");
        Assert.That(Run("export", ProjectFolder, "-o", At("stems"), "-q").ExitCode, Is.Zero);
        Assert.That(Directory.GetFiles(At("stems")).Select(file => Path.GetFileName(file)).Order(), Is.EqualTo(new[] { "bed.wav", "mix.wav" }));

        // Every operation again, in another process: the same samples.
        JsonElement check = Json(Run("check", ProjectFolder, "--render", "--bundle", Cli.Bundle, "--json", "-q"));
        Assert.That(check.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetString()), Is.EqualTo(new[] { "same", "same", "same" }));
    }

    [Test]
    public void What_does_not_fit_on_the_disk_is_not_written_and_no_fault_of_the_project()
    {
        Json(Run("new", [MakeVideo(1.2), "-o", ProjectFolder, "--caption", "rain", "--json", .. Model(1)]));
        string disk = Directory.CreateDirectory(At("disk")).FullName;
        if (!Cli.TryMount(disk)) Assert.Ignore("mounting a small disk is not permitted here");
        try
        {
            foreach (string[] command in (string[][])[["render", ProjectFolder, "-o", Path.Combine(disk, "out.wav")], ["export", ProjectFolder, "-o", disk]])
            {
                CliResult run = Run(command[0], command[1..]);
                Assert.That((run.ExitCode, run.Output), Is.EqualTo((1, "")), run.ToString());
                Assert.That(run.Error, Does.Contain("space"));
                Assert.That(Directory.GetFileSystemEntries(disk), Is.Empty, string.Join(' ', command));
            }
        }
        finally
        {
            Cli.Tool("umount", disk);
        }
    }

    [Test]
    public void A_damaged_sound_is_found_and_made_again()
    {
        JsonElement made = Json(Run("new", [MakeVideo(1.2), "-o", ProjectFolder, "--caption", "rain", "--json", .. Model(1)]));
        string sound = Directory.GetFiles(Path.Combine(ProjectFolder, "content"), $"{Hash(made)}*").Single();
        byte[] bytes = File.ReadAllBytes(sound);
        File.WriteAllBytes(sound, [.. bytes.Select((value, i) => i == bytes.Length / 2 ? (byte)~value : value)]);
        CliResult found = Run("check", ProjectFolder);
        Assert.That((found.ExitCode, found.Output), Is.EqualTo((1, found.Output)), found.ToString());
        Assert.That(found.Output, Does.Contain("operation 1: damaged").And.Contain("--repair"));
        CliResult repaired = Run("check", ProjectFolder, "--repair", "--bundle", Cli.Bundle, "--quiet");
        Assert.That((repaired.ExitCode, repaired.Output.Trim()), Is.EqualTo((0, "operation 1: repaired")), repaired.ToString());
        Assert.That(File.ReadAllBytes(sound), Is.EqualTo(bytes));
        Assert.That(Run("check", ProjectFolder).ExitCode, Is.Zero);
    }

    [Test]
    public void What_is_not_said_is_as_the_bundle_recommends()
    {
        string bundle = Directory.CreateDirectory(At("bundle")).FullName;
        foreach (string file in Directory.GetFiles(Cli.Bundle)) File.CreateSymbolicLink(Path.Combine(bundle, Path.GetFileName(file)), file);
        JsonNode description = JsonNode.Parse(File.ReadAllText(Path.Combine(Cli.Bundle, "bundle.json")))!;
        description["defaults"] = new JsonObject { ["cfg_scale"] = 3.5, ["num_steps"] = 3 };
        File.Delete(Path.Combine(bundle, "bundle.json"));
        File.WriteAllText(Path.Combine(bundle, "bundle.json"), description.ToJsonString());
        Json(Run("new", MakeVideo(1.2), "-o", ProjectFolder, "--caption", "rain", "--bundle", bundle, "--json", "-q"));
        Json(Run("foley", ProjectFolder, "--bundle", bundle, "--cfg", "2", "--json", "-q"));
        CliResult edited = Cli.Run("edit", ProjectFolder, "vary it", "--bundle", bundle, "--provider", "none", "--json", "-q");
        Assert.That(edited.ExitCode, Is.Zero, edited.ToString());
        using Project project = Project.Open(ProjectFolder, ProjectAccess.Read);
        GenerationSettings[] used = [.. project.Document.Operations.Select(operation => operation.Payload switch
        {
            FoleyPayload foley => foley.Generation, EditPayload edit => edit.Generation, _ => throw new InvalidOperationException(),
        })];
        Assert.That(used.Select(settings => (settings.Steps, settings.GuidanceScale)), Is.EqualTo(new[] { (3, 3.5f), (3, 2f), (3, 3.5f) }));
    }

    [Test]
    public void Bad_projects_and_bad_calls_have_their_exit_codes()
    {
        string video = MakeVideo(1.2);
        Assert.That(Run("new", video, "-o", ProjectFolder, "--empty").ExitCode, Is.Zero);
        Assert.That(Run("new", video, "-o", ProjectFolder, "--empty").ExitCode, Is.EqualTo(2), "not empty");
        Assert.That(Run("new", At("no.mp4"), "-o", At("other"), "--empty").ExitCode, Is.EqualTo(3));
        Assert.That(Run("undo", ProjectFolder).ExitCode, Is.EqualTo(2));
        Assert.That(Run("mix", ProjectFolder, "--track", "bed").ExitCode, Is.EqualTo(2));
        Assert.That(Run("mix", ProjectFolder, "--track", "bed", "--gain", "1").ExitCode, Is.EqualTo(2));
        Assert.That(Run("render", ProjectFolder, "-o", At("out.wav")).Error, Does.Contain("has no sound yet"));
        Assert.That(Run("log", At("nowhere")).ExitCode, Is.EqualTo(3));
        using (Project.Open(ProjectFolder))
        {
            CliResult busy = Run("undo", ProjectFolder);
            Assert.That(busy.ExitCode, Is.EqualTo(1), busy.ToString());
            Assert.That(busy.Error, Does.Contain($"process {Environment.ProcessId}"));
            Assert.That(Run("log", ProjectFolder).ExitCode, Is.Zero);
        }
        File.Delete(video);
        CliResult missing = Run("foley", [ProjectFolder, .. Model(1)]);
        Assert.That(missing.ExitCode, Is.EqualTo(3), missing.ToString());
        Assert.That(missing.Error, Does.Contain("relink"));
        File.WriteAllText(Path.Combine(ProjectFolder, "project.json"), """{"version": 99}""");
        CliResult newer = Run("log", ProjectFolder);
        Assert.That(newer.ExitCode, Is.EqualTo(3), newer.ToString());
        Assert.That(newer.Error, Does.Contain("version 99"));
    }

    [Test]
    public void Interrupted_while_it_renders_it_leaves_the_project_as_it_was()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("no signals here");
        Assert.That(Run("new", MakeVideo(1.2), "-o", ProjectFolder, "--empty").ExitCode, Is.Zero);
        byte[] before = File.ReadAllBytes(Path.Combine(ProjectFolder, "project.json"));
        using Process process = Cli.Start(["project", "foley", ProjectFolder, "--bundle", Cli.Bundle, "--caption", "rain", "--steps", "1000"], new() { ["XDG_CACHE_HOME"] = At("cache") });
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        while (process.StandardError.ReadLine() is { } read && !read.Contains("reading the words")) { }
        Assert.That(process.HasExited, Is.False, "it was over before it could be interrupted");
        Cli.Tool("kill", "-INT", process.Id.ToString());
        string rest = process.StandardError.ReadToEnd();
        Assert.That(process.WaitForExit(TimeSpan.FromSeconds(30)), Is.True);
        Assert.That((process.ExitCode, output.Result), Is.EqualTo((130, "")), rest);
        Assert.That(File.ReadAllBytes(Path.Combine(ProjectFolder, "project.json")), Is.EqualTo(before));
        string content = Path.Combine(ProjectFolder, "content");
        Assert.That(Directory.Exists(content) ? Directory.GetFiles(content) : [], Is.Empty);
    }

    private static string Hash(JsonElement project) => project.GetProperty("tracks")[0].GetProperty("sha256").GetString()!;
}
