using Microsoft.Extensions.Logging;
using ThinkSound.Interop;

namespace ThinkSound.Tests;

public sealed class RuntimeTests
{
    [SetUp]
    public void NeedsLibrary() => NativeParts.Require();

    [Test]
    public void The_library_tells_its_version_and_place()
    {
        Assert.That(ThinkSoundRuntime.Version, Does.Match(@"^\d+\.\d+\.\d+$"));
        NativeLibraryProbe probe = ThinkSoundRuntime.Probe();
        Assert.That(probe.Problem, Is.Null);
        Assert.That(probe.Path, Is.Not.Null);
        Assert.That(probe.Attempts[^1].Problem, Is.Null);
    }

    [Test]
    public void A_processor_is_always_among_the_devices()
    {
        IReadOnlyList<DeviceInfo> devices = ThinkSoundRuntime.GetDevices();
        DeviceInfo plain = devices.Single(device => device.Id == "cpu:plain");
        Assert.That(plain.IsAvailable);
        Assert.That(plain.MemoryBytes, Is.GreaterThan(0));
        Assert.That(plain.Threads, Is.GreaterThan(0));
        Assert.That(devices.Select(device => device.Id), Is.Unique);
        Assert.That(devices.Where(device => !device.IsAvailable).Select(device => device.Detail), Has.All.Not.Empty, "why not");
    }

    [Test]
    public void Every_struct_of_the_library_has_the_size_of_this_assemblys()
    {
        CoreLibrary.EnsureLoaded();
        foreach (var (name, here, loaded) in Native.struct_sizes()) Assert.That(loaded, Is.EqualTo(here), name);
    }

    [Test]
    public void The_records_have_the_defaults_of_the_header()
    {
        CoreLibrary.EnsureLoaded();
        var options = ts_generate_options.create();
        var ours = NativeConditions.Of(new GenerateOptions());
        Assert.That((ours.num_steps, ours.cfg_scale, ours.scale_phi, ours.duration_s, ours.seed, ours.sampler, ours.lengths, ours.sigma_max, ours.decode_chunk, ours.num_jumps, ours.jump_length),
                    Is.EqualTo((options.num_steps, options.cfg_scale, options.scale_phi, options.duration_s, options.seed, options.sampler,
                                options.lengths, options.sigma_max, options.decode_chunk, options.num_jumps, options.jump_length)));
        var edit = ts_edit_options.create();
        var record = new EditOptions { Source = new Latent(1, 1, new float[1]) };
        Assert.That((edit.num_target_steps, edit.num_averages, edit.source_cfg_scale, edit.duration_s, edit.seed, edit.lengths),
                    Is.EqualTo(((uint)record.TargetSteps, (uint)record.Averages, record.SourceGuidanceScale, record.Duration.TotalSeconds, record.Seed, (ts_length_rule)record.Lengths)));
        var engine = ts_engine_options.create();
        var load = new EngineOptions();
        unsafe
        {
            Assert.That(Utf8.Read(engine.device), Is.EqualTo(load.Device).Or.Empty, "NULL stands for auto");
        }
        Assert.That(((Precision)engine.precision, (BundleComponents)engine.components, engine.num_threads, engine.memory_cap_bytes),
                    Is.EqualTo((load.Precision, load.Components, (uint)load.Threads, load.MemoryCapBytes)));
    }

    [Test, NonParallelizable]
    public void Log_lines_arrive_at_the_logger_until_it_is_taken_away()
    {
        var lines = new Lines();
        ThinkSoundRuntime.UseLogger(lines, LogLevel.Debug);
        try
        {
            using (ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle })) { }
            int count = lines.Count;
            Assert.That(count, Is.GreaterThan(0), "loading an engine says something");
            ThinkSoundRuntime.UseLogger(null);
            using (ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle })) { }
            Assert.That(lines.Count, Is.EqualTo(count));
        }
        finally
        {
            ThinkSoundRuntime.UseLogger(null);
        }
    }

    [Test, NonParallelizable]
    public void A_logger_that_throws_harms_nobody()
    {
        ThinkSoundRuntime.UseLogger(new Lines { Throws = true }, LogLevel.Debug);
        try
        {
            Assert.That(() => ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle }).Dispose(), Throws.Nothing);
        }
        finally
        {
            ThinkSoundRuntime.UseLogger(null);
        }
    }

    private sealed class Lines : ILogger
    {
        private readonly List<string> _lines = [];

        public bool Throws { get; init; }

        public int Count
        {
            get { lock (_lines) return _lines.Count; }
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (Throws) throw new InvalidOperationException("this logger always throws");
            lock (_lines) _lines.Add(formatter(state, exception));
        }
    }
}
