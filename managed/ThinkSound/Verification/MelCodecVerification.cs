using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>The mel codec against its training twin: the network in both directions and the analysis of sound. From log-mel back
/// to sound there is nothing to compare: phases that differ in their last bits drift apart.</summary>
internal static class MelCodecVerification
{
    public static void Run(VerificationContext context)
    {
        string weight = context.File.HasPrefix("w.encoder.") && !context.File.HasPrefix("w.decoder.") ? "encoder.out.bias" : "decoder.out.bias";
        using NetworkRunner network = context.Load("vae", context.Config, context.WeightsFile(weight));
        foreach (var (name, _) in context.Cases())
        {
            string function = context.File.Has($"in.{name}.latent") ? "decode_rows" : context.File.Has($"in.{name}.audio") ? "analyse" : "encode_rows";
            context.Guard(name, () => network.Run(function, context.Inputs(name), null, tensor => context.Ledger.Add(name, tensor, Tolerance.MelCodec),
                                                  withIntermediates: true, context.Cancellation));
        }
    }
}
