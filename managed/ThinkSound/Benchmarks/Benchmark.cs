using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using ThinkSound.Bundles;

namespace ThinkSound.Benchmarks;

/// <summary>What to measure.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>What to load.</summary>
    public required EngineOptions Engine { get; init; }
    /// <summary>Length, steps, guidance and sampler of the clip.</summary>
    public GenerateOptions Generate { get; init; } = new() { Duration = TimeSpan.FromSeconds(9) };
    /// <summary>Samples of each stage, at least 1.</summary>
    public int Repeats { get; init; } = 5;
    /// <summary>Runs before the first sample; the very first is reported as cold.</summary>
    public int WarmUp { get; init; } = 1;
    /// <summary>A stage stops early, but not before its first sample, when it has taken this long.</summary>
    public TimeSpan StageBudget { get; init; } = TimeSpan.FromSeconds(60);
    /// <summary>CLIP frames a sample; 0 takes all that the clip has.</summary>
    public int ClipFrames { get; init; } = 8;
    /// <summary>Synchformer segments a sample; 0 takes all that the clip has.</summary>
    public int SyncSegments { get; init; } = 2;
    /// <summary>Size of the frames that are given to the vision towers.</summary>
    public (int Width, int Height) FrameSize { get; init; } = (640, 360);
}

/// <summary>Measures every stage from words and frames to sound. Inputs are made up and the same every time.</summary>
public sealed class Benchmark
{
    private const string Caption = "a dog barks twice, then a car passes on a wet road";
    private const string ChainOfThought = "First a dog barks twice, sharp and close, with a short echo from the houses. After a second of quiet rain " +
                                          "a car passes from left to right on the wet road, its tyres hissing, and fades away.";

    private BenchmarkOptions _options;
    private readonly IProgress<string>? _progress;
    private readonly CancellationToken _cancel;
    private readonly List<StageMeasurement> _stages = [];
    private readonly List<string> _skipped = [];

    private Benchmark(BenchmarkOptions options, IProgress<string>? progress, CancellationToken cancel) =>
        (_options, _progress, _cancel) = (options, progress, cancel);

    /// <summary>Runs the benchmark.</summary>
    /// <param name="options">What to measure.</param>
    /// <param name="progress">Told what is being measured.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    public static Task<BenchmarkReport> RunAsync(BenchmarkOptions options, IProgress<string>? progress = null,
                                                 CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Repeats, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.WarmUp, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.ClipFrames, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.SyncSegments, nameof(options));
        return new Benchmark(options, progress, cancellationToken).Run();
    }

    private async Task<BenchmarkReport> Run()
    {
        double? load = LoadAverage();
        using ThinkSoundEngine engine = await Load().ConfigureAwait(false);
        _options = _options with { Generate = engine.Complete(_options.Generate) };
        using ThinkSoundSession session = engine.CreateSession();
        ClipLengths lengths = engine.GetLengths(_options.Generate.Duration, _options.Generate.Lengths);
        int segments = lengths.SyncLength / 8;
        int clipFrames = Part(_options.ClipFrames, lengths.ClipLength), syncSegments = Part(_options.SyncSegments, segments);
        var cost = new NetworkCost(engine.Bundle);

        await Text(session, cost).ConfigureAwait(false);
        await Vision(session, cost, clipFrames, syncSegments).ConfigureAwait(false);
        await Generate(session, cost, lengths).ConfigureAwait(false);
        double latency = EndToEnd(lengths.ClipLength, clipFrames, segments, syncSegments);
        return new BenchmarkReport
        {
            LatencyS = latency,
            Rtf = latency / _options.Generate.Duration.TotalSeconds,
            PeakMemory = PeakMemory(),
            Settings = new BenchmarkSettings
            {
                DurationS = _options.Generate.Duration.TotalSeconds, Steps = _options.Generate.Steps!.Value, Cfg = _options.Generate.GuidanceScale!.Value,
                Sampler = _options.Generate.Sampler.ToString(), Repeats = _options.Repeats, WarmUp = _options.WarmUp,
                ClipFrames = clipFrames, ClipFramesOf = lengths.ClipLength, SyncSegments = syncSegments, SyncSegmentsOf = segments,
            },
            Environment = DescribeEnvironment(engine, load),
            Stages = _stages,
            Skipped = _skipped,
        };
    }

    private static int Part(int wanted, int all) => wanted == 0 ? all : Math.Min(wanted, all);

    private async Task<ThinkSoundEngine> Load()
    {
        var progress = new LoadProgress(_progress);
        long began = Stopwatch.GetTimestamp();
        ThinkSoundEngine engine = await ThinkSoundEngine.LoadAsync(_options.Engine, progress, _cancel).ConfigureAwait(false);
        double cold = Stopwatch.GetElapsedTime(began).TotalSeconds;
        // Once more, now that the files are in the system's cache; not for weights so large that two copies would hurt.
        const long largestTwice = 1_000_000_000;
        bool isTwice = _options.Engine.Synthetic is null && engine.Info.WeightsBytes < largestTwice;
        double warm = cold;
        if (isTwice)
        {
            engine.Dispose();
            began = Stopwatch.GetTimestamp();
            engine = await ThinkSoundEngine.LoadAsync(_options.Engine, progress, _cancel).ConfigureAwait(false);
            warm = Stopwatch.GetElapsedTime(began).TotalSeconds;
        }
        _stages.Add(new StageMeasurement
        {
            Name = "load", Unit = "bundle", ColdS = cold, SamplesS = [warm],
            Note = isTwice ? null : _options.Engine.Synthetic is null ? "loaded once" : "weights drawn at random, nothing read",
        });
        return engine;
    }

    private async Task Text(ThinkSoundSession session, NetworkCost cost)
    {
        await TryMeasure("text_clip", "caption", cost.ClipText(), () => session.EncodeTextAsync(TextEncoder.Clip, Caption, _cancel)).ConfigureAwait(false);
        await TryMeasure("text_t5", "chain of thought", cost.T5(), () => session.EncodeTextAsync(TextEncoder.T5, ChainOfThought, _cancel)).ConfigureAwait(false);
    }

    private async Task Vision(ThinkSoundSession session, NetworkCost cost, int clipFrames, int segments)
    {
        VideoFrames clip = Frames(clipFrames), sync = Frames(8 * segments + 8);
        await TryMeasure("clip_vision", Plural(clipFrames, "frame"), clipFrames * cost.ClipVisionFrame(),
                         () => session.EncodeClipFramesAsync(clip, null, _cancel)).ConfigureAwait(false);
        await TryMeasure("synchformer", Plural(segments, "segment"), segments * cost.SynchformerSegment(),
                         () => session.EncodeSyncFramesAsync(sync, null, _cancel)).ConfigureAwait(false);
    }

    private static string Plural(int count, string what) => string.Create(CultureInfo.InvariantCulture, $"{count} {what}{(count == 1 ? "" : "s")}");

    /// <summary>The sampling loop, its steps, the decoder and the first sound, all from the same runs.</summary>
    private async Task Generate(ThinkSoundSession session, NetworkCost cost, ClipLengths lengths)
    {
        EngineInfo info = session.Engine.Info;
        if (!info.Components.HasFlag(BundleComponents.MMDiT) || !info.Components.HasFlag(BundleComponents.VaeDecoder))
        {
            _skipped.Add("sampling and decoding: the bundle has no MM-DiT or no VAE");
            return;
        }
        Conditions conditions = MadeUp(info, lengths);
        GenerateOptions generate = _options.Generate;
        int numSteps = generate.Steps!.Value;
        int evaluations = (generate.Sampler switch { Sampler.Midpoint => 2, Sampler.RungeKutta4 => 4, _ => 1 }) * (generate.GuidanceScale == 1 ? 1 : 2);
        double stepFlop = evaluations * cost.Mmdit(lengths.LatentLength, lengths.ClipLength);
        double conditionFlop = (generate.GuidanceScale == 1 ? 1 : 2) * cost.MmditConditions(lengths.ClipLength, lengths.SyncLength);

        List<double> steps = [], loops = [], decodes = [], firsts = [], totals = [];
        GenerationTimes? cold = null;
        long began = Stopwatch.GetTimestamp();
        for (int run = 0; run < _options.WarmUp + _options.Repeats; run++)
        {
            bool isSample = run >= _options.WarmUp;
            if (totals.Count > 0 && Stopwatch.GetElapsedTime(began) > _options.StageBudget) break;
            _progress?.Report(isSample ? $"generate, {run - _options.WarmUp + 1} of {_options.Repeats}" : "generate, warming up");
            GenerationTimes times = await GenerationTimes.Measure(session, conditions, generate, _cancel).ConfigureAwait(false);
            cold ??= times;
            if (!isSample) continue;
            steps.AddRange(times.Steps);
            loops.Add(times.Loop);
            decodes.Add(times.Decode);
            firsts.Add(times.FirstSound);
            totals.Add(times.Total);
        }
        string guided = generate.GuidanceScale == 1 ? "a step" : "a guided step";
        Add("sample_step", guided, stepFlop, steps, cold!.Steps[0]);
        Add("sample_loop", Plural(numSteps, "step"), numSteps * stepFlop + conditionFlop, loops, cold.Loop, "with the projection of the conditions");
        Add("decode", Plural(lengths.LatentLength, "latent"), cost.Decode(lengths.LatentLength), decodes, cold.Decode);
        Add("first_pcm", "from the call", double.NaN, firsts, cold.FirstSound, "text and vision features given");
        Add("generate", "from the call", numSteps * stepFlop + conditionFlop + cost.Decode(lengths.LatentLength), totals, cold.Total,
            "text and vision features given");
    }

    /// <summary>From video and words to sound, everything loaded, from the medians of the parts.</summary>
    private double EndToEnd(int clipLength, int clipFrames, int segments, int syncSegments)
    {
        double sum = 0, gflop = 0;
        var parts = new List<string>();
        foreach (var (name, times) in (IEnumerable<(string, double)>)
                 [
                     ("text_clip", 1), ("text_t5", 1), ("clip_vision", (double)clipLength / clipFrames),
                     ("synchformer", (double)segments / syncSegments), ("generate", 1),
                 ])
        {
            if (_stages.Find(stage => stage.Name == name) is not { } stage) continue;
            sum += times * stage.MedianS;
            gflop += times * (stage.Gflop ?? 0);
            parts.Add(times == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{times:0.##} × {name}"));
        }
        _stages.Add(new StageMeasurement
        {
            Name = "end_to_end", Unit = "video to sound", SamplesS = [sum], Gflop = gflop > 0 ? gflop : null, IsComputed = true,
            Note = "sum of medians: " + string.Join(" + ", parts),
        });
        return sum;
    }

    private async Task TryMeasure(string name, string unit, double flop, Func<Task> work)
    {
        try
        {
            await Measure(name, unit, flop, work).ConfigureAwait(false);
        }
        catch (UnsupportedException e)
        {
            _skipped.Add($"{name}: {e.Message}");
        }
    }

    private async Task Measure(string name, string unit, double flop, Func<Task> work)
    {
        double? cold = null;
        var samples = new List<double>();
        long began = Stopwatch.GetTimestamp();
        for (int run = 0; run < _options.WarmUp + _options.Repeats; run++)
        {
            if (samples.Count > 0 && Stopwatch.GetElapsedTime(began) > _options.StageBudget) break;
            _progress?.Report(run < _options.WarmUp ? $"{name}, warming up" : $"{name}, {run - _options.WarmUp + 1} of {_options.Repeats}");
            long start = Stopwatch.GetTimestamp();
            await work().ConfigureAwait(false);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            cold ??= seconds;
            if (run >= _options.WarmUp) samples.Add(seconds);
        }
        Add(name, unit, flop, samples, cold);
    }

    private void Add(string name, string unit, double flop, IReadOnlyList<double> samples, double? cold, string? note = null) =>
        _stages.Add(new StageMeasurement
        {
            Name = name, Unit = unit, ColdS = cold, SamplesS = samples, Gflop = double.IsFinite(flop) ? flop / 1e9 : null, Note = note,
        });

    /// <summary>Features of the right shapes and a natural size, drawn at random.</summary>
    private static Conditions MadeUp(EngineInfo info, ClipLengths lengths)
    {
        var random = new Random(1);
        return new Conditions
        {
            ClipFeatures = Draw(lengths.ClipLength, info.ClipDim), SyncFeatures = Draw(lengths.SyncLength, info.SyncDim),
            TextFeatures = Draw(info.TextLength, info.TextDim), T5Features = Draw(info.TextLength, info.T5Dim),
        };

        Features? Draw(int rows, int width)
        {
            if (width == 0) return null;
            var data = new float[rows * width];
            for (int i = 0; i < data.Length; i++) data[i] = (float)(random.NextDouble() - 0.5);
            return new Features(rows, width, data);
        }
    }

    private VideoFrames Frames(int count)
    {
        var (width, height) = _options.FrameSize;
        var pixels = new byte[3 * width * height * count];
        new Random(2).NextBytes(pixels);
        return new VideoFrames(pixels, count, width, height);
    }

    private BenchmarkEnvironment DescribeEnvironment(ThinkSoundEngine engine, double? load)
    {
        EngineInfo info = engine.Info;
        DeviceInfo? device = ThinkSoundRuntime.GetDevices().FirstOrDefault(d => d.Id == info.Device);
        return new BenchmarkEnvironment
        {
            Time = DateTimeOffset.UtcNow, DeviceName = device?.Name ?? "", Device = info.Device, DeviceDetail = device?.Detail ?? "",
            Precision = info.Precision, Threads = info.Threads, Os = $"{RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}",
            Runtime = RuntimeInformation.FrameworkDescription,
            Version = typeof(Benchmark).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
            NativeVersion = ThinkSoundRuntime.Version, Bundle = info.Name,
            BundleFingerprint = _options.Engine.Synthetic is null ? engine.Bundle.Fingerprint() : null,
            Parameters = info.Parameters, WeightsBytes = info.WeightsBytes, LoadAverage = load,
        };
    }

    /// <summary>Tells each whole percent once.</summary>
    private sealed class LoadProgress(IProgress<string>? progress) : IProgress<GenerateProgress>
    {
        private int _percent = -1;

        public void Report(GenerateProgress value)
        {
            int percent = (int)(100 * value.Fraction);
            if (percent != _percent) progress?.Report(string.Create(CultureInfo.InvariantCulture, $"load, {percent} %"));
            _percent = percent;
        }
    }

    private static long PeakMemory()
    {
        using var self = Process.GetCurrentProcess();
        return self.PeakWorkingSet64;
    }

    private static double? LoadAverage()
    {
        try
        {
            return double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            return null; // another system
        }
    }
}
