using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ThinkSound.Benchmarks;

/// <summary>What a benchmark measured, and on what.</summary>
public sealed record BenchmarkReport
{
    /// <summary>Always "thinksound-bench".</summary>
    public string Format { get; init; } = "thinksound-bench";
    /// <summary>Of the file format.</summary>
    public int Version { get; init; } = 1;
    /// <summary>Seconds from call to finished sound, everything loaded.</summary>
    public required double LatencyS { get; init; }
    /// <summary>Latency over the length of the sound: below 1 is faster than real time.</summary>
    public required double Rtf { get; init; }
    /// <summary>Largest resident memory of the process, in bytes.</summary>
    public required long PeakMemory { get; init; }
    /// <summary>Useful 10⁹ operations a second that the backend's best matrix product reaches, measured in the same run; null
    /// if it was not measured.</summary>
    public double? CeilingGflops { get; init; }
    /// <summary>What was asked for.</summary>
    public required BenchmarkSettings Settings { get; init; }
    /// <summary>Where it ran.</summary>
    public required BenchmarkEnvironment Environment { get; init; }
    /// <summary>Each stage.</summary>
    public required IReadOnlyList<StageMeasurement> Stages { get; init; }
    /// <summary>Stages that could not run, and why.</summary>
    public IReadOnlyList<string> Skipped { get; init; } = [];

    /// <summary>The stage of a name; null if it was not measured.</summary>
    public StageMeasurement? Find(string name) => Stages.FirstOrDefault(stage => stage.Name == name);

    /// <summary>As JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, BenchmarkJson.Readable.BenchmarkReport);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="ArgumentException">It is no report of this format.</exception>
    public static BenchmarkReport FromJson(string json, string origin = "report")
    {
        try
        {
            BenchmarkReport report = JsonSerializer.Deserialize(json, BenchmarkJson.Default.BenchmarkReport)
                                     ?? throw new ArgumentException($"{origin}: is empty");
            if (report.Format != "thinksound-bench" || report.Version != 1)
                throw new ArgumentException($"{origin}: format {report.Format} {report.Version} is not thinksound-bench 1");
            if (report.Stages.Any(stage => stage.SamplesS.Count == 0)) throw new ArgumentException($"{origin}: has a stage without samples");
            return report;
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"{origin}: is no report of thinksound bench: {e.Message}", e);
        }
    }
}

/// <summary>What a benchmark was asked for.</summary>
public sealed record BenchmarkSettings
{
    /// <summary>Length of the sound.</summary>
    public required double DurationS { get; init; }
    /// <summary>Steps of the sampler.</summary>
    public required int Steps { get; init; }
    /// <summary>Guidance; 1 is off and halves the work.</summary>
    public required float Cfg { get; init; }
    /// <summary>"Euler", …</summary>
    public required string Sampler { get; init; }
    /// <summary>Samples asked for of each stage.</summary>
    public required int Repeats { get; init; }
    /// <summary>Runs before the first sample.</summary>
    public required int WarmUp { get; init; }
    /// <summary>CLIP frames a sample, of how many a clip has.</summary>
    public required int ClipFrames { get; init; }
    /// <summary>CLIP frames of a clip.</summary>
    public required int ClipFramesOf { get; init; }
    /// <summary>Synchformer segments a sample.</summary>
    public required int SyncSegments { get; init; }
    /// <summary>Synchformer segments of a clip.</summary>
    public required int SyncSegmentsOf { get; init; }
}

/// <summary>Where a benchmark ran.</summary>
public sealed record BenchmarkEnvironment
{
    /// <summary>When, in UTC.</summary>
    public required DateTimeOffset Time { get; init; }
    /// <summary>Processor or card.</summary>
    public required string DeviceName { get; init; }
    /// <summary>"cpu", "cuda:0".</summary>
    public required string Device { get; init; }
    /// <summary>Backend and instruction sets.</summary>
    public required string DeviceDetail { get; init; }
    /// <summary>"f32", "bf16", "f16", "int8" or "fp8".</summary>
    public required string Precision { get; init; }
    /// <summary>Worker threads.</summary>
    public required int Threads { get; init; }
    /// <summary>Operating system.</summary>
    public required string Os { get; init; }
    /// <summary>Runtime of the program.</summary>
    public required string Runtime { get; init; }
    /// <summary>Version of the managed part, with its commit.</summary>
    public required string Version { get; init; }
    /// <summary>Version of the native library.</summary>
    public required string NativeVersion { get; init; }
    /// <summary>Name of the bundle.</summary>
    public required string Bundle { get; init; }
    /// <summary>Fingerprint of the bundle's files; null for synthetic weights.</summary>
    public string? BundleFingerprint { get; init; }
    /// <summary>Parameters of all loaded networks.</summary>
    public required long Parameters { get; init; }
    /// <summary>Bytes of the packed weights.</summary>
    public required long WeightsBytes { get; init; }
    /// <summary>Other work on the machine when it began: processes that wanted to run; null where the system does not tell.</summary>
    public double? LoadAverage { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true,
                             DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BenchmarkReport))]
internal sealed partial class BenchmarkJson : JsonSerializerContext
{
    /// <summary>For people too: "+" is written as itself.</summary>
    public static BenchmarkJson Readable => _readable ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static BenchmarkJson? _readable; // made when asked for: Default may be initialised after this class's own fields
}
