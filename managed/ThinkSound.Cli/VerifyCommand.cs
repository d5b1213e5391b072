using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using ThinkSound.Verification;

namespace ThinkSound.Cli;

/// <summary><c>thinksound verify FILE…</c>: golden files through the native library on this device.</summary>
internal static class VerifyCommand
{
    public static Command Create(Terminal terminal)
    {
        var files = new Argument<string[]>("FILE") { Arity = ArgumentArity.OneOrMore, Description = "Golden files (.safetensors) or token lines (.jsonl), of any sizes." };
        var with = new Option<string[]>("--with") { Description = "A file with the weights that a golden borrows; else a sibling of the name it gives.", AllowMultipleArgumentsPerToken = true };
        var vocabulary = new Option<string?>("--vocabulary") { Description = "For token lines: a SentencePiece .model, CLIP merges, or a tokenizer.json; else the one near them that fits." };
        var device = new Option<string>("--device") { Description = "auto, cpu, cpu:plain, cuda, cuda:<index>, cuda:<uuid> or its beginning.", DefaultValueFactory = _ => "cpu" };
        var precision = new Option<string>("--precision") { Description = "f32; or bf16, f16, int8 or fp8 with the wider bound of its rounding.", DefaultValueFactory = _ => "f32" }.AcceptOnlyFromAmong("f32", "bf16", "f16", "int8", "fp8");
        var threads = new Option<int>("--threads") { Description = "Worker threads; 0 = one per physical core." };
        var verbose = new Option<bool>("--verbose") { Description = "Every tensor, not only those that failed." };
        var json = new Option<bool>("--json") { Description = "The whole report as JSON on standard output." };
        var command = new Command("verify", "Checks this device against tensors that the authors' code computed; exits 1 if any is over its tolerance.")
        {
            files, with, vocabulary, device, precision, threads, verbose, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new VerificationOptions
            {
                Device = parsed.GetValue(device)!,
                Threads = parsed.GetValue(threads),
                Precision = EngineArguments.PrecisionOf(parsed.GetValue(precision)!),
                With = parsed.GetValue(with) ?? [],
                Vocabulary = parsed.GetValue(vocabulary),
            };
            var reports = new List<VerificationReport>();
            foreach (string file in parsed.GetValue(files)!)
            {
                terminal.WriteLive(file);
                reports.Add(await VerifyOne(file, options, cancellationToken));
            }
            terminal.EndLive();
            terminal.WriteResult(parsed.GetValue(json) ? ToJson(reports) : ToText(reports, parsed.GetValue(verbose)));
            return reports.Exists(report => report.Failed > 0) ? ExitCode.Failed : ExitCode.Done;
        });
        return command;
    }

    /// <summary>A file that cannot be read is that file's failure; the others are still verified. A single one is an error of its own.</summary>
    private static async Task<VerificationReport> VerifyOne(string file, VerificationOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await Verifier.VerifyAsync(file, options, cancellationToken);
        }
        catch (ThinkSoundException e) when (e is not (NativeLibraryException or DeviceException or DeviceMemoryException))
        {
            string name = Path.GetFileName(file);
            return new VerificationReport(name, "unreadable", [new(name, "(file)", VerificationOutcome.Failed, double.NaN, double.NaN, 0, e.Message)]);
        }
    }

    private static string ToText(List<VerificationReport> reports, bool verbose)
    {
        var text = new StringBuilder();
        foreach (VerificationReport report in reports)
        {
            VerificationResult[] shown = [.. report.Results.Where(result => verbose || result.Outcome == VerificationOutcome.Failed)];
            if (shown.Length == 0) continue;
            var details = new Table(report.File, "relative L2", "largest", "allowed", "") { WordColumns = new HashSet<int> { 4 } };
            foreach (VerificationResult result in shown)
                details.Add("  " + result.Key, Figure(result.RelativeL2), Figure(result.MaxAbs), Figure(result.Tolerance), Word(result));
            text.AppendLine(details.ToString()).AppendLine();
        }
        var summary = new Table("file", "holds", "passed", "failed", "skipped", "of its tolerance") { WordColumns = new HashSet<int> { 1 } };
        foreach (VerificationReport report in reports)
            summary.Add(report.File, report.Kind, Number(report.Passed), Number(report.Failed), Number(report.Skipped), Closest(report));
        text.AppendLine(summary.ToString()).AppendLine();
        foreach (IGrouping<string, VerificationResult> skipped in reports.SelectMany(report => report.Results)
                     .Where(result => result.Outcome == VerificationOutcome.Skipped).GroupBy(result => result.Note))
            text.AppendLine(CultureInfo.InvariantCulture, $"{skipped.Count()} skipped: {skipped.Key}");
        text.Append(CultureInfo.InvariantCulture, $"{reports.Sum(report => report.Passed)} passed, {reports.Sum(report => report.Failed)} failed, {reports.Sum(report => report.Skipped)} skipped");
        return text.ToString();
    }

    /// <summary>How much of its tolerance the worst tensor that passed has used up.</summary>
    private static string Closest(VerificationReport report)
    {
        double worst = report.Results.Where(result => result.Outcome == VerificationOutcome.Passed && result.Tolerance > 0 && result.Note == "relative L2")
            .Select(result => result.RelativeL2 / result.Tolerance).DefaultIfEmpty(0).Max();
        return worst.ToString("P0", CultureInfo.InvariantCulture);
    }

    private static string Word(VerificationResult result) => result.Outcome switch
    {
        VerificationOutcome.Passed => "",
        VerificationOutcome.Skipped => "skipped: " + result.Note,
        _ => "FAILED: " + result.Note,
    };

    private static string Figure(double value) => double.IsNaN(value) ? "-" : value.ToString("0.0e+00", CultureInfo.InvariantCulture);
    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string ToJson(List<VerificationReport> reports)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartArray();
            foreach (VerificationReport report in reports)
            {
                writer.WriteStartObject();
                writer.WriteString("file", report.File);
                writer.WriteString("kind", report.Kind);
                writer.WriteNumber("passed", report.Passed);
                writer.WriteNumber("failed", report.Failed);
                writer.WriteNumber("skipped", report.Skipped);
                writer.WriteStartArray("tensors");
                foreach (VerificationResult result in report.Results) Write(writer, result);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    private static void Write(Utf8JsonWriter writer, VerificationResult result)
    {
        writer.WriteStartObject();
        writer.WriteString("key", result.Key);
        writer.WriteString("outcome", result.Outcome.ToString().ToLowerInvariant());
        if (double.IsFinite(result.RelativeL2)) writer.WriteNumber("rel_l2", result.RelativeL2);
        if (double.IsFinite(result.MaxAbs)) writer.WriteNumber("max_abs", result.MaxAbs);
        writer.WriteNumber("tolerance", result.Tolerance);
        writer.WriteString("note", result.Note);
        writer.WriteEndObject();
    }
}
