namespace ThinkSound.Networks;

/// <summary>One network by itself, from any weight files: for tests, verification and experiments.</summary>
public sealed record NetworkOptions
{
    /// <summary>"mmdit", "vae", "t5", "clip_text", "clip_vision", "synchformer", "recogniser", "listener" or "preprocess".</summary>
    public required string Kind { get; init; }

    /// <summary>JSON of the network, as the reference writes it.</summary>
    public required string Config { get; init; }

    /// <summary>Where its tensors are found; earlier sources win.</summary>
    public IReadOnlyList<WeightSource> Sources { get; init; } = [];

    /// <summary>As <see cref="EngineOptions.Device"/>.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Number format of the weights.</summary>
    public Precision Precision { get; init; } = Precision.Float32;

    /// <summary>Worker threads; 0 takes one per physical core.</summary>
    public int Threads { get; init; }

    /// <summary>Tensors that may be left over in the sources.</summary>
    public IReadOnlyList<string> Ignore { get; init; } = [];
}

/// <summary>Tensors under a prefix of a safetensors file.</summary>
/// <param name="Path">The file.</param>
/// <param name="Prefix">What the names begin with there: "", "w.", "model.model."</param>
public sealed record WeightSource(string Path, string Prefix = "");
