using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>A network of one function against its training twin.</summary>
internal static class TwinVerification
{
    public static void Run(VerificationContext context, string kind, string function, Tolerance tolerance)
    {
        using NetworkRunner network = context.Load(kind, context.Config, context.File.Path);
        foreach (var (name, _) in context.Cases())
            context.Guard(name, () => network.Run(function, context.Inputs(name), null, tensor => context.Ledger.Add(name, tensor, tolerance),
                                                  withIntermediates: true, context.Cancellation));
    }
}
