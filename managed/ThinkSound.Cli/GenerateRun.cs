using System.Globalization;
using System.Text.Json;
using ThinkSound.Rendering;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Cli;

/// <summary>Does the jobs of one call of <c>generate</c> and tells how they went.</summary>
internal sealed class GenerateRun(Terminal terminal, GenerateRequest request, CancellationToken cancel)
{
    private readonly List<(FoleyJob Job, IReadOnlyList<FoleyResult> Results, Exception? Failure)> _done = [];

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
            var progress = request.IsQuiet ? null : new ProgressLines(terminal, title, job.Outputs.Count);
            try
            {
                // What was written before a failure stays and is told.
                var results = new List<FoleyResult>();
                _done.Add((job, results, null));
                await foreach (FoleyResult result in pipeline.RunAsync(job, progress, cancel))
                {
                    results.Add(result);
                    progress?.EndStage();
                    if (!request.IsJson && result.Output.Path is not null) terminal.WriteResult(Line(result));
                }
            }
            catch (Exception e) when (request.IsFolder && e is not OperationCanceledException && ExitCode.Of(e) != ExitCode.Environment)
            {
                // One bad file does not stop the others; a missing library or memory would fail them all.
                terminal.WriteLine($"{job.Video}: {CommandLine.Describe(e)}");
                _done[^1] = (job, _done[^1].Results, e);
            }
        }
        return Finish(pipeline);
    }

    private int Finish(FoleyPipeline pipeline)
    {
        int failed = _done.Count(job => job.Failure is not null);
        if (request.IsJson) terminal.WriteResult(ToJson(pipeline));
        if (request.IsFolder && !request.IsQuiet)
            terminal.WriteLine($"{_done.Count - failed} of {_done.Count} videos done" + (failed > 0 ? $", {failed} failed" : ""));
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
        string loudness = double.IsFinite(result.LoudnessLufs) ? result.LoudnessLufs.ToString("0.0 LUFS;−0.0 LUFS", CultureInfo.InvariantCulture) : "silent";
        return string.Create(CultureInfo.InvariantCulture, $"{result.Output.Path}: {result.Clip.Duration.TotalSeconds:0.00} s of sound, seed {result.Output.Seed}, {loudness}, made in {Units.Time(TimeSpan.FromSeconds(took))}{(result.FeaturesFromCache ? " (the video had been watched before)" : "")}");
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
        foreach (var (job, results, failure) in _done)
        {
            foreach (FoleyResult result in results) WriteResult(json, job, result);
            if (failure is not null) WriteFailure(json, job, failure);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void WriteResult(Utf8JsonWriter json, FoleyJob job, FoleyResult result)
    {
        json.WriteStartObject();
        json.WriteString("status", "done");
        json.WriteString("input", job.Video);
        json.WriteString("output", result.Output.Path);
        json.WriteString("picture", result.Output.Picture);
        json.WriteString("caption", job.Conditions.Caption);
        json.WriteString("cot", job.Conditions.ChainOfThought);
        json.WriteNumber("seed", result.Output.Seed);
        json.WriteNumber("steps", job.Generate.Steps);
        json.WriteNumber("cfg", job.Generate.GuidanceScale);
        json.WriteNumber("start_s", job.Start.TotalSeconds);
        json.WriteNumber("duration_s", result.Clip.Duration.TotalSeconds);
        json.WriteNumber("num_samples", result.Clip.Samples);
        json.WriteNumber("sample_rate", result.Clip.SampleRate);
        json.WriteString("container", result.Container);
        json.WriteString("codec", result.Codec);
        json.WriteNumber("bytes", result.Bytes);
        json.WriteNumber("gain", result.Gain);
        if (double.IsFinite(result.LoudnessLufs)) json.WriteNumber("loudness_lufs", result.LoudnessLufs);
        else json.WriteNull("loudness_lufs");
        json.WriteBoolean("features_from_cache", result.FeaturesFromCache);
        json.WriteStartObject("seconds");
        foreach (var (stage, seconds) in result.Seconds) json.WriteNumber(stage.ToString().ToLowerInvariant(), Math.Round(seconds, 6));
        json.WriteEndObject();
        json.WriteStartArray("warnings");
        foreach (string warning in result.Warnings) json.WriteStringValue(warning);
        json.WriteEndArray();
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
