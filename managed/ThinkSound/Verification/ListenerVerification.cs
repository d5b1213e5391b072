using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>The listener against its training twin.</summary>
internal static class ListenerVerification
{
    public static void Run(VerificationContext context)
    {
        using NetworkRunner network = context.Load("listener", context.Config, context.File.Path);
        foreach (var (name, _) in context.Cases())
            context.Guard(name, () => network.Run("listen", context.Inputs(name), null, tensor => context.Ledger.Add(name, tensor, Tolerance.Listener),
                                                  withIntermediates: true, context.Cancellation));
    }
}
