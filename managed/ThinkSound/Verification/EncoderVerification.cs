using System.Globalization;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>Text and vision encoders: one case a file, and for the text encoders the same ids without a mask.</summary>
internal static class EncoderVerification
{
    public static void Run(VerificationContext context, string kind)
    {
        using NetworkRunner network = context.Load(kind, context.Config, context.File.Path);
        List<Tensor> inputs = context.Inputs("");
        context.Guard("", () => network.Run("encode", inputs, null, tensor => context.Ledger.Add("", tensor, Tolerance.Encoder),
                                            withIntermediates: true, context.Cancellation));
        foreach (string scope in Unmasked(context))
        {
            context.Guard(scope, () => network.Run("encode", WithoutMask(inputs, scope), null, tensor => context.Ledger.Add(scope, tensor, Tolerance.Encoder),
                                                   cancellationToken: context.Cancellation));
        }
    }

    /// <summary>"nomask", or "nomask40" for the first 40 ids.</summary>
    private static IEnumerable<string> Unmasked(VerificationContext context) =>
        context.File.Keys.Where(key => key.StartsWith("out.nomask", StringComparison.Ordinal)).Select(key => key.Split('.')[1]).Distinct();

    private static List<Tensor> WithoutMask(List<Tensor> inputs, string scope)
    {
        Tensor ids = inputs.First(input => input.Name == "input_ids");
        if (!int.TryParse(scope.AsSpan("nomask".Length), CultureInfo.InvariantCulture, out int count)) return [ids];
        int items = (int)ids.Shape[0], length = (int)ids.Shape[1], size = Tensor.SizeOf(ids.Type);
        byte[] kept = new byte[items * count * size];
        for (int item = 0; item < items; item++)
            ids.Data.Span.Slice(item * length * size, count * size).CopyTo(kept.AsSpan(item * count * size));
        return [ids with { Shape = [items, count], Data = kept }];
    }
}
