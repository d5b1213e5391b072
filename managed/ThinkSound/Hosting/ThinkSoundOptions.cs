using Microsoft.Extensions.Logging;

namespace ThinkSound.Hosting;

/// <summary>What <c>AddThinkSound</c> is configured with. The properties are those of <see cref="EngineOptions"/>.</summary>
public sealed class ThinkSoundOptions
{
    /// <summary>Folder with bundle.json.</summary>
    public string? BundlePath { get; set; }
    /// <summary>"auto", "cpu", "cpu:plain", "cuda" or "cuda:&lt;index&gt;".</summary>
    public string Device { get; set; } = "auto";
    /// <summary>Number format of the weights.</summary>
    public Precision Precision { get; set; } = Precision.Auto;
    /// <summary>Worker threads; 0 takes one per physical core.</summary>
    public int Threads { get; set; }
    /// <summary>What to load.</summary>
    public BundleComponents Components { get; set; } = BundleComponents.All;
    /// <summary>Bytes that weights and working memory may take; 0 sets no cap.</summary>
    public ulong MemoryCapBytes { get; set; }
    /// <summary>Random weights instead of a bundle, for speed tests.</summary>
    public string? Synthetic { get; set; }
    /// <summary>Lines of the native log below this level are not made.</summary>
    public LogLevel MinimumLogLevel { get; set; } = LogLevel.Information;

    internal EngineOptions ToEngineOptions() => new()
    {
        BundlePath = BundlePath,
        Device = Device,
        Precision = Precision,
        Threads = Threads,
        Components = Components,
        MemoryCapBytes = MemoryCapBytes,
        Synthetic = Synthetic,
    };
}
