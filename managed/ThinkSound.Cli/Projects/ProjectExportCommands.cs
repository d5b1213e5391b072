using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ThinkSound.Media;
using ThinkSound.Projects;

namespace ThinkSound.Cli;

/// <summary><c>project render</c> and <c>project export</c>: files made of a project.</summary>
internal static class ProjectExportCommands
{
    public static Command CreateRender(Terminal terminal)
    {
        var keepAudio = new Option<string>("--keep-audio") { Description = "What becomes of the video's own sound: replaced, mixed with the new one, or kept as a further track.", DefaultValueFactory = _ => "replace" }
            .AcceptOnlyFromAmong("replace", "mix", "track");
        return Create("render", "Writes the video with the mix, or the mix alone.", "The file to make; mp4, mov, mkv and webm get the video, wav, flac, ogg, opus, mp3 and m4a the mix alone.", "OUT",
            keepAudio, terminal, async (parsed, project, output, options, progress, cancel) =>
                [await ProjectExport.RenderAsync(project, output, options with { KeepAudio = parsed.GetValue(keepAudio) switch { "mix" => KeepAudio.Mix, "track" => KeepAudio.Track, _ => KeepAudio.Replace } }, progress, cancel)]);
    }

    public static Command CreateExport(Terminal terminal)
    {
        var raw = new Option<bool>("--raw") { Description = "As the stems were made: without gain, pan and ducking, and without the mix." };
        return Create("export", "Writes each track as it goes into the mix, and the mix, as WAV files of 32-bit floats.", "The folder for the files; made if need be.", "FOLDER",
            raw, terminal, (parsed, project, output, options, progress, cancel) => ProjectExport.StemsAsync(project, output, options with { IsRaw = parsed.GetValue(raw) }, progress, cancel));
    }

    private delegate Task<IReadOnlyList<ExportedFile>> Export(ParseResult parsed, Project project, string output, ExportOptions options, IProgress<ProjectProgress>? progress, CancellationToken cancel);

    private static Command Create(string name, string description, string outputDescription, string outputName, Option own, Terminal terminal, Export export)
    {
        var command = new Command(name, description);
        var arguments = new ProjectArguments();
        var output = new Option<string>("--output", "-o") { Description = outputDescription, HelpName = outputName, Required = true };
        var loudness = new Option<string>("--loudness")
        {
            Description = "none, peak or lufs=<value>: one gain for the whole mix. With none, an edit of one second leaves every other sample of the file as it was.", DefaultValueFactory = _ => "none",
        };
        var force = new Option<bool>("--force") { Description = "Replace existing files." };
        arguments.AddFolderTo(command);
        foreach (Option option in (Option[])[output, own, loudness, force]) command.Add(option);
        arguments.AddAnswerTo(command);
        loudness.Require(text => Loudness.TryParse(text, out _), "--loudness is none, peak or lufs=<-70 to 0>");
        command.SetAction(async (parsed, cancel) =>
        {
            Loudness.TryParse(parsed.GetValue(loudness), out Loudness rule);
            using Project project = arguments.Open(parsed, ProjectAccess.Read, terminal);
            ProjectProgressLines? progress = arguments.Progress(parsed, terminal);
            IReadOnlyList<ExportedFile> files = await export(parsed, project, parsed.GetValue(output)!, new ExportOptions { Loudness = rule, Overwrite = parsed.GetValue(force) }, progress, cancel);
            progress?.End();
            foreach (ExportedFile file in files)
            {
                foreach (string warning in file.Warnings) terminal.Warn(warning);
                if (file.Peak > 1 && file.Codec != "pcm_f32le")
                    terminal.Warn(string.Create(CultureInfo.InvariantCulture, $"{file.Path}: the mix is {20 * Math.Log10(file.Peak):0.0} dB over full scale and clipped there; --loudness peak lowers it"));
                if (!arguments.IsJson(parsed)) terminal.WriteResult($"{file.Path}: {Units.Seconds((double)file.NumSamples / project.State.Timeline.SampleRate)}, operation {project.Document.Head} on {project.Document.Branch}");
            }
            if (arguments.IsJson(parsed)) terminal.WriteResult(JsonText.Write(json => Write(json, project, files)));
            return ExitCode.Done;
        });
        return command;
    }

    private static void Write(Utf8JsonWriter json, Project project, IReadOnlyList<ExportedFile> files)
    {
        json.WriteStartObject();
        json.WriteString("version", CommandLine.Version);
        json.WriteNumber("operation", project.Document.Head);
        json.WriteStartArray("results");
        foreach (ExportedFile file in files)
        {
            json.WriteStartObject();
            json.WriteString("output", file.Path);
            json.WriteString("container", file.Container);
            json.WriteString("codec", file.Codec);
            json.WriteNumber("bytes", file.Bytes);
            json.WriteNumber("num_samples", file.NumSamples);
            json.WriteNumber("gain", file.Gain);
            json.WriteNumber("peak", file.Peak);
            json.WriteStartArray("warnings");
            foreach (string warning in file.Warnings) json.WriteStringValue(warning);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }
}
