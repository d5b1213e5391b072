namespace ThinkSound.Verification;

/// <summary>What came of comparing one tensor.</summary>
public enum VerificationOutcome
{
    /// <summary>Within its tolerance.</summary>
    Passed,
    /// <summary>Over its tolerance, of another shape, or an output that nothing here computes.</summary>
    Failed,
    /// <summary>An intermediate that this implementation does not have, or a gradient.</summary>
    Skipped,
}

/// <summary>One tensor of a golden file against ours.</summary>
/// <param name="File">Name of the file.</param>
/// <param name="Key">The tensor's key in it.</param>
/// <param name="Outcome">What came of it.</param>
/// <param name="RelativeL2">‖ours − theirs‖ / ‖theirs‖; NaN when not compared.</param>
/// <param name="MaxAbs">Largest absolute difference; NaN when not compared.</param>
/// <param name="Tolerance">What the deciding figure was held against.</param>
/// <param name="Note">Which figure decided, or why the tensor failed or was skipped.</param>
public sealed record VerificationResult(string File, string Key, VerificationOutcome Outcome, double RelativeL2, double MaxAbs,
                                        double Tolerance, string Note);

/// <summary>Everything that came of one file.</summary>
/// <param name="File">Name of the file.</param>
/// <param name="Kind">What was found in it: "mmdit", "vae", "sampler", ...</param>
/// <param name="Results">Tensor by tensor.</param>
public sealed record VerificationReport(string File, string Kind, IReadOnlyList<VerificationResult> Results)
{
    /// <summary>Tensors within tolerance.</summary>
    public int Passed => Results.Count(result => result.Outcome == VerificationOutcome.Passed);
    /// <summary>Tensors over tolerance; a file in which nothing was compared counts one.</summary>
    public int Failed => Results.Count(result => result.Outcome == VerificationOutcome.Failed);
    /// <summary>Tensors that were not compared.</summary>
    public int Skipped => Results.Count(result => result.Outcome == VerificationOutcome.Skipped);
}

/// <summary>Where and how to verify.</summary>
public sealed record VerificationOptions
{
    /// <summary>As <see cref="EngineOptions.Device"/>.</summary>
    public string Device { get; init; } = "cpu";
    /// <summary>Worker threads; 0 takes one per physical core.</summary>
    public int Threads { get; init; }
    /// <summary>Number format. Tolerances are those of 32-bit floats; 16 bits are held against the wider bound of their rounding.</summary>
    public Precision Precision { get; init; } = Precision.Float32;
    /// <summary>Files that hold the weights which other goldens borrow, instead of siblings by name.</summary>
    public IReadOnlyList<string> With { get; init; } = [];
    /// <summary>The vocabulary for token files: a SentencePiece model, CLIP merges, or a tokenizer.json.</summary>
    public string? Vocabulary { get; init; }
}
