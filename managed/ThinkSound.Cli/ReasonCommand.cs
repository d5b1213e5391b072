using System.CommandLine;
using System.Globalization;
using ThinkSound.Bundles;
using ThinkSound.Reasoning;
using ThinkSound.Rendering;

namespace ThinkSound.Cli;

/// <summary><c>thinksound reason</c>: from a video, words or an instruction to a description of the sound, shown as it is thought.</summary>
internal static class ReasonCommand
{
    public static Command Create(Terminal terminal, Option<bool> verbose)
    {
        var command = new Command("reason", "Thinks about the sound of a video, a region of it, or a change: events, space, layers, and the texts that the model reads.");
        var input = new Argument<string?>("VIDEO") { Arity = ArgumentArity.ZeroOrOne, Description = "A video; nothing thinks from words alone." };
        var caption = new Option<string?>("--caption") { Description = "What is heard, in your words.", HelpName = "TEXT" };
        var cot = new Option<string?>("--cot") { Description = "A chain of thought of your own.", HelpName = "TEXT" };
        var instruction = new Option<string?>("--instruction") { Description = "A change to sound that is there: \"take out the hum\".", HelpName = "TEXT" };
        var operation = new Option<EditOperation?>("--operation") { Description = "The kind of change: add, remove, extend, inpaint. Default: as the instruction is understood." };
        var region = new Option<string?>("--region") { Description = "The part of the picture that it is about: left, top, width, height as fractions, such as 0.5,0.2,0.3,0.3.", HelpName = "X,Y,W,H" };
        var start = new Option<double>("--start") { Description = "Where in the video the sound begins.", HelpName = "SECONDS" };
        var duration = new Option<double?>("--duration") { Description = "Seconds of sound. Default: the whole video, 8 without one.", HelpName = "SECONDS" };
        var from = new Option<string?>("--from") { Description = "A saved reasoning to build on; it stands in for the video where there is none.", HelpName = "FILE" };
        var existing = new Option<string[]>("--existing") { Description = "A sound that is there already; may be given several times.", HelpName = "TEXT" };
        var output = new Option<string?>("--output", "-o") { Description = "Keep the result as JSON, for generate --reasoning.", HelpName = "FILE" };
        var bundle = new Option<string?>("--bundle") { Description = "The model that the texts are made to fit. Default: as of generate.", HelpName = "FOLDER" };
        var json = new Option<bool>("--json") { Description = "The result as JSON on standard output." };
        var force = new Option<bool>("--force") { Description = "Replace an existing file." };
        var quiet = new Option<bool>("--quiet", "-q") { Description = "Show the result alone." };
        var reasoners = new ReasonerArguments(mayBeNone: false);
        command.Add(input);
        foreach (Option option in (Option[])[caption, cot, instruction, operation, region, start, duration, from, existing, output]) command.Add(option);
        reasoners.AddTo(command);
        foreach (Option option in (Option[])[bundle, json, force, quiet, verbose]) command.Add(option);
        start.Require(s => s is >= 0 and <= 1e6, "--start is seconds from the begin of the video");
        duration.Require(s => s is null or (>= 0.05 and <= 36000), "--duration is 0.05 to 36000 seconds");
        region.Require(text => text is null || ParseRegion(text) is not null, "--region is left,top,width,height as fractions of the picture, such as 0.5,0.2,0.3,0.3");
        command.SetAction(async (parsed, cancel) =>
        {
            string? file = parsed.GetValue(output), video = parsed.GetValue(input);
            if (file is not null) CheckOutput(file, parsed.GetValue(force));
            if (video is not null && !File.Exists(video)) throw new ResourceNotFoundException($"{video}: no such file");
            IReasoner reasoner = reasoners.Read(parsed, () => new EngineOptions { BundlePath = parsed.GetValue(bundle) ?? DefaultBundle.Find() })!;
            var request = new ReasoningRequest
            {
                Video = video,
                Start = TimeSpan.FromSeconds(parsed.GetValue(start)),
                Duration = parsed.GetValue(duration) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                Region = parsed.GetValue(region) is { } text ? ParseRegion(text) : null,
                Caption = Words(parsed.GetValue(caption)),
                ChainOfThought = Words(parsed.GetValue(cot)),
                Instruction = Words(parsed.GetValue(instruction)),
                Operation = parsed.GetValue(operation),
                Previous = parsed.GetValue(from) is { } earlier ? await ReasoningFile.LoadAsync(earlier, cancel) : null,
                Existing = [.. (parsed.GetValue(existing) ?? []).Select(sound => new ExistingSound(sound))],
                Tokens = ReasonerArguments.Tokens(parsed.GetValue(bundle), terminal),
            };
            if (request is { Video: null, Caption: null, ChainOfThought: null, Instruction: null, Operation: null, Previous: null })
                throw new UsageException("there is nothing to think about: give a video, --caption, --instruction or --from");

            Reasoning.Reasoning reasoning = await ReasoningLines.ShowAsync(terminal, parsed.GetValue(quiet), lines => reasoner.ReasonToEndAsync(request, lines.Show, lines, cancel));
            if (file is not null) await SaveAsync(reasoning, file, cancel);
            terminal.WriteResult(parsed.GetValue(json) ? reasoning.ToJson() : ToText(reasoning));
            return ExitCode.Done;
        });
        return command;
    }

    private static string? Words(string? text) => text is { Length: > 0 } ? text : null;

    private static VideoRegion? ParseRegion(string text)
    {
        try
        {
            return NumberText.List(text, ",") is [var x, var y, var width, var height] ? new VideoRegion(x, y, width, height) : null;
        }
        catch (ArgumentException)
        {
            return null; // outside of the picture
        }
    }

    private static void CheckOutput(string file, bool force)
    {
        if (File.Exists(file) && !force) throw new UsageException($"{file}: exists already; --force replaces it");
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder && !Directory.Exists(folder)) throw new OutputException($"{file}: its folder {folder} does not exist");
    }

    private static async Task SaveAsync(Reasoning.Reasoning reasoning, string file, CancellationToken cancel)
    {
        try
        {
            await ReasoningFile.SaveAsync(reasoning, file, cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{file}: cannot be written: {e.Message}", e);
        }
    }

    private static string ToText(Reasoning.Reasoning reasoning)
    {
        var lines = new List<string>();
        if (reasoning.Events.Count > 0)
        {
            var table = new Table("event", "from", "to", "intensity", "layer") { WordColumns = new HashSet<int> { 4 } };
            foreach (SoundEvent e in reasoning.Events)
                table.Add(string.Join(" ", new[] { e.Object, e.Action }.Where(part => part.Length > 0)) is { Length: > 0 } what ? what : e.Sound,
                          Units.Seconds(e.Start.TotalSeconds), Units.Seconds(e.End.TotalSeconds), e.Intensity.ToString("0.00", CultureInfo.InvariantCulture), e.Layer);
            lines.AddRange([table.ToString(), ""]);
        }
        if (reasoning.Edit is { } edit)
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"change    {edit.Operation.ToString().ToLowerInvariant()} {edit.Target}, {edit.Start.TotalSeconds:0.00} to {edit.End.TotalSeconds:0.00} s"));
        if (reasoning.Avoid.Count > 0) lines.Add($"avoid     {string.Join(", ", reasoning.Avoid)}");
        lines.Add($"caption   {reasoning.Caption}");
        lines.Add($"thought   {reasoning.ChainOfThought}");
        lines.AddRange(reasoning.Shortened.Select(Describe));
        lines.Add($"by        {By(reasoning)}");
        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>"chat (qwen2.5-vl)".</summary>
    public static string By(Reasoning.Reasoning reasoning) => reasoning.Model.Length > 0 ? $"{reasoning.Provider} ({reasoning.Model})" : reasoning.Provider;

    /// <summary>What was left out of a text.</summary>
    public static string Describe(Shortening shortening) =>
        $"shortened {(shortening.Encoder == TextEncoder.T5 ? "the chain of thought" : "the caption")}: it has {shortening.Pieces} pieces, the model reads {shortening.Limit}; left out: " +
        string.Join(" | ", shortening.Omitted);
}
