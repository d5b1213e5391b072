using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ThinkSound.Bundles;

namespace ThinkSound.Cli;

/// <summary><c>thinksound info</c>: what a bundle holds, and the memory it takes.</summary>
internal static class InfoCommand
{
    private static readonly double[] DefaultDurations = [8, 30, 60];

    public static Command Create(Terminal terminal)
    {
        var command = new Command("info", "What a bundle holds, how many parameters, and the memory that a generation takes.");
        var engine = new EngineArguments(allowsAll: true);
        var synthetic = new Option<string?>("--synthetic") { Description = "Instead of a bundle: \"published\" for the published sizes with random weights, or a bundle.json without weights." };
        var duration = new Option<double?>("--duration") { Description = "Seconds to plan memory for. Default: 8, 30 and 60.", HelpName = "SECONDS" };
        var noMemory = new Option<bool>("--no-memory") { Description = "Only read the bundle's description; load nothing." };
        var json = new Option<bool>("--json") { Description = "As JSON." };
        engine.AddTo(command);
        foreach (Option option in (Option[])[synthetic, duration, noMemory, json]) command.Add(option);
        duration.Require(s => s is null or (>= 1 and <= 60), "--duration is 1 to 60 seconds");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string? sizes = parsed.GetValue(synthetic);
            EngineOptions options = engine.Read(parsed, sizes);
            BundleDescription? bundle = sizes is null ? BundleDescription.Read(options.BundlePath!) : null;
            var loads = new List<Loaded>();
            if (!parsed.GetValue(noMemory) || bundle is null)
            {
                IReadOnlyList<double> durations = parsed.GetValue(duration) is { } one ? [one] : DefaultDurations;
                foreach (string device in Devices(options.Device))
                {
                    var progress = new LoadLine(terminal, $"loading the model on {device} to plan its memory");
                    using ThinkSoundEngine model = await ThinkSoundEngine.LoadAsync(options with { Device = device }, progress, cancellationToken);
                    bundle ??= model.Bundle;
                    loads.Add(new Loaded(model.Info, [.. durations.Select(seconds => (seconds, model.PlanMemory(new GenerateOptions { Duration = TimeSpan.FromSeconds(seconds) })))]));
                }
                terminal.EndLive();
            }
            terminal.WriteResult(parsed.GetValue(json) ? ToJson(bundle!, loads) : ToText(bundle!, loads));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>A model on a device, and the memory that generations of some lengths take there.</summary>
    private sealed record Loaded(EngineInfo Info, IReadOnlyList<(double Seconds, MemoryPlan Plan)> Plans);

    private sealed class LoadLine(Terminal terminal, string title) : IProgress<GenerateProgress>
    {
        public void Report(GenerateProgress value) => terminal.WriteLive(string.Create(CultureInfo.InvariantCulture, $"{title}  {value.Fraction:P0}"));
    }

    private static IEnumerable<string> Devices(string device) =>
        device == EngineArguments.All ? ThinkSoundRuntime.GetDevices().Where(d => d.IsAvailable).Select(d => d.Id) : [device];

    private static string ToText(BundleDescription bundle, IReadOnlyList<Loaded> loads)
    {
        var lines = new List<string> { bundle.Name };
        if (bundle.Folder is { } folder) lines.Add($"  folder   {folder}");
        if (bundle.License.Length > 0) lines.Add($"  licence  {bundle.License}");
        if (bundle.Origin.Length > 0) lines.Add($"  origin   {bundle.Origin}");
        lines.Add("");
        var table = new Table("network", "parameters", "stored as", "on disk", "tokenizer") { WordColumns = new HashSet<int> { 2, 4 } };
        foreach (BundleComponent component in bundle.Components)
        {
            IReadOnlyDictionary<string, long> counts = component.CountParameters();
            table.Add(component.Kind, counts.Count == 0 ? "-" : Units.Count(counts.Values.Sum()), string.Join(" ", counts.Keys),
                      component.Files.Count == 0 ? "-" : Units.Bytes(DiskBytes(component)), component.Tokenizer is { } file ? Path.GetFileName(file) : "");
        }
        lines.Add(table.ToString());
        foreach (var (loaded, plans) in loads)
        {
            lines.Add("");
            lines.Add($"loaded on {loaded.Device} ({loaded.DeviceChoice}): {Units.Count(loaded.Parameters)} parameters, {loaded.Precision} products, {Units.Bytes(loaded.WeightsBytes)}");
            if (loaded.Classes.Count > 0)
            {
                lines.Add($"recognises {loaded.Classes.Count} classes: {string.Join(", ", loaded.Classes)}");
                lines.Add($"       and {loaded.Materials.Count} materials: {string.Join(", ", loaded.Materials)}");
            }
            lines.Add("");
            var memory = new Table("memory for", "weights", "text", "frames", "recognising", "sampling", "decoding", "together");
            foreach (var (seconds, plan) in plans)
                memory.Add(string.Create(CultureInfo.InvariantCulture, $"{seconds:0.##} s"), Units.Bytes(plan.WeightsBytes), Units.Bytes(plan.TextBytes),
                           Units.Bytes(plan.VisionBytes), Units.Bytes(plan.RecogniseBytes), Units.Bytes(plan.SampleBytes), Units.Bytes(plan.DecodeBytes), Units.Bytes(plan.TotalBytes));
            lines.Add(memory.ToString());
        }
        if (loads.Count > 0) lines.Add("(stages run one after the other and share their working memory: weights and the largest of them count)");
        return string.Join(Environment.NewLine, lines);
    }

    private static long DiskBytes(BundleComponent component) => component.Files.Sum(file => new FileInfo(file).Length);

    private static string ToJson(BundleDescription bundle, IReadOnlyList<Loaded> loads) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("name", bundle.Name);
        json.WriteNumber("version", bundle.Version);
        json.WriteString("folder", bundle.Folder);
        json.WriteString("license", bundle.License);
        json.WriteString("origin", bundle.Origin);
        json.WriteNumber("sample_rate", bundle.SampleRate);
        json.WriteStartArray("components");
        foreach (BundleComponent component in bundle.Components)
        {
            json.WriteStartObject();
            json.WriteString("kind", component.Kind);
            json.WriteStartObject("parameters");
            foreach (var (type, count) in component.CountParameters()) json.WriteNumber(type, count);
            json.WriteEndObject();
            json.WriteStartArray("files");
            foreach (string file in component.Files) json.WriteStringValue(file);
            json.WriteEndArray();
            json.WriteNumber("bytes", DiskBytes(component));
            json.WriteString("tokenizer", component.Tokenizer);
            json.WritePropertyName("config");
            json.WriteRawValue(component.Config);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("loaded");
        foreach (var (loaded, plans) in loads) WriteLoaded(json, loaded, plans);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void WriteLoaded(Utf8JsonWriter json, EngineInfo loaded, IReadOnlyList<(double Seconds, MemoryPlan Plan)> plans)
    {
        json.WriteStartObject();
        json.WriteString("device", loaded.Device);
        json.WriteString("device_choice", loaded.DeviceChoice);
        json.WriteString("precision", loaded.Precision);
        json.WriteNumber("parameters", loaded.Parameters);
        json.WriteNumber("weights_bytes", loaded.WeightsBytes);
        json.WriteNumber("threads", loaded.Threads);
        WriteNames(json, "classes", loaded.Classes);
        WriteNames(json, "materials", loaded.Materials);
        json.WriteNumber("onsets_per_step", loaded.OnsetsPerStep);
        json.WriteStartArray("memory");
        foreach (var (seconds, plan) in plans)
        {
            json.WriteStartObject();
            json.WriteNumber("duration_s", seconds);
            json.WriteNumber("weights_bytes", plan.WeightsBytes);
            json.WriteNumber("arena_bytes", plan.ArenaBytes);
            json.WriteNumber("text_bytes", plan.TextBytes);
            json.WriteNumber("vision_bytes", plan.VisionBytes);
            json.WriteNumber("recognise_bytes", plan.RecogniseBytes);
            json.WriteNumber("sample_bytes", plan.SampleBytes);
            json.WriteNumber("decode_bytes", plan.DecodeBytes);
            json.WriteNumber("total_bytes", plan.TotalBytes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteNames(Utf8JsonWriter json, string key, IReadOnlyList<string> names)
    {
        json.WriteStartArray(key);
        foreach (string name in names) json.WriteStringValue(name);
        json.WriteEndArray();
    }
}
