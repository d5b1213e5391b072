using System.Text.Json;
using ThinkSound.Bundles;
using ThinkSound.Media;
using ThinkSound.Projects;
using ThinkSound.Projects.Editing;
using ThinkSound.Reasoning.Texts;
using ThinkSound.Rendering;

namespace ThinkSound.Cli;

/// <summary>Does what one call of <c>edit</c> asks for: reads, says what will be done, does it.</summary>
internal sealed class EditRun(Terminal terminal, EditRequest request, CancellationToken cancel)
{
    public Task<int> RunAsync() => request.IsProject ? EditProjectAsync() : EditFileAsync();

    private async Task<int> EditProjectAsync()
    {
        using Project project = Project.Open(request.Input, request.IsDry ? ProjectAccess.Read : ProjectAccess.Write);
        EditScript script = await ReadAsync(EditSubjects.Of(project), project.FindVideo().FoundAt);
        Operation? done = null;
        if (!request.IsDry)
        {
            BundleDescription? bundle = NeedsModel(script) ? Bundle() : null;
            GenerationSettings recommended = GenerationArguments.Recommended(bundle);
            var payload = new EditPayload
            {
                Instruction = script.Instruction, Steps = script.Steps, Seed = request.Seed,
                Generation = recommended with
                {
                    Steps = request.Steps ?? recommended.Steps, GuidanceScale = request.Guidance ?? recommended.GuidanceScale, Candidates = bundle is null ? 1 : Candidates(bundle),
                },
            };
            // Arithmetic needs no model, and no bundle.
            EditModels? models = null;
            try
            {
                var renderer = new EditRenderer((video, settings, token) => (models ??= Models()).ForProjectAsync(video, settings, token));
                done = await project.ApplyAsync(payload, script.Reasoning, new OperationRenderers(renderer), null, null, cancel);
            }
            finally
            {
                models?.Dispose();
            }
            foreach (string notice in done.Result.Notices) terminal.Warn(notice);
        }
        Answer(script, json =>
        {
            json.WriteString("project", project.Folder);
            if (done is not null) json.WriteNumber("operation", done.Id);
            json.WriteString("model", done?.Result.Model?.Name);
            CandidateArguments.Write(json, done?.Result.Candidates ?? []);
        }, done is null ? "nothing was done" : $"{project.Folder}: operation {done.Id}, {done.Title}, seed {request.Seed}{CandidateArguments.Describe(done.Result.Candidates)}");
        return ExitCode.Done;
    }

    private async Task<int> EditFileAsync()
    {
        bool hasVideo = MediaInfo.Open(request.Input, cancel).Video is not null;
        if (!request.IsDry) CheckOutput(hasVideo);
        AudioClip sound = await AudioFile.ReadAsync(request.Input, null, cancel);
        EditScript script = await ReadAsync(EditSubjects.Of(sound, request.Description, mayGrow: !hasVideo), hasVideo ? request.Input : null);
        FileEditResult? done = null;
        if (!request.IsDry)
        {
            EditModels? models = null;
            try
            {
                var options = new GenerateOptions();
                if (request.Steps is { } steps) options = options with { Steps = steps };
                if (request.Guidance is { } guidance) options = options with { GuidanceScale = guidance };
                done = await FileEdit.ApplyAsync(sound, request.Description, script,
                    token => (models ??= Models()).LoadAsync(hasVideo && request.Watches ? request.Input : null, options with { Candidates = Candidates(Bundle()) }, token), request.Seed, null, cancel);
            }
            finally
            {
                models?.Dispose();
            }
            foreach (string notice in done.Notices) terminal.Warn(notice);
            Write(done.Clip);
        }
        Answer(script, json =>
        {
            json.WriteString("input", request.Input);
            json.WriteString("output", request.Output);
            json.WriteNumber("sample_rate", sound.SampleRate);
            json.WriteNumber("channels", sound.Channels);
            json.WriteNumber("samples", done?.Clip.Samples ?? sound.Samples);
            json.WriteStartArray("touched");
            foreach (var (from, to) in done?.Touched ?? [])
            {
                json.WriteStartArray();
                json.WriteNumberValue(from);
                json.WriteNumberValue(to);
                json.WriteEndArray();
            }
            json.WriteEndArray();
            json.WriteString("model", done?.Model?.Name);
            CandidateArguments.Write(json, done?.Candidates ?? []);
        }, done is null ? "nothing was done" : $"{request.Output}: {Units.Seconds(done.Clip.Duration.TotalSeconds)}, seed {request.Seed}{CandidateArguments.Describe(done.Candidates)}");
        return ExitCode.Done;
    }

    private BundleDescription Bundle() => BundleDescription.Read(request.Engine().BundlePath!);

    private int Candidates(BundleDescription bundle) => CandidateArguments.Of(request.Candidates, bundle, from => from.EditCandidates);

    private EditModels Models() => new(request.Engine()) { MustChoose = request.Candidates > 1 };

    /// <summary>Arithmetic needs none, nor does taking a track of ours away.</summary>
    private static bool NeedsModel(EditScript script) => script.Steps.Any(step =>
        step.Action is not (EditAction.Louder or EditAction.Softer or EditAction.Earlier or EditAction.Later or EditAction.Remove) || step is { Action: EditAction.Remove, Track: Track.Bed, Target.Length: > 0 });

    /// <summary>Reads the instruction and says in words what will be done.</summary>
    private async Task<EditScript> ReadAsync(EditSubject subject, string? video)
    {
        EditScript script = await ReasoningLines.ShowAsync(terminal, request.IsQuiet,
            lines => new EditReader(request.Reasoner, lines.Show, lines).ReadAsync(request.Instruction, subject, request.Choices, video, Tokens(), cancel));
        if (!request.IsQuiet)
            foreach (string statement in script.Statements) terminal.WriteLine(statement);
        foreach (string notice in script.Notices) terminal.Warn(notice);
        return script;
    }

    private ITokenCounter? Tokens() => request.Reasoner is null ? null : ReasonerArguments.Tokens(request.Engine().BundlePath, terminal);

    private void CheckOutput(bool hasVideo)
    {
        string format = OutputFormat.OfPath(request.Output!);
        if (!OutputFormat.IsKnown(format)) throw new UsageException($"{request.Output}: {(format.Length == 0 ? "no format is named" : $"format {format} is not known")}; known are {string.Join(", ", OutputFormat.Known)}");
        if (OutputFormat.HasVideo(format) && !hasVideo) throw new UsageException($"{request.Output}: {format} holds a video, and {request.Input} has none; for a sound take wav, flac, ogg, opus, mp3 or m4a");
        OutputPath.Check(request.Output!, request.Input, request.Overwrite);
    }

    private void Write(AudioClip clip)
    {
        string format = OutputFormat.OfPath(request.Output!);
        try
        {
            if (format == "wav")
            {
                // Floats, so that what was not touched stays the same bits, and a louder sound is not clipped.
                clip.SaveWav(request.Output!, new WavOptions { Format = WavFormat.Float32, Loudness = Loudness.None, Comment = $"edited: {request.Instruction}" });
                return;
            }
            using MediaWriter writer = MediaWriter.Create(new MediaWriterOptions
            {
                Path = request.Output, Format = format, Overwrite = request.Overwrite, SampleRate = clip.SampleRate, NumChannels = clip.Channels,
                Source = OutputFormat.HasVideo(format) ? request.Input : null, KeepAudio = KeepAudio.Replace, NumSamples = clip.Samples,
            }, cancel);
            writer.Write(clip.Planar.Span, clip.Channels);
            foreach (string warning in writer.Finish().Warnings) terminal.Warn(warning);
        }
        catch (Exception e) when (e is FileAccessException or IOException or UnauthorizedAccessException)
        {
            throw new OutputException(e.Message.Contains(request.Output!, StringComparison.Ordinal) ? e.Message : $"{request.Output}: {e.Message}", e);
        }
    }

    private void Answer(EditScript script, Action<Utf8JsonWriter> details, string text)
    {
        if (!request.IsJson)
        {
            terminal.WriteResult(text);
            return;
        }
        terminal.WriteResult(JsonText.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("version", CommandLine.Version);
            json.WriteString("instruction", script.Instruction);
            json.WriteString("reader", script.Reader);
            json.WriteNumber("seed", request.Seed);
            json.WriteStartArray("steps");
            for (int i = 0; i < script.Steps.Count; i++) Write(json, script.Steps[i], script.Statements[i]);
            json.WriteEndArray();
            json.WriteStartArray("notices");
            foreach (string notice in script.Notices) json.WriteStringValue(notice);
            json.WriteEndArray();
            details(json);
            json.WriteEndObject();
        }));
    }

    private static void Write(Utf8JsonWriter json, EditStep step, string statement)
    {
        json.WriteStartObject();
        json.WriteString("action", step.Action.ToString().ToLowerInvariant());
        json.WriteString("track", step.Track);
        if (step.Range is { } range)
        {
            json.WriteNumber("start_s", range.Start.TotalSeconds);
            json.WriteNumber("end_s", range.End.TotalSeconds);
        }
        json.WriteString("target", step.Target);
        json.WriteString("replacement", step.Replacement);
        json.WriteString("avoid", step.Avoid);
        if (step.Action is EditAction.Louder or EditAction.Softer) json.WriteNumber("amount_db", step.AmountDb);
        if (step.Action is EditAction.Earlier or EditAction.Later) json.WriteNumber("shift_s", step.Shift.TotalSeconds);
        if (step.Action is EditAction.Variation or EditAction.Material or EditAction.Space or EditAction.Style or EditAction.Replace) json.WriteNumber("strength", step.Strength);
        json.WriteString("statement", statement);
        json.WriteEndObject();
    }
}
