namespace ThinkSound.Cli.Tests;

internal class UsageTests : WithFolder
{
    [TestCase("generate")]
    [TestCase("generate --caption rain")]
    [TestCase("generate -o out.wav")]
    [TestCase("generate --caption= -o out.wav")]
    [TestCase("generate --caption rain -o out.wav --no-such-option")]
    [TestCase("generate --caption rain -o out.wav --steps 0")]
    [TestCase("generate --caption rain -o out.wav --steps many")]
    [TestCase("generate --caption rain -o out.wav --duration 0.5")]
    [TestCase("generate --caption rain -o out.wav --duration 86401")]
    [TestCase("generate --caption rain -o out.wav --window 1.9")]
    [TestCase("generate --caption rain -o out.wav --window 61")]
    [TestCase("generate --caption rain -o out.wav --window 4 --overlap 2.1")]
    [TestCase("generate --caption rain -o out.wav --duration 70 --window 8 --lengths reference")]
    [TestCase("generate --caption rain -o out.wav --duration NaN")]
    [TestCase("generate --caption rain -o out.wav --duration 1,5")]
    [TestCase("generate --caption rain -o out.wav --cfg 4,5")]
    [TestCase("generate --caption rain -o out.wav --start 1")]
    [TestCase("generate --caption rain -o out.wav --keep-audio mix")]
    [TestCase("generate --caption rain -o out.wav --sampler magic")]
    [TestCase("generate --caption rain -o out.wav --loudness loud")]
    [TestCase("generate --caption rain -o out.wav --negative music --cfg 1")]
    [TestCase("generate --caption rain -o out.wav --plot in.mp4")]
    [TestCase("generate --caption rain -o out.wav --format avi")]
    [TestCase("generate --caption rain -o out.wav --device toaster")]
    [TestCase("generate --caption rain -o out.avi")]
    [TestCase("generate --caption rain -o out.mp4")]
    [TestCase("generate --caption rain -o - --json")]
    [TestCase("generate --caption rain -o - --variations 2")]
    [TestCase("plot")]
    [TestCase("plot .")]
    [TestCase("plot in.wav -o out.txt")]
    [TestCase("plot in.wav --events soon")]
    [TestCase("plot in.wav --duration 601")]
    [TestCase("plot in.wav --start -1")]
    [TestCase("bench --compare one.json")]
    [TestCase("bench --ceiling fast")]
    [TestCase("project")]
    [TestCase("project new clip.mp4")]
    [TestCase("project mix --track bed --gain 99")]
    [TestCase("project render -o out.mp4 --loudness loud")]
    [TestCase("no-such-command")]
    public void A_call_that_makes_no_sense_is_a_usage_error(string arguments)
    {
        CliResult run = Cli.Run([.. arguments.Split(' '), .. arguments.StartsWith("generate") ? (string[])["--bundle", Cli.Bundle] : []]);
        Assert.That(run.ExitCode, Is.EqualTo(2), run.ToString());
        Assert.That(run.Error, Does.Contain("thinksound"));
        Assert.That(run.Output, Is.Empty);
    }

    [Test]
    public void Help_lists_commands_options_and_exit_codes()
    {
        CliResult root = Cli.Run("--help"), generate = Cli.Run("generate", "--help");
        Assert.That((root.ExitCode, generate.ExitCode), Is.EqualTo((0, 0)));
        foreach (string command in (string[])["generate", "plot", "reason", "project", "verify", "bench", "info", "doctor"]) Assert.That(root.Output, Does.Contain(command));
        foreach (string option in (string[])["--caption", "--cot", "--negative", "--duration", "--start", "--window", "--overlap", "--steps", "--cfg", "--seed", "--sampler", "--lengths", "--bundle",
                                             "--device", "--precision", "--threads", "--output", "-o", "--plot", "--json", "--force", "--keep-audio", "--loudness", "--variations", "--quiet", "--reasoning", "--provider", "--endpoint"])
            Assert.That(generate.Output, Does.Contain(option));
        foreach (string output in (string[])[root.Output, generate.Output])
            Assert.That(output, Does.Contain("130  cancelled").And.Contain("4    environment").And.Contain("3    bad input"));
    }

    [TestCase("generate")]
    [TestCase("plot")]
    [TestCase("reason")]
    [TestCase("refine")]
    [TestCase("project")]
    [TestCase("project new")]
    [TestCase("project mix")]
    [TestCase("project render")]
    [TestCase("edit")]
    [TestCase("verify")]
    [TestCase("bench")]
    [TestCase("info")]
    [TestCase("doctor")]
    public void Every_command_has_its_help_whatever_it_requires(string command)
    {
        CliResult run = Cli.Run([.. command.Split(' '), "--help"]);
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Output, Does.Contain($" {command} ").And.Contain("130  cancelled"));
        Assert.That(run.Error, Is.Empty);
    }

    [TestCase("generate --capton rain", "unknown option --capton")]
    [TestCase("generate --duration 1,5", "--duration is a number, such as 2 or 1.5, not \"1,5\"")]
    [TestCase("generate --seed -1", "--seed is a whole number from 0 to 18446744073709551615, not \"-1\"")]
    [TestCase("project mix", "See: thinksound project mix --help")]
    public void A_mistake_is_told_in_the_words_of_the_call(string arguments, string sentence)
    {
        CliResult run = Cli.Run(arguments.Split(' '));
        Assert.That(run.ExitCode, Is.EqualTo(2), run.ToString());
        Assert.That(run.Error, Does.Contain(sentence).And.Not.Contain("System."));
    }

    [Test]
    public void Version_is_one_line()
    {
        CliResult run = Cli.Run("--version");
        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Output.TrimEnd(), Does.Match(@"^thinksound \d+\.\d+\.\d+"));
    }

    [TestCase("2>/dev/full", TestName = "A full disk under the log stops no work")]
    [TestCase("2>&-", TestName = "A closed standard error stops no work")]
    public void A_log_that_cannot_be_written_stops_no_work(string redirection)
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("shells and devices of Linux");
        Cli.Tool("sh", "-c", $"'{Cli.Program}' generate --caption rain --duration 1 --steps 1 --provider none --bundle '{Cli.Bundle}' -o '{At("out.wav")}' {redirection}");
        Assert.That(File.Exists(At("out.wav")));
    }

    [TestCase("'{0}' info 2>&1 >&-; echo $?", "thinksound: standard output is closed\n1\n", TestName = "A closed standard output is told")]
    [TestCase("exec 3>&1; { '{0}' --help; echo $? >&3; } 2>&3 | true", "0\n", TestName = "A reader that leaves early is no error")]
    public void Standard_output_may_end(string script, string expected)
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("shells of Linux");
        Assert.That(Cli.Tool("sh", "-c", script.Replace("{0}", Cli.Program)), Is.EqualTo(expected));
    }

    [Test]
    public void A_missing_library_or_device_is_the_environments_fault()
    {
        Dictionary<string, string?> nowhere = new() { ["THINKSOUND_LIBRARY_PATH"] = At("nowhere") };
        CliResult library = Cli.Run(["generate", "--caption", "rain", "--bundle", Cli.Bundle, "-o", At("out.wav")], nowhere);
        Assert.That(library.ExitCode, Is.EqualTo(4), library.ToString());
        Assert.That(library.Error, Does.Contain("libthinksound").And.Contain("What to do"));
        if (!ThinkSoundRuntime.GetDevices().Any(device => device.Id.StartsWith("cuda") && device.IsAvailable))
        {
            CliResult device = Cli.Run("generate", "--caption", "rain", "--bundle", Cli.Bundle, "--device", "cuda", "-o", At("out.wav"));
            Assert.That(device.ExitCode, Is.EqualTo(4), device.ToString());
        }
        CliResult doctor = Cli.Run(["doctor"], nowhere);
        Assert.That(doctor.ExitCode, Is.EqualTo(4), doctor.ToString());
        Assert.That(doctor.Output, Does.Contain("BAD").And.Contain("native library"));
    }
}
