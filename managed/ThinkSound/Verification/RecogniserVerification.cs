using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>The recogniser against its training twin.</summary>
internal static class RecogniserVerification
{
    public static void Run(VerificationContext context)
    {
        using NetworkRunner network = context.Load("recogniser", context.Config, context.File.Path);
        foreach (var (name, _) in context.Cases())
            context.Guard(name, () => network.Run("recognise", context.Inputs(name), null, tensor => context.Ledger.Add(name, tensor, Tolerance.Recogniser),
                                                  withIntermediates: true, context.Cancellation));
    }
}
