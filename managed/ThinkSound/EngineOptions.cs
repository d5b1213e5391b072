namespace ThinkSound;

/// <summary>What an engine loads, and where. Immutable; vary it with <c>with</c>.</summary>
public sealed record EngineOptions
{
    /// <summary>Folder with bundle.json. Required unless <see cref="Synthetic"/> is set.</summary>
    public string? BundlePath { get; init; }

    /// <summary>"auto", "cpu", "cpu:plain", "cuda", "cuda:&lt;index&gt;" or "cuda:GPU-&lt;uuid&gt;", of which the beginning will do.</summary>
    public string Device { get; init; } = "auto";

    /// <summary>Number format of the weights and of the inputs of products.</summary>
    public Precision Precision { get; init; } = Precision.Auto;

    /// <summary>Worker threads of the CPU device; 0 takes one per physical core available to the process.</summary>
    public int Threads { get; init; }

    /// <summary>What to load of what the bundle has. A component left out fails when it is used.</summary>
    public BundleComponents Components { get; init; } = BundleComponents.All;

    /// <summary>Bytes that weights and working memory of all sessions may take together; 0 sets no cap.</summary>
    public ulong MemoryCapBytes { get; init; }

    /// <summary>"published", or the path of a bundle.json without weights: seeded random weights of those sizes, made in
    /// memory. For speed tests; what it generates is noise.</summary>
    public string? Synthetic { get; init; }
}

/// <summary>Number format of weights and of the inputs of products. Sums, residual streams and norms are always f32.</summary>
public enum Precision
{
    /// <summary>bf16 where the weights are stored in 16 bits and the device has bf16 products, else f32.</summary>
    Auto = 0,
    /// <summary>32 bits.</summary>
    Float32 = 1,
    /// <summary>bfloat16: half the memory of <see cref="Float32"/>.</summary>
    BFloat16 = 2,
    /// <summary>IEEE half precision, on devices "cuda" and "cpu:plain": as small as <see cref="BFloat16"/> and three bits finer, but
    /// its numbers end at ±65504. What lies beyond is cut off there when it is stored for a product.</summary>
    Float16 = 3,
    /// <summary>Weights of products in 8-bit integers with a scale for each output, on devices "cuda" and "cpu:plain": a quarter of
    /// the memory of <see cref="Float32"/>. What the products read beside them is bfloat16.</summary>
    Int8 = 4,
    /// <summary>As <see cref="BFloat16"/>, but in the blocks of the DiT and of the towers both sides of linear layers become 8-bit
    /// floats (e4m3), weights with a scale for each output, inputs for each row. On device "cuda" of compute capability 8.9 or later.</summary>
    Float8 = 5,
}

/// <summary>Networks of a bundle.</summary>
[Flags]
public enum BundleComponents
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>The MM-DiT, which turns conditions and noise into a latent.</summary>
    MMDiT = 1,
    /// <summary>Latent to waveform.</summary>
    VaeDecoder = 2,
    /// <summary>Waveform to latent.</summary>
    VaeEncoder = 4,
    /// <summary>The encoder of the chain of thought.</summary>
    T5 = 8,
    /// <summary>The encoder of the caption.</summary>
    ClipText = 16,
    /// <summary>What the video shows.</summary>
    ClipVision = 32,
    /// <summary>When things happen in the video.</summary>
    Synchformer = 64,
    /// <summary>What makes the sound in the video, of what material, and when it strikes.</summary>
    Recogniser = 128,
    /// <summary>How well a sound fits words.</summary>
    Listener = 256,
    /// <summary>All of them.</summary>
    All = 511,
}
