using System.Globalization;
using System.Text.Json;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Texts;
using ThinkSound.Rendering;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Cli;

/// <summary>Does the jobs of one call of <c>generate</c> and tells how they went.</summary>
internal sealed class GenerateRun(Terminal terminal, GenerateRequest request, CancellationToken cancel)
{
    private readonly List<Done> _done = [];
    private ITokenCounter? _tokens; // of the model, once somebody thinks
    private bool _hasWarned;

    /// <summary>A job, what was thought about it, what came of it, and why there is no more.</summary>
    private sealed record Done(FoleyJob Job, Reasoning.Reasoning? Reasoning, IReadOnlyList<FoleyResult> Results, Exception? Failure = null)
    {
        /// <summary>Outputs that were there already.</summary>
        public IReadOnlyList<FoleyOutput> Kept { get; init; } = [];
    }

    public async Task<int> RunAsync()
    {
        if (request.IsVerbose) ThinkSoundRuntime.UseLogger(new TerminalLogger(terminal));
        using var pipeline = new FoleyPipeline(request.Engine, new FoleyPipelineOptions
        {
            Cache = request.UseCache ? FeatureCache.Default : null,
            KeepsVision = request.Jobs.Count > 1,
            Notice = terminal.Warn,
            ModelReady = request.IsVerbose ? ShowModel : null,
        });
        for (int i = 0; i < request.Jobs.Count; i++)
        {
            FoleyJob job = request.Jobs[i];
            string title = request.IsFolder ? $"{i + 1} of {request.Jobs.Count}, {Path.GetFileName(job.Video)}: " : "";
            if (request.IsFolder && i == 0) MakeFolder(Path.GetDirectoryName(Path.GetFullPath(job.Outputs[0].Path!))!);
            FoleyOutput[] kept = request.SkipsExisting ? [.. job.Outputs.Where(output => File.Exists(output.Path))] : [];
            if (!request.IsQuiet)
                foreach (FoleyOutput output in kept) terminal.WriteLine($"{output.Path}: is there already");
            job = job with { Outputs = [.. job.Outputs.Except(kept)] };
            if (job.Outputs.Count == 0)
            {
                _done.Add(new Done(job, null, []) { Kept = kept });
                continue;
            }
            var progress = request.IsQuiet ? null : new ProgressLines(terminal, title, job.Outputs.Count);
            try
            {
                // What was written before a failure stays and is told.
                var results = new List<FoleyResult>();
                _done.Add(new Done(job, null, results) { Kept = kept });
                // Minutes of thinking should not end at a file that could never be written.
                FoleyPlan plan = await FoleyPlan.OfAsync(job, cancel);
                if (await ThinkAsync(plan, pipeline) is { } reasoning)
                {
                    Conditions given = job.Conditions;
                    plan = plan with { Job = job with { Conditions = WordsOf(reasoning, given), WordsFor = window => WordsFor(reasoning, window, given) } };
                    _done[^1] = _done[^1] with { Job = plan.Job, Reasoning = reasoning };
                }
                await foreach (FoleyResult result in pipeline.RunPlanAsync(plan, progress, cancel))
                {
                    results.Add(result);
                    progress?.EndStage();
                    if (!request.IsJson && result.Output.Path is not null) terminal.WriteResult(Line(result));
                }
            }
            catch (Exception e) when (request.IsFolder)
            {
                _done[^1] = _done[^1] with { Failure = e };
                // One bad file does not stop the others; a missing library or memory would fail them all.
                if (ExitCode.Of(e) is ExitCode.Environment or ExitCode.Cancelled)
                {
                    if (request.IsJson) terminal.WriteResult(ToJson(pipeline)); // what was done until then
                    throw;
                }
                terminal.WriteLine(NameOnce(job.Video!, CommandLine.Describe(e)));
            }
        }
        return Finish(pipeline);
    }

    /// <summary>What somebody thinks about a job; null if nobody is asked or nobody takes it.</summary>
    private async Task<Reasoning.Reasoning?> ThinkAsync(FoleyPlan plan, FoleyPipeline pipeline)
    {
        FoleyJob job = plan.Job;
        var about = new ReasoningRequest
        {
            Video = job.Video, Start = job.Start, Duration = plan.Duration, Caption = job.Conditions.Caption, ChainOfThought = job.Conditions.ChainOfThought,
            Previous = request.ReasoningFile is { } file ? await ReasoningFile.LoadAsync(file, cancel) : null,
            Watch = (progress, cancel) => pipeline.WatchPlanAsync(plan, progress is null ? null : new Watching(progress), cancel), // once, for the thought and for the sound
        };
        IReasoner? reasoner = request.Reasoner ?? (about.Previous is null ? null : new ManualReasoner());
        if (reasoner is null || (reasoner is ReasonerChain && !reasoner.Accepts(about))) return null;
        _tokens ??= ReasonerArguments.Tokens(request.Engine.BundlePath, terminal);
        return await ReasoningLines.ThinkAsync(reasoner, about with { Tokens = _tokens }, terminal, request.IsQuiet, cancel);
    }

    /// <summary>What the one thought about the whole says of a window.</summary>
    private Conditions WordsFor(Reasoning.Reasoning reasoning, FoleyWindow window, Conditions given)
    {
        Reasoning.Reasoning part = reasoning.Within(new TimeRange(window.Start, window.Start + window.Duration));
        if (given.ChainOfThought is not null && KeepsWords(reasoning)) part = part with { ChainOfThought = reasoning.ChainOfThought }; // one's own is for every window
        return WordsOf(_tokens is null ? part : part.Fit(_tokens), given);
    }

    /// <summary>The thought's words beside the user's own, and none that the model has no encoder for.</summary>
    private Conditions WordsOf(Reasoning.Reasoning reasoning, Conditions given)
    {
        Conditions thought = reasoning.ToConditions();
        if (thought.ChainOfThought is not null && !Reads(TextEncoder.T5) && !_hasWarned)
        {
            _hasWarned = true; // once, however many windows there are
            terminal.Warn("the model has no encoder for a chain of thought, so the caption alone counts");
        }
        // A model rewrites the user's caption, which stays; others only made it fit. One that nothing reads is left to be complained about.
        bool staysAsGiven = given.Caption is not null && (!KeepsWords(reasoning) || !Reads(TextEncoder.Clip));
        return given with
        {
            Caption = staysAsGiven ? given.Caption : Reads(TextEncoder.Clip) ? thought.Caption : null,
            ChainOfThought = Reads(TextEncoder.T5) ? thought.ChainOfThought : null,
        };

        bool Reads(TextEncoder encoder) => _tokens?.Count(encoder, "") is not null;
    }

    /// <summary>The user's own words are in the thought as they were, or as far as the model reads them.</summary>
    private static bool KeepsWords(Reasoning.Reasoning reasoning) => reasoning.Provider is ManualReasoner.Name or RecogniserReasoner.Name;

    /// <summary>What the pipeline tells of its watching, as whoever thinks tells it.</summary>
    private sealed class Watching(IProgress<ReasoningProgress> progress) : IProgress<FoleyProgress>
    {
        public void Report(FoleyProgress value)
        {
            if (value.Stage == FoleyStage.Watch) progress.Report(new ReasoningProgress(ReasoningActivity.Watching, value.Fraction, value.Detail));
        }
    }

    /// <summary>A sentence that names its file, which most do.</summary>
    private static string NameOnce(string file, string sentence) => sentence.StartsWith(file, StringComparison.Ordinal) ? sentence : $"{file}: {sentence}";

    private int Finish(FoleyPipeline pipeline)
    {
        int failed = _done.Count(job => job.Failure is not null), kept = _done.Count(job => job.Job.Outputs.Count == 0);
        if (request.IsJson) terminal.WriteResult(ToJson(pipeline));
        if (request.IsFolder && !request.IsQuiet)
            terminal.WriteLine($"{_done.Count - failed - kept} of {_done.Count} videos done" + (kept > 0 ? $", {kept} there already" : "") + (failed > 0 ? $", {failed} failed" : ""));
        return failed > 0 ? ExitCode.Failed : ExitCode.Done;
    }

    private static void MakeFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{folder}: cannot be made: {e.Message}", e);
        }
    }

    private void ShowModel(ThinkSoundEngine engine, GenerateOptions options)
    {
        EngineInfo info = engine.Info;
        terminal.WriteLine($"model {info.Name} on {info.Device} ({info.DeviceChoice}): {Units.Count(info.Parameters)} parameters, {info.Precision}, {info.Threads} threads");
        MemoryPlan plan = engine.PlanMemory(options);
        terminal.WriteLine($"memory: {Units.Bytes(plan.WeightsBytes)} weights + {Units.Bytes(plan.ArenaBytes)} work " +
                           $"(text {Units.Bytes(plan.TextBytes)}, frames {Units.Bytes(plan.VisionBytes)}, sampling {Units.Bytes(plan.SampleBytes)}, decoding {Units.Bytes(plan.DecodeBytes)})");
    }

    private static string Line(FoleyResult result)
    {
        double took = result.Seconds.Values.Sum();
        string loudness = double.IsFinite(result.LoudnessLufs) ? $"{Units.Decibels(result.LoudnessLufs)} LUFS" : "silent";
        return string.Create(CultureInfo.InvariantCulture, $"{result.Output.Path}: {result.Duration.TotalSeconds:0.00} s of sound{(result.Windows.Count > 0 ? $" in {result.Windows.Count} windows" : "")}, seed {result.Output.Seed}{CandidateArguments.Describe(result.Candidates)}, {loudness}, made in {Units.Time(TimeSpan.FromSeconds(took))}{(result.FeaturesFromCache ? " (the video had been watched before)" : "")}");
    }

    private string ToJson(FoleyPipeline pipeline) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("version", CommandLine.Version);
        if (pipeline.Model is { } model)
        {
            json.WriteStartObject("model");
            json.WriteString("name", model.Name);
            json.WriteString("device", model.Device);
            json.WriteString("precision", model.Precision);
            json.WriteNumber("threads", model.Threads);
            json.WriteNumber("parameters", model.Parameters);
            json.WriteEndObject();
        }
        json.WriteStartArray("results");
        foreach (Done done in _done)
        {
            foreach (FoleyOutput output in done.Kept) WriteKept(json, done.Job, output);
            foreach (FoleyResult result in done.Results) WriteResult(json, done, result);
            if (done.Failure is { } failure) WriteFailure(json, done.Job, failure);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void WriteResult(Utf8JsonWriter json, Done done, FoleyResult result)
    {
        FoleyJob job = done.Job;
        json.WriteStartObject();
        json.WriteString("status", "done");
        json.WriteString("input", job.Video);
        json.WriteString("output", result.Output.Path);
        json.WriteString("picture", result.Output.Picture);
        json.WriteString("caption", job.Conditions.Caption);
        json.WriteString("cot", job.Conditions.ChainOfThought);
        json.WriteString("reasoning_provider", done.Reasoning?.Provider);
        json.WriteNumber("seed", result.Output.Seed);
        CandidateArguments.Write(json, result.Candidates);
        json.WriteNumber("steps", result.Generate.Steps!.Value);
        json.WriteNumber("cfg", result.Generate.GuidanceScale!.Value);
        json.WriteNumber("start_s", job.Start.TotalSeconds);
        json.WriteNumber("duration_s", result.Duration.TotalSeconds);
        json.WriteNumber("num_samples", result.Samples);
        json.WriteNumber("sample_rate", result.SampleRate);
        json.WriteString("container", result.Container);
        json.WriteString("codec", result.Codec);
        json.WriteNumber("bytes", result.Bytes);
        json.WriteNumber("gain", result.Gain);
        if (double.IsFinite(result.LoudnessLufs)) json.WriteNumber("loudness_lufs", result.LoudnessLufs);
        else json.WriteNull("loudness_lufs");
        json.WriteBoolean("features_from_cache", result.FeaturesFromCache);
        json.WriteStartArray("windows");
        foreach (FoleyWindow window in result.Windows)
        {
            json.WriteStartObject();
            json.WriteNumber("start_s", window.Start.TotalSeconds);
            json.WriteNumber("duration_s", window.Duration.TotalSeconds);
            json.WriteNumber("known_s", window.Known.TotalSeconds);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartObject("seconds");
        foreach (var (stage, seconds) in result.Seconds) json.WriteNumber(stage.ToString().ToLowerInvariant(), Math.Round(seconds, 6));
        json.WriteEndObject();
        json.WriteStartArray("warnings");
        foreach (string warning in result.Warnings) json.WriteStringValue(warning);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteKept(Utf8JsonWriter json, FoleyJob job, FoleyOutput output)
    {
        json.WriteStartObject();
        json.WriteString("status", "skipped");
        json.WriteString("input", job.Video);
        json.WriteString("output", output.Path);
        json.WriteEndObject();
    }

    private static void WriteFailure(Utf8JsonWriter json, FoleyJob job, Exception failure)
    {
        json.WriteStartObject();
        json.WriteString("status", "failed");
        json.WriteString("input", job.Video);
        json.WriteString("error", CommandLine.Describe(failure));
        json.WriteNumber("exit_code", ExitCode.Of(failure));
        json.WriteEndObject();
    }
}
