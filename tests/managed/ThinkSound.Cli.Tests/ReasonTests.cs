using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Tests;

namespace ThinkSound.Cli.Tests;

/// <summary>reason, and generate with a thought, against a chat server on loopback.</summary>
internal class ReasonTests : WithFolder
{
    private static string[] On(ChatServer server) => ["--endpoint", server.Endpoint.ToString(), "--model", "tiny"];

    [Test]
    public async Task A_video_is_thought_about_and_the_result_makes_its_sound()
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Says(ChatServer.GoodAnswer));
        CliResult reason = Cli.Run(["reason", Cli.Sample("stream-of-water.mp4"), "--region", "0.2,0.2,0.5,0.5", "--bundle", Cli.Bundle, "--json", "-o", At("r.json"), .. On(server)],
                                   new() { ["THINKSOUND_CHAT_KEY"] = "secret" });
        Assert.That(reason.ExitCode, Is.Zero, reason.ToString());
        Assert.That(reason.Json.GetProperty("stage").GetString(), Is.EqualTo("object"));
        Assert.That(reason.Error, Does.Match("seen +A ball falls onto a wooden floor.").And.Match("mix +The first hit"));
        Assert.That(server.Calls.Single().Key, Is.EqualTo("Bearer secret"));
        Assert.That(File.ReadAllText(At("r.json")).Trim(), Is.EqualTo(reason.Output.Trim()));

        CliResult generate = Generate(Cli.Sample("stream-of-water.mp4"), "--duration", "1", "--reasoning", At("r.json"), "--json", "-o", At("out.mp4"));
        Assert.That(generate.ExitCode, Is.Zero, generate.ToString());
        JsonElement result = generate.Json.GetProperty("results")[0];
        Assert.That(result.GetProperty("caption").GetString(), Is.EqualTo("a rubber ball bounces on a wooden floor"));
        Assert.That(result.GetProperty("cot").GetString(), Does.StartWith("A rubber ball hits a wooden floor"));
        Assert.That(result.GetProperty("reasoning_provider").GetString(), Is.EqualTo("manual"));
        Assert.That(server.Calls, Has.Count.EqualTo(1));
    }

    [Test]
    public void The_recogniser_thinks_about_a_video_and_its_caption_without_any_server()
    {
        CliResult reason = Cli.Run(["reason", Cli.Sample("stream-of-water.mp4"), "--caption", "rain on a roof", "--duration", "1", "--provider", "recogniser",
                                    "--bundle", Cli.Bundle, "--json"]);
        Assert.That(reason.ExitCode, Is.Zero, reason.ToString());
        Assert.That((reason.Json.GetProperty("provider").GetString(), reason.Json.GetProperty("caption").GetString()), Is.EqualTo(("recogniser", "rain on a roof")));

        CliResult generate = Generate(Cli.Sample("stream-of-water.mp4"), "--duration", "1", "--provider", "recogniser", "--json", "-o", At("out.mp4"));
        Assert.That(generate.ExitCode, Is.Zero, generate.ToString());
        Assert.That(generate.Json.GetProperty("results")[0].GetProperty("reasoning_provider").GetString(), Is.EqualTo("recogniser"));
        Assert.That(generate.Error, Does.Contain("thought by recogniser"));

        // Words of one's own stay, in every window.
        CliResult own = Generate(Cli.Sample("stream-of-water.mp4"), "--duration", "3", "--window", "2", "--overlap", "0.5", "--provider", "recogniser", "--caption", "a bell",
                                 "--cot", "A bell, far away.", "--json", "-o", At("own.wav"));
        Assert.That(own.ExitCode, Is.Zero, own.ToString());
        JsonElement result = own.Json.GetProperty("results")[0];
        Assert.That((result.GetProperty("caption").GetString(), result.GetProperty("cot").GetString()), Is.EqualTo(("a bell", "A bell, far away.")));
    }

    [Test]
    public async Task Without_a_chain_of_thought_generate_has_somebody_think_and_says_who()
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Says(ChatServer.GoodAnswer));
        CliResult run = Generate([.. (string[])["--caption", "a ball", "--duration", "1", "--json", "-o", At("ball.wav")]],
                                 new() { ["THINKSOUND_CHAT_ENDPOINT"] = server.Endpoint.ToString(), ["THINKSOUND_CHAT_MODEL"] = "tiny" });
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Error, Does.Contain("thought by chat (tiny): A rubber ball"));
        JsonElement result = run.Json.GetProperty("results")[0];
        Assert.That((result.GetProperty("caption").GetString(), result.GetProperty("reasoning_provider").GetString()), Is.EqualTo(("a ball", "chat")));

        // With a thought of one's own, or when told so, nobody is asked.
        Assert.That(Generate(["--cot", "A ball bounces.", "--duration", "1", .. On(server), "-o", At("own.wav")]).ExitCode, Is.Zero);
        Assert.That(Generate(["--caption", "a ball", "--provider", "none", "--duration", "1", .. On(server), "-o", At("none.wav")]).ExitCode, Is.Zero);
        Assert.That(server.Calls, Has.Count.EqualTo(1));
    }

    [Test]
    public void A_thought_of_ones_own_is_shortened_sensibly_when_asked_for()
    {
        string cot = "A door slams hard, then its glass rattles. " + string.Join(' ', Enumerable.Repeat("Ensure that everything is well balanced.", 8));
        CliResult run = Generate("--cot", cot, "--provider", "manual", "--duration", "1", "--json", "--quiet", "-o", At("door.wav"));
        Assert.That(run.ExitCode, Is.Zero, run.ToString());
        Assert.That(run.Json.GetProperty("results")[0].GetProperty("cot").GetString(), Does.StartWith("A door slams hard, then its glass rattles."));
        Assert.That(run.Error, Does.Contain("shortened the chain of thought").And.Contain("left out: Ensure that everything").And.Not.Contain("is cut"));
    }

    [Test]
    public async Task What_a_server_says_is_told_when_it_says_it_and_commands_no_terminal()
    {
        Func<HttpContext, Task> busy = ChatServer.Fails(429, """{"error": {"message": "\u001b[31mslow down, sk-very-secret"}}""", retryAfter: "0");
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Says(ChatServer.GoodAnswer.Replace("A ball falls", "A \\u001b[2J\\u202eball falls")), busy);
        string[] reason = ["reason", "--caption", "a ball", "--provider", "chat", "--bundle", Cli.Bundle, .. On(server)];
        CliResult thought = Cli.Run(reason);
        Assert.That(thought.ExitCode, Is.Zero, thought.ToString());
        Assert.That(thought.Error, Does.Contain("A \uFFFD[2J\uFFFDball falls").And.Not.Contain("\x1b"));

        CliResult failed = Cli.Run(reason, new() { ["THINKSOUND_CHAT_KEY"] = "sk-very-secret" });
        Assert.That((failed.ExitCode, failed.Output), Is.EqualTo((4, "")), failed.ToString());
        Assert.That(failed.Error.Split('\n').Count(line => line.StartsWith("note ") && line.EndsWith("asking again in 0 s")), Is.EqualTo(4), failed.Error);
        Assert.That(failed.Error, Does.Contain($"tiny at {server.Endpoint.Authority}: HTTP 429: \uFFFD[31mslow down, [key] (asked 5 times)").And.Not.Contain("\x1b").And.Not.Contain("secret"));
    }

    [Test]
    public async Task A_thought_is_not_had_in_vain()
    {
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Says(ChatServer.GoodAnswer));
        File.WriteAllText(At("there.wav"), "precious");
        Assert.That(Generate(["--caption", "a ball", "--duration", "1", .. On(server), "-o", At("there.wav")]).ExitCode, Is.EqualTo(2));
        File.WriteAllText(At("r.json"), "precious");
        Assert.That(Cli.Run(["reason", "--caption", "a ball", "--bundle", Cli.Bundle, .. On(server), "-o", At("r.json")]).ExitCode, Is.EqualTo(2));
        Assert.That(server.Calls, Is.Empty);
    }

    [TestCase("reason")]
    [TestCase("reason --caption rain --provider chat")]
    [TestCase("reason --caption rain --provider onnx")]
    [TestCase("reason --caption rain --endpoint nonsense --model m")]
    [TestCase("reason --caption rain --endpoint http://localhost:1/v1")]
    [TestCase("reason --caption rain --region 0.5,0,0.6,1 --provider manual")]
    [TestCase("reason --caption rain --operation polish --provider manual")]
    public void A_call_that_makes_no_sense_says_so(string arguments)
    {
        CliResult run = Cli.Run([.. arguments.Split(' '), "--bundle", Cli.Bundle]);
        Assert.That(run.ExitCode, Is.EqualTo(2), run.ToString());
        Assert.That(run.Output, Is.Empty);
    }

    [Test]
    public void A_damaged_file_and_an_absent_server_have_their_exit_codes()
    {
        File.WriteAllText(At("bad.json"), """{"version": 1, "events": [{"intensity": 3}]}""");
        CliResult bad = Generate("--reasoning", At("bad.json"), "--duration", "1", "-o", At("out.wav"));
        Assert.That((bad.ExitCode, bad.Error), Is.EqualTo((3, bad.Error)), bad.ToString());
        Assert.That(bad.Error, Does.Contain("bad.json: is no reasoning: events[0].intensity: 3 is more than 1"));
        string[] nowhere = ["reason", "--caption", "rain", "--endpoint", "http://127.0.0.1:9/v1", "--model", "tiny", "--bundle", Cli.Bundle];
        CliResult absent = Cli.Run([.. nowhere, "--provider", "chat"]);
        Assert.That(absent.ExitCode, Is.EqualTo(4), absent.ToString());
        Assert.That(absent.Error, Does.Contain("tiny at 127.0.0.1:9: the server cannot be reached").And.Contain("is it running"));
        CliResult instead = Cli.Run([.. nowhere, "--json"]);
        Assert.That((instead.ExitCode, instead.Json.GetProperty("provider").GetString()), Is.EqualTo((0, "recogniser")), instead.ToString());
        Assert.That(instead.Error, Does.Contain("the server cannot be reached").And.Contain("recogniser thinks instead"));
        CliResult incomplete = Cli.Run("reason", "--caption", "rain", "--provider", "onnx", "--model-folder", Folder, "--bundle", Cli.Bundle);
        Assert.That((incomplete.ExitCode, incomplete.Output), Is.EqualTo((3, "")), incomplete.ToString());
        Assert.That(incomplete.Error, Does.Contain("config.json"));
    }

    [Test]
    public async Task Interrupted_while_a_slow_model_thinks_it_ends_at_once()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("no signals here");
        await using ChatServer server = await ChatServer.StartAsync(ChatServer.Says(ChatServer.GoodAnswer, pause: TimeSpan.FromSeconds(60)));
        using Process process = Cli.Start(["reason", "--caption", "rain", "--bundle", Cli.Bundle, "-o", At("r.json"), .. On(server)], []);
        Task<string> errors = process.StandardError.ReadToEndAsync(), output = process.StandardOutput.ReadToEndAsync();
        while (server.Calls.IsEmpty) await Task.Delay(20);
        await Task.Delay(200);
        Cli.Tool("kill", "-INT", process.Id.ToString());
        Assert.That(process.WaitForExit(TimeSpan.FromSeconds(20)), Is.True);
        Assert.That((process.ExitCode, await output), Is.EqualTo((130, "")), await errors);
        Assert.That(Files(), Is.Empty);
        await server.Abandoned.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }
}
