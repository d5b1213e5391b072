using System.Diagnostics;
using System.Text.Json;

namespace ThinkSound.Cli.Tests;

internal class InterruptionTests : WithFolder
{
    // Lines of progress, and so what is being done when the signal comes: the line of a stage appears when it is over.
    [TestCase("loading the model", TestName = "Interrupted while it watches the video, it leaves nothing")]
    [TestCase("reading the words", TestName = "Interrupted while it samples, it leaves nothing")]
    public void Interrupted_it_leaves_nothing(string line)
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("no signals here");
        File.WriteAllText(At("out.webm"), "precious");
        string[] arguments = ["generate", Cli.Sample("big-buck-bunny-0-30.webm"), "--duration", "20", "--caption", "birds", "--steps", "1000", "--bundle", Cli.Bundle, "--force", "-o", At("out.webm")];
        using Process process = Cli.Start(arguments, new() { ["XDG_CACHE_HOME"] = At("cache") });
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        while (process.StandardError.ReadLine() is { } read && !read.Contains(line)) { }
        Assert.That(process.HasExited, Is.False, "it was over before it could be interrupted");

        var clock = Stopwatch.StartNew();
        Cli.Tool("kill", "-INT", process.Id.ToString());
        string rest = process.StandardError.ReadToEnd();
        Assert.That(process.WaitForExit(TimeSpan.FromSeconds(30)), Is.True);
        Assert.Multiple(() =>
        {
            Assert.That(process.ExitCode, Is.EqualTo(130), rest);
            Assert.That(clock.Elapsed.TotalSeconds, Is.LessThan(20), "a step or a batch at most");
            Assert.That(output.Result, Is.Empty);
            Assert.That(rest, Does.Contain("cancelled"));
            Assert.That(File.ReadAllText(At("out.webm")), Is.EqualTo("precious"));
            Assert.That(Files(), Is.EqualTo(new[] { "out.webm" }));
        });
    }

    [Test]
    public void Interrupted_in_a_folder_it_tells_what_was_done()
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("no signals here");
        Directory.CreateDirectory(At("in"));
        foreach (string name in (string[])["a.mp4", "b.mp4"]) File.Copy(Cli.Sample("scene-knock.mp4"), At("in/" + name));
        using Process process = Cli.Start(["generate", At("in"), "--duration", "1", "--steps", "1000", "--provider", "none", "--bundle", Cli.Bundle, "--json", "-o", At("out")], []);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        while (process.StandardError.ReadLine() is { } read && !read.Contains("b.mp4: reading the words")) { }
        Cli.Tool("kill", "-INT", process.Id.ToString());
        string rest = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.EqualTo(130), rest);
        JsonElement[] results = [.. JsonDocument.Parse(output.Result).RootElement.GetProperty("results").EnumerateArray()];
        Assert.That(results.Select(result => result.GetProperty("status").GetString()), Is.EqualTo(new[] { "done", "failed" }));
        Assert.That((results[1].GetProperty("error").GetString(), results[1].GetProperty("exit_code").GetInt32()), Is.EqualTo(("cancelled", 130)));
        Assert.That(Directory.GetFiles(At("out")).Select(Path.GetFileName), Is.EqualTo(new[] { "a.mp4" }));
    }

    [Test]
    public void Interrupted_while_it_loads_a_large_model_it_does_not_load_the_rest()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("how far it is shows in its memory, as Linux tells it");
        const long begun = 500_000_000, whole = 7_000_000_000; // bytes; the whole model takes 7.5 GB or more
        using Process process = Cli.Start(["info", "--synthetic", "published", "--duration", "8"], []);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        while (Memory(process, "VmRSS") < begun && !process.HasExited) Thread.Sleep(5);
        Assert.That(process.HasExited, Is.False, "it was over before it could be interrupted");

        Cli.Tool("kill", "-INT", process.Id.ToString());
        long peak = 0;
        while (!process.WaitForExit(5)) peak = Math.Max(peak, Memory(process, "VmHWM"));
        Assert.Multiple(() =>
        {
            Assert.That(process.ExitCode, Is.EqualTo(130), errors.Result);
            Assert.That(peak, Is.LessThan(whole));
            Assert.That(output.Result, Is.Empty);
            Assert.That(errors.Result, Does.Contain("cancelled"));
        });
    }

    /// <summary>A line of /proc/PID/status, in bytes; 0 when the process is gone.</summary>
    private static long Memory(Process process, string line)
    {
        try
        {
            string? found = File.ReadLines($"/proc/{process.Id}/status").FirstOrDefault(text => text.StartsWith(line + ":", StringComparison.Ordinal));
            return found is null ? 0 : 1024 * long.Parse(found.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
