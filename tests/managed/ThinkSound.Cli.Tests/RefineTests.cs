using System.Text.Json;

namespace ThinkSound.Cli.Tests;

/// <summary>refine: what is clicked, followed and heard, through the program.</summary>
internal class RefineTests : WithFolder
{
    private static readonly string[] Fist = [Cli.Sample("scene-knock.mp4"), "--box", "0.42,0.37,0.15,0.135", "--time", "1"];

    [SetUp]
    public void Vision()
    {
        if (Objects.VisionLibrary.Probe() is { } problem) Assert.Ignore(problem);
    }

    private CliResult Refine(params string[] arguments) => Cli.Run(["refine", .. arguments, .. arguments.Contains("--dry-run") ? (string[])[] : ["--bundle", Cli.Bundle, "--steps", "2"]],
                                                                  new() { ["XDG_CACHE_HOME"] = At("cache") });

    [Test]
    public void A_thing_in_a_video_is_followed_and_its_sound_is_mixed_with_the_videos_own()
    {
        CliResult run = Refine([.. Fist, "--range", "0.5..3", "--caption", "a fist knocks on a door", "--json", "-o", At("out.mp4"), "--track", At("track.json"), "--region", At("region.avi")]);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        JsonElement found = run.Json.GetProperty("object");
        Assert.That((found.GetProperty("start_s").GetDouble(), found.GetProperty("end_s").GetDouble(), found.GetProperty("segmenter").GetString()), Is.EqualTo((0.5, 3.0, "classical")));
        Assert.That((run.Json.GetProperty("caption").GetString(), run.Json.GetProperty("num_samples").GetInt64()), Is.EqualTo(("a fist knocks on a door", 110_250L)));
        JsonElement[] streams = [.. Cli.Probe(At("out.mp4")).GetProperty("streams").EnumerateArray()];
        Assert.That(streams.Select(s => s.GetProperty("codec_type").GetString()), Is.EquivalentTo(["video", "audio"]));
        Assert.That(double.Parse(Cli.Probe(At("region.avi")).GetProperty("format").GetProperty("duration").GetString()!), Is.EqualTo(2.5).Within(0.01));
        Assert.That(JsonDocument.Parse(File.ReadAllText(At("track.json"))).RootElement.GetProperty("frames").GetArrayLength(), Is.EqualTo(60));
    }

    [Test]
    public void A_thing_of_a_project_becomes_a_track_of_it()
    {
        Assert.That(Cli.Run("project", "new", Fist[0], "-o", At("knock"), "--empty").ExitCode, Is.Zero);
        CliResult run = Refine([At("knock"), .. Fist[1..], "--range", "0.5..2", "--provider", "none", "--streams", "sync,cot", "--json"]);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That((run.Json.GetProperty("operation").GetInt32(), run.Json.GetProperty("track").GetString()), Is.EqualTo((1, "object-1")));
        Assert.That(File.ReadAllText(At("knock/project.json")), Does.Contain("\"streams\": \"sync, cot\""));
        CliResult log = Cli.Run("project", "log", At("knock"), "--json");
        Assert.That(log.Json.GetProperty("tracks")[0].GetProperty("start_s").GetDouble(), Is.EqualTo(0.5).Within(1e-4));
        CliResult check = Cli.Run("project", "check", At("knock"), "--render", "--bundle", Cli.Bundle);
        Assert.That(check.ExitCode, Is.Zero, check.ToString());

        CliResult duck = Refine([At("knock"), .. Fist[1..], "--bed", "duck", "--provider", "none"]);
        Assert.That((duck.ExitCode, duck.Error), Is.EqualTo((2, duck.Error)), duck.ToString());
        Assert.That(duck.Error, Does.Contain("there is no track \"bed\""));
    }

    [TestCase("", 2, "point at the object")]
    [TestCase("--at 1.4,0.5", 2, "outside of the picture")]
    [TestCase("--at 4", 2, "--at is x,y")]
    [TestCase("--box 0.1,0.1,0,0.2", 2, "does not lie within the picture")]
    [TestCase("--at 0.5,0.5 --time 70", 2, "there is no picture at 70 s")]
    [TestCase("--at 0.5,0.5 --time 1e300", 2, "--time is seconds")]
    [TestCase("--at 0.5,0.5 --range 3..2", 2, "is no range")]
    [TestCase("--at 0.5,0.5 --range 5", 2, "--range is two times")]
    [TestCase("--polygon 0,0;1,1", 2, "three or more")]
    [TestCase("--at 0.5,0.5 --streams sync,smell", 2, "--streams is some of clip, sync, caption and cot")]
    [TestCase("--at 0.5,0.5 --bed duck", 2, "--bed is about a project")]
    [TestCase("--at 0.5,0.5 --segmenter {0}", 3, "incomplete; missing: *encoder.onnx, *decoder.onnx")]
    public void What_makes_no_sense_is_refused_at_once(string arguments, int code, string why)
    {
        CliResult run = Refine([Fist[0], .. string.Format(arguments, Folder).Split(' ', StringSplitOptions.RemoveEmptyEntries), "-o", At("out.wav")]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((code, "")), run.ToString());
        Assert.That(run.Error, Does.Contain(why));
        Assert.That(Files(), Is.Empty);
    }

    [Test]
    public void Without_a_file_to_make_or_something_to_read_it_says_so()
    {
        Assert.That(Refine([.. Fist]).Error, Does.Contain("name the file to make"));
        Assert.That(Refine([At("missing.mp4"), "--at", "0.5,0.5", "-o", At("o.wav")]).ExitCode, Is.EqualTo(3));
        Assert.That(Refine([Folder, "--at", "0.5,0.5"]).ExitCode, Is.EqualTo(3), "a folder that is no project");
        CliResult dry = Refine([.. Fist, "--dry-run", "--range", "0.5..1.5"]);
        Assert.That((dry.ExitCode, dry.Output.Trim()), Is.EqualTo((0, dry.Output.Trim())));
        Assert.That(dry.Output, Does.StartWith("followed from 0.50 to 1.50 s (classical), seen 100"));
    }
}
