using System.Text.Json.Nodes;

namespace ThinkSound.Verification;

/// <summary>How far a result may be from the reference. Derived in the goldens' README: about ten times the measured distance
/// between the reference in single and in double precision, which leaves room for another order of summation.</summary>
/// <param name="RelativeL2">For everything that is not nearly zero.</param>
/// <param name="MaxAbs">For references that are nearly zero, where a relative figure says nothing.</param>
internal readonly record struct Tolerance(double RelativeL2, double MaxAbs)
{
    /// <summary>No difference at all.</summary>
    public static Tolerance Exact => new(0, 0);
    public static Tolerance Flow => new(3e-5, 5e-4);
    public static Tolerance Latent => new(5e-5, 3e-4);
    public static Tolerance VaeEncoder => new(2e-5, 2e-4);
    public static Tolerance VaeAudio => new(2e-5, 1e-4);
    public static Tolerance MelCodec => new(5e-6, 2e-5);
    public static Tolerance Recogniser => new(3e-6, 5e-6);
    public static Tolerance Listener => new(3e-6, 1e-5);
    public static Tolerance PipelineAudio => new(2e-4, 1e-3);
    public static Tolerance Encoder => new(1e-5, 5e-5);
    public static Tolerance Loss => new(2e-6, 2e-6);

    /// <summary>References whose largest value is below this are compared by difference.</summary>
    public const double NearlyZero = 1e-5;
    private const double FloorFactor = 10;

    /// <summary>Ten times the floor that the file stores for an intermediate, where it stores one.</summary>
    public static Tolerance? OfFloor(JsonNode? floor)
    {
        if (floor is not JsonObject entry || entry["rel_l2"] is not { } relative || entry["max_abs"] is not { } largest) return null;
        double relativeL2 = (double)relative, maxAbs = (double)largest;
        return relativeL2 > 0 ? new Tolerance(FloorFactor * relativeL2, FloorFactor * maxAbs) : null;
    }

    /// <summary>For products of 16 bits: the rounding of their inputs, 2⁻⁸ relative in bfloat16 and an eighth of that, 2⁻¹¹, in
    /// half precision, eased by averaging and multiplied by depth. Weights of 8 bits are steps of a row's largest over 127, which is
    /// three to four times as coarse as bfloat16 where the largest is some four times the usual. 8-bit floats keep four significant
    /// bits, 2⁻⁴, of both factors, but only in blocks, whose residual streams hold what came before. Stated with every result, so that nobody takes it for parity.</summary>
    public Tolerance In(Precision precision) => precision switch
    {
        Precision.BFloat16 => AtLeast(5e-2, 0.5),
        Precision.Float16 => AtLeast(5e-2 / 8, 0.5 / 8),
        Precision.Int8 => AtLeast(4 * 5e-2, 4 * 0.5),
        Precision.Float8 => AtLeast(8 * 5e-2, 8 * 0.5),
        _ => this,
    };

    private Tolerance AtLeast(double relativeL2, double maxAbs) => this == Exact ? this : new Tolerance(Math.Max(RelativeL2, relativeL2), Math.Max(MaxAbs, maxAbs));
}
