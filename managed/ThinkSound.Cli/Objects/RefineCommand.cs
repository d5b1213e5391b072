using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ThinkSound.Bundles;
using ThinkSound.Media;
using ThinkSound.Objects;
using ThinkSound.Projects;
using ThinkSound.Reasoning;
using ThinkSound.Rendering;

namespace ThinkSound.Cli;

/// <summary><c>thinksound refine</c>: click a thing, get its sound.</summary>
internal sealed class RefineCommand
{
    private readonly Argument<string> _input = new("INPUT") { Description = "A project's folder: the object becomes a track of it. Or a video: its own sound, with that of the object." };
    private readonly SelectionArguments _selection = new();
    private readonly Option<string?> _segmenter = new("--segmenter") { Description = "Folder of a SAM 2 in ONNX (*encoder.onnx, *decoder.onnx). Default: by colour and motion, without a model.", HelpName = "FOLDER" };
    private readonly Option<string> _view = new Option<string>("--view") { Description = "What the model is shown: alone (the picture, in which nothing else happens), masked (a crop, all else black) or crop (its surroundings, too).", DefaultValueFactory = _ => "alone" }
        .AcceptOnlyFromAmong("alone", "masked", "crop");
    private readonly Option<string?> _streams = new("--streams") { Description = "What the model is given, beside your own words: some of clip (what is seen), sync (how it moves), caption and cot, joined by commas; as the bundle recommends, else all.", HelpName = "LIST" };
    private readonly Option<double> _dilation = new("--dilation") { Description = "How far the mask is grown, in fractions of its size, 0 to 2.", DefaultValueFactory = _ => new ObjectPayload().Dilation };
    private readonly Option<double> _panWidth = new("--pan-width") { Description = "Pan at the edges of the picture, 0 (none) to 1 (hard).", DefaultValueFactory = _ => new ObjectPayload().PanWidth };
    private readonly Option<double> _levelRange = new("--level-range") { Description = "How far the level may fall with the object's size, 0 to 60 dB; half the size is 6 dB.", DefaultValueFactory = _ => new ObjectPayload().LevelRangeDb, HelpName = "DB" };
    private readonly Option<string> _bed = new Option<string>("--bed") { Description = "Of a project, what becomes of the rest while the object sounds: keep, duck, or regenerate without the object.", DefaultValueFactory = _ => "keep" }
        .AcceptOnlyFromAmong("keep", "duck", "regenerate");
    private readonly Option<double> _duck = new("--duck") { Description = "With --bed duck: by how much, up to 60 dB.", DefaultValueFactory = _ => new ObjectPayload().DuckDb, HelpName = "DB" };
    private readonly Option<string?> _caption = new("--caption") { Description = "What the object sounds like, in a few words.", HelpName = "TEXT" };
    private readonly Option<string?> _cot = new("--cot") { Description = "The chain of thought about it.", HelpName = "TEXT" };
    private readonly Option<string?> _negative = new("--negative") { Description = "What should not be heard.", HelpName = "TEXT" };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "Of a video: the file to make. mp4, mov, mkv and webm get the video, wav, flac, ogg, opus, mp3 and m4a the object's sound alone.", HelpName = "OUT" };
    private readonly Option<string> _keepAudio = new Option<string>("--keep-audio") { Description = "Of a video: its own sound is mixed with the object's, replaced, or kept as a further track.", DefaultValueFactory = _ => "mix" }
        .AcceptOnlyFromAmong("mix", "replace", "track");
    private readonly Option<string?> _track = new("--track") { Description = "Write where the object is, picture by picture with its masks, as JSON.", HelpName = "FILE" };
    private readonly Option<string?> _region = new("--region") { Description = "Write the video that the model is shown (AVI, lossless).", HelpName = "FILE" };
    private readonly Option<bool> _dry = new("--dry-run") { Description = "Find and follow the object, and make no sound." };
    private readonly Option<bool> _force = new("--force") { Description = "Replace existing files." };
    private readonly Option<bool> _json = new("--json") { Description = "The result as JSON on standard output." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "No progress; warnings and errors only." };
    private readonly GenerationArguments _generation = new(bundle => bundle.ObjectCandidates);
    private readonly ReasonerArguments _reasoners = new(mayBeNone: true);
    private readonly EngineArguments _engine = new();

    public static Command Create(Terminal terminal, Option<bool> verbose)
    {
        var refine = new RefineCommand();
        var command = new Command("refine", "Click a thing in a video, get its sound: found, followed, thought about, made, and put where the thing is.");
        command.Add(refine._input);
        refine._selection.AddTo(command);
        foreach (Option option in (Option[])[refine._segmenter, refine._view, refine._streams, refine._dilation, refine._panWidth, refine._levelRange, refine._bed, refine._duck,
                                             refine._caption, refine._cot, refine._negative, refine._output, refine._keepAudio, refine._track, refine._region, refine._dry]) command.Add(option);
        refine._generation.AddTo(command);
        refine._reasoners.AddTo(command);
        refine._engine.AddTo(command);
        foreach (Option option in (Option[])[refine._force, refine._json, refine._quiet, verbose]) command.Add(option);
        refine._streams.Require(list => list is null || ConditionStreamNames.Parse(list.Split(',')) is not null, "--streams is some of clip, sync, caption and cot, joined by commas");
        refine._dilation.Require(d => d is >= 0 and <= 2, "--dilation is 0 to 2");
        refine._panWidth.Require(w => w is >= 0 and <= 1, "--pan-width is 0 to 1");
        refine._levelRange.Require(db => db is >= 0 and <= 60, "--level-range is 0 to 60 dB");
        refine._duck.Require(db => db is > 0 and <= 60, "--duck is more than 0 and up to 60 dB");
        command.SetAction((parsed, cancel) => refine.RunAsync(parsed, terminal, cancel));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, Terminal terminal, CancellationToken cancel)
    {
        string input = parsed.GetValue(_input)!;
        bool isProject = Directory.Exists(input), isDry = parsed.GetValue(_dry);
        if (!isProject && !File.Exists(input)) throw new ResourceNotFoundException($"{input}: no such video or project");
        ObjectSelection selection = _selection.Read(parsed);
        string? output = CheckFiles(parsed, input, isProject, isDry);
        // All that can be known to be wrong, before minutes of work.
        EngineOptions? engine = isDry ? null : _engine.Read(parsed);
        BundleDescription? bundle = engine is null ? null : BundleDescription.Read(engine.BundlePath!);
        using var sam = parsed.GetValue(_segmenter) is { } folder ? Sam2Segmenter.Load(folder, engine?.Threads ?? 0) : null;
        using Project? opened = isProject ? Project.Open(input, isDry ? ProjectAccess.Read : ProjectAccess.Write) : null;
        string video = opened?.FindVideo().RequirePath() ?? input;

        var lines = parsed.GetValue(_quiet) ? null : new ProjectProgressLines(terminal);
        ObjectTrack track = await new ObjectTracker((ISegmenter?)sam ?? new ClassicalSegmenter()).TrackAsync(video, selection, lines is null ? null : new TrackLines(lines), cancel);
        lines?.End();
        if (!parsed.GetValue(_quiet)) terminal.WriteLine(Describe(track));
        ObjectPayload payload = PayloadOf(parsed, selection, bundle);
        await SaveAsync(parsed, video, track, payload, cancel);
        if (engine is null || bundle is null)
        {
            terminal.WriteResult(parsed.GetValue(_json) ? ToJson(input, track, null, null, null) : Describe(track));
            return ExitCode.Done;
        }
        Reasoning.Reasoning? reasoning = await ThinkAsync(parsed, terminal, video, track, payload, opened, engine, cancel);
        if (reasoning?.Provider == ManualReasoner.Name) payload = payload with { Words = payload.Words is { NegativeCaption: { } negative } ? new OwnWords { NegativeCaption = negative } : null };
        if (payload.Generation.Candidates > 1 && ObjectRenderer.WordsOf(payload, reasoning).Caption is null)
        {
            if (_generation.MustChoose(parsed)) throw new UsageException("--candidates: the best is the one that fits its caption best, and there is none; give --caption, or leave --candidates out");
            payload = payload with { Generation = payload.Generation with { Candidates = 1 } };
        }
        payload = payload with { Avoid = ObjectRenderer.AvoidOf(bundle, ObjectRenderer.WordsOf(payload, reasoning).Caption) };
        (Operation done, ExportedFile? file) = isProject
            ? (await ApplyAsync(opened!, engine, payload, track, reasoning, lines, cancel), null)
            : await RenderAsync(video, output!, parsed, engine, payload, track, reasoning, lines, cancel);
        lines?.End();
        foreach (string warning in done.Result.Notices.Concat(file?.Warnings ?? [])) terminal.Warn(warning);
        terminal.WriteResult(parsed.GetValue(_json) ? ToJson(input, track, done, opened, file)
            : (isProject ? $"{input}: operation {done.Id}, {done.Title}" : $"{file!.Path}: {done.Title}, {track.Start.TotalSeconds:0.00} to {track.End.TotalSeconds:0.00} s") + CandidateArguments.Describe(done.Result.Candidates));
        return ExitCode.Done;
    }

    /// <summary>The file to make; null for a project.</summary>
    private string? CheckFiles(ParseResult parsed, string input, bool isProject, bool isDry)
    {
        string? output = parsed.GetValue(_output);
        bool force = parsed.GetValue(_force);
        if (isProject && output is not null) throw new UsageException("the sound goes into the project; thinksound project render makes a file of it");
        if (!isProject && output is null && !isDry) throw new UsageException("name the file to make: -o OUT; or refine a project");
        if (!isProject && parsed.GetValue(_bed) != "keep") throw new UsageException("--bed is about a project; for a video there is --keep-audio");
        if (output is not null && !OutputFormat.IsKnown(OutputFormat.OfPath(output)))
            throw new UsageException($"{output}: its ending does not name a format; known are {string.Join(", ", OutputFormat.Known)}");
        foreach (string path in new[] { output, parsed.GetValue(_track), parsed.GetValue(_region) }.OfType<string>()) OutputPath.Check(path, isProject ? null : input, force);
        return output;
    }

    private ObjectPayload PayloadOf(ParseResult parsed, ObjectSelection selection, BundleDescription? bundle)
    {
        string? caption = Words(_caption), cot = Words(_cot), negative = Words(_negative);
        return new ObjectPayload
        {
            Selection = selection,
            Seed = _generation.Seed(parsed),
            Generation = _generation.Read(parsed, bundle),
            View = Enum.Parse<RegionView>(parsed.GetValue(_view)!, ignoreCase: true),
            Streams = parsed.GetValue(_streams) is { } list ? ConditionStreamNames.Parse(list.Split(','))!.Value : bundle?.ObjectStreams ?? ConditionStreams.All,
            Dilation = parsed.GetValue(_dilation),
            PanWidth = parsed.GetValue(_panWidth),
            LevelRangeDb = parsed.GetValue(_levelRange),
            Bed = parsed.GetValue(_bed) switch { "duck" => BedTreatment.Duck, "regenerate" => BedTreatment.Regenerate, _ => BedTreatment.Keep },
            DuckDb = parsed.GetValue(_duck),
            Words = (caption ?? cot ?? negative) is null ? null : new OwnWords { Caption = caption, ChainOfThought = cot, NegativeCaption = negative },
        };

        string? Words(Option<string?> option) => parsed.GetValue(option) is { Length: > 0 } words ? words : null;
    }

    private static RegionOptions ViewOf(ObjectPayload payload) => new() { View = payload.View, Dilation = payload.Dilation };

    private async Task SaveAsync(ParseResult parsed, string video, ObjectTrack track, ObjectPayload payload, CancellationToken cancel)
    {
        if (parsed.GetValue(_track) is { } file) OutputFile.Write(file, ObjectTrackFile.Write(track), overwrite: true);
        if (parsed.GetValue(_region) is { } region) await Task.Run(() => RegionVideo.Write(video, track, region, ViewOf(payload), null, cancel), cancel);
    }

    private async Task<Reasoning.Reasoning?> ThinkAsync(ParseResult parsed, Terminal terminal, string video, ObjectTrack track, ObjectPayload payload, Project? project, EngineOptions engine, CancellationToken cancel)
    {
        if (!_reasoners.IsNamed(parsed) && payload.Words?.ChainOfThought is not null) return null; // thought already
        IReasoner? reasoner = _reasoners.Read(parsed, () => engine);
        if (reasoner is null || (reasoner is ReasonerChain && !reasoner.Accepts(new ReasoningRequest { Video = video, Caption = payload.Words?.Caption }))) return null;
        ExistingSound[] existing = [.. (project?.State.Tracks ?? []).Where(t => t.Id != Track.Bed).Select(t => new ExistingSound(t.Name, t.Description))];
        return await ReasoningLines.ShowAsync(terminal, parsed.GetValue(_quiet), lines =>
            ObjectThinker.ThinkAsync(reasoner, video, track, ViewOf(payload), payload.Words, existing, ReasonerArguments.Tokens(engine.BundlePath, terminal), lines.Show, lines, cancel));
    }

    private static Task<Operation> ApplyAsync(Project project, EngineOptions engine, ObjectPayload payload, ObjectTrack track, Reasoning.Reasoning? reasoning, IProgress<ProjectProgress>? progress, CancellationToken cancel)
    {
        payload = payload with { Trajectory = track.ToTrajectory(project.Stems.Put(ObjectTrackFile.Write(track))) };
        return Run();

        async Task<Operation> Run()
        {
            using var renderers = new ProjectRenderers(engine);
            return await project.ApplyAsync(payload, reasoning, renderers.All, null, progress, cancel);
        }
    }

    /// <summary>Without a project of the user's, one for the while.</summary>
    private async Task<(Operation, ExportedFile?)> RenderAsync(string video, string output, ParseResult parsed, EngineOptions engine, ObjectPayload payload, ObjectTrack track,
        Reasoning.Reasoning? reasoning, IProgress<ProjectProgress>? progress, CancellationToken cancel)
    {
        string folder = Directory.CreateTempSubdirectory("thinksound-refine-").FullName;
        try
        {
            using Project project = await Project.CreateAsync(folder, video, cancel);
            Operation done = await ApplyAsync(project, engine, payload, track, reasoning, progress, cancel);
            var options = new ExportOptions
            {
                Overwrite = parsed.GetValue(_force),
                KeepAudio = parsed.GetValue(_keepAudio) switch { "replace" => KeepAudio.Replace, "track" => KeepAudio.Track, _ => KeepAudio.Mix },
            };
            return (done, await ProjectExport.RenderAsync(project, output, options, progress, cancel));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Describe(ObjectTrack track)
    {
        string events = string.Join(", ", track.Events.Select(e => string.Create(CultureInfo.InvariantCulture, $"{Name(e.Kind)} at {e.Time.TotalSeconds:0.00} s")));
        return string.Create(CultureInfo.InvariantCulture, $"followed from {track.Start.TotalSeconds:0.00} to {track.End.TotalSeconds:0.00} s ({track.Segmenter}), seen {track.SeenShare:P0} of it") +
               (events.Length > 0 ? $": {events}" : "");
    }

    private static string Name(TrackEventKind kind) => kind switch
    {
        TrackEventKind.CutBefore or TrackEventKind.CutAfter => "cut", TrackEventKind.Appears => "appears", TrackEventKind.Lost => "lost", _ => "found again",
    };

    private static string ToJson(string input, ObjectTrack track, Operation? done, Project? project, ExportedFile? file) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("version", CommandLine.Version);
        json.WriteString("input", input);
        json.WriteStartObject("object");
        json.WriteString("segmenter", track.Segmenter);
        json.WriteNumber("start_s", Math.Round(track.Start.TotalSeconds, 6));
        json.WriteNumber("end_s", Math.Round(track.End.TotalSeconds, 6));
        json.WriteNumber("frames", track.Frames.Count);
        json.WriteNumber("seen_share", track.SeenShare);
        VideoRegion bounds = track.Bounds();
        json.WriteStartArray("bounds");
        foreach (double value in (double[])[bounds.X, bounds.Y, bounds.Width, bounds.Height]) json.WriteNumberValue(Math.Round(value, 6));
        json.WriteEndArray();
        json.WriteStartArray("events");
        foreach (TrackEvent e in track.Events)
        {
            json.WriteStartObject();
            json.WriteString("kind", Name(e.Kind));
            json.WriteNumber("time_s", Math.Round(e.Time.TotalSeconds, 6));
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
        if (done is not null) Write(json, done, project, file);
        json.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter json, Operation done, Project? project, ExportedFile? file)
    {
        if (project is not null) json.WriteNumber("operation", done.Id);
        Track stem = done.Result.Tracks[0];
        json.WriteString("title", done.Title);
        json.WriteString("caption", stem.Description);
        json.WriteString("reasoning_provider", done.Reasoning?.Provider);
        json.WriteString("cot", done.Reasoning?.ChainOfThought);
        json.WriteString("track", stem.Id);
        json.WriteString("sha256", stem.Audio.Hash);
        json.WriteNumber("num_samples", stem.Audio.NumSamples);
        CandidateArguments.Write(json, done.Result.Candidates);
        foreach (var (name, points) in (IEnumerable<(string, IReadOnlyList<AutomationPoint>)>)[("pan", stem.Pan), ("level_db", stem.LevelDb)])
        {
            json.WriteStartArray(name);
            foreach (AutomationPoint point in points)
            {
                json.WriteStartArray();
                json.WriteNumberValue(Math.Round(point.Time.TotalSeconds, 6));
                json.WriteNumberValue(point.Value);
                json.WriteEndArray();
            }
            json.WriteEndArray();
        }
        if (file is not null) json.WriteString("output", file.Path);
        json.WriteStartArray("warnings");
        foreach (string warning in done.Result.Notices.Concat(file?.Warnings ?? [])) json.WriteStringValue(warning);
        json.WriteEndArray();
    }

    private sealed class TrackLines(IProgress<ProjectProgress> lines) : IProgress<TrackProgress>
    {
        public void Report(TrackProgress value) =>
            lines.Report(new ProjectProgress("following", value.Fraction, string.Create(CultureInfo.InvariantCulture, $"at {value.Time.TotalSeconds:0.0} s{(value.IsSeen ? "" : ", not seen")}")));
    }
}
