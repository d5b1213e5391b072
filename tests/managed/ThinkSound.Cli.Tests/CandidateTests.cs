using System.Text.Json;

namespace ThinkSound.Cli.Tests;

/// <summary>--candidates, and what a bundle recommends, in every command that makes sound.</summary>
internal class CandidateTests : WithFolder
{
    private static readonly string[] Fist = [Cli.Sample("scene-knock.mp4"), "--box", "0.42,0.37,0.15,0.135", "--time", "1", "--range", "0.5..1.5"];

    /// <summary>The small bundle under another description.</summary>
    private string Bundle(string name, Func<string, string> change)
    {
        Directory.CreateDirectory(At(name));
        foreach (string file in Directory.GetFiles(Cli.Bundle)) File.CreateSymbolicLink(At(Path.Combine(name, Path.GetFileName(file))), file);
        string description = At(Path.Combine(name, "bundle.json")), text = change(File.ReadAllText(description));
        File.Delete(description);
        File.WriteAllText(description, text);
        return At(name);
    }

    private string Recommending => Bundle("recommending", text => text.Replace("\"components\"", "\"defaults\": {\"object_avoid\": {\"knock\": \"rain\"}, \"object_candidates\": 3, \"edit_candidates\": 2}, \"components\"", StringComparison.Ordinal));

    private string Deaf => Bundle("deaf", text =>
    {
        var description = System.Text.Json.Nodes.JsonNode.Parse(text)!;
        description["components"]!.AsObject().Remove("listener");
        return description.ToJsonString();
    });

    private CliResult Run(params string[] arguments) => Cli.Run(arguments, new() { ["XDG_CACHE_HOME"] = At("cache") });

    private static (int Count, int Chosen) Choice(JsonElement candidates)
    {
        double[] fits = [.. candidates.GetProperty("fits").EnumerateArray().Select(fit => fit.GetDouble())];
        Assert.That(fits, Has.All.InRange(0, 1));
        int chosen = candidates.GetProperty("chosen").GetInt32();
        Assert.That(fits[chosen], Is.EqualTo(fits.Max()));
        return (fits.Length, chosen);
    }

    [Test]
    public void Generate_tells_which_of_its_candidates_fits_best()
    {
        CliResult run = Generate("--caption", "rain", "--duration", "1", "--candidates", "3", "-o", At("rain.wav"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Output, Does.Match(@", candidate [123] of 3 fits best \((0|1)\.\d\d; others (0|1)\.\d\d, (0|1)\.\d\d\), "));
        JsonElement result = Generate("--caption", "rain", "--duration", "1", "--candidates", "3", "--json", "-o", At("again.wav")).Json.GetProperty("results")[0];
        Assert.That(Choice(result.GetProperty("candidates")).Count, Is.EqualTo(3));
        Assert.That(File.ReadAllBytes(At("again.wav")), Is.EqualTo(File.ReadAllBytes(At("rain.wav"))));
        JsonElement one = Generate("--caption", "rain", "--duration", "1", "--json", "--force", "-o", At("rain.wav")).Json.GetProperty("results")[0];
        Assert.That(one.GetProperty("candidates").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public void An_object_has_candidates_and_guidance_as_the_bundle_recommends_and_is_the_same_when_rendered_again()
    {
        string bundle = Recommending;
        string[] refine = ["refine", At("knock"), .. Fist[1..], "--provider", "none", "--bundle", bundle, "--steps", "2", "--json"];
        Assert.That(Run("project", "new", Fist[0], "-o", At("knock"), "--empty").ExitCode, Is.Zero);
        CliResult run = Run([.. refine, "--caption", "a fist knocks on a door"]);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(Choice(run.Json.GetProperty("candidates")).Count, Is.EqualTo(3));
        Assert.That(Run([.. refine, "--caption", "a fist", "--candidates", "1"]).Json.GetProperty("candidates").ValueKind, Is.EqualTo(JsonValueKind.Null));
        // Nobody says what it is: a recommendation gives way, and a demand does not.
        Assert.That(Run(refine).Json.GetProperty("candidates").ValueKind, Is.EqualTo(JsonValueKind.Null));
        CliResult demand = Run([.. refine, "--candidates", "2"]);
        Assert.That(demand.ExitCode, Is.EqualTo(2), demand.ToString());
        Assert.That(demand.Error, Does.Contain("give --caption"));

        JsonElement document = JsonDocument.Parse(File.ReadAllText(At("knock/project.json"))).RootElement;
        Assert.That(document.GetProperty("operations").EnumerateArray().Select(operation => operation.GetProperty("payload").GetProperty("generation").GetProperty("candidates").GetInt32()), Is.EqualTo((int[])[3, 1, 1]));
        Assert.That(document.GetProperty("operations").EnumerateArray().Select(operation => operation.GetProperty("payload").TryGetProperty("avoid", out JsonElement avoid) ? avoid.GetString() : null), Is.EqualTo((string?[])["rain", null, null]));
        CliResult check = Run("project", "check", At("knock"), "--render", "--bundle", bundle, "--json", "-q");
        Assert.That(check.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetString()), Is.EqualTo((string[])["same", "same", "same"]), check.ToString());
    }

    [Test]
    public void An_edit_has_candidates_of_what_is_made_anew()
    {
        Cli.FFmpeg("-i", Cli.Sample("scene-knock.mp4"), "-t", "1.5", "-an", At("clip.mp4"));
        string bundle = Recommending;
        Assert.That(Run("project", "new", At("clip.mp4"), "-o", At("project"), "--caption", "knocks on wood", "--candidates", "2", "--bundle", bundle, "--steps", "2", "--json", "-q").Json
                        .GetProperty("operations")[0].GetProperty("candidates").GetProperty("fits").GetArrayLength(), Is.EqualTo(2));
        CliResult project = Run("edit", At("project"), "add a bell from 0.2 to 1.2 s", "--bundle", bundle, "--steps", "2", "--json");
        Assert.That(project.ExitCode, Is.Zero, project.ToString());
        Assert.That(Choice(project.Json.GetProperty("candidates")).Count, Is.EqualTo(2));
        CliResult check = Run("project", "check", At("project"), "--render", "--bundle", bundle, "--json", "-q");
        Assert.That(check.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetString()), Is.EqualTo((string[])["same", "same"]), check.ToString());

        Assert.That(Run("project", "render", At("project"), "-o", At("mix.wav"), "-q").ExitCode, Is.Zero);
        string[] vary = ["edit", At("mix.wav"), "vary it from 0.2 to 1.2 s", "--bundle", bundle, "--steps", "2", "--force", "-o", At("out.wav"), "--json"];
        Assert.That(Choice(Run([.. vary, "--caption", "knocks", "--candidates", "3"]).Json.GetProperty("candidates")).Count, Is.EqualTo(3));
        Assert.That(Run(vary).Json.GetProperty("candidates").ValueKind, Is.EqualTo(JsonValueKind.Null), "nobody says what is heard");
        CliResult demand = Run([.. vary, "--candidates", "3"]);
        Assert.That(demand.ExitCode, Is.EqualTo(2), demand.ToString());
        Assert.That(demand.Error, Does.Contain("nobody says what that is"));
    }

    [Test]
    public void What_cannot_be_chosen_among_is_refused_and_the_fix_is_named()
    {
        string deaf = Deaf;
        CliResult generate = Cli.Run("generate", "--caption", "rain", "--candidates", "4", "--bundle", deaf, "-o", At("rain.wav"));
        CliResult refine = Run(["refine", .. Fist, "--caption", "knocks", "--candidates", "4", "--bundle", deaf, "-o", At("rain.wav")]);
        foreach (CliResult run in (CliResult[])[generate, refine])
        {
            Assert.That(run.ExitCode, Is.EqualTo(4), run.ToString());
            Assert.That(run.Error, Does.Contain("--candidates 4: bundle random-small has no listener").And.Contain("leave --candidates out"));
        }
        Assert.That(Generate("--cot", "Rain begins softly.", "--candidates", "2", "-o", At("rain.wav")).ExitCode, Is.EqualTo(2));
        CliResult range = Generate("--caption", "rain", "--candidates", "65", "-o", At("rain.wav"));
        Assert.That((range.ExitCode, range.Error.Contains("--candidates is 1 to 64", StringComparison.Ordinal)), Is.EqualTo((2, true)), range.ToString());
        Assert.That(File.Exists(At("rain.wav")), Is.False);
    }
}
