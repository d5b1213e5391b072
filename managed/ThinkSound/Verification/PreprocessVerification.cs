using System.Text.Json.Nodes;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>Image preprocessing: every byte, and every float that follows from it.</summary>
internal static class PreprocessVerification
{
    public static void Run(VerificationContext context)
    {
        using NetworkRunner network = context.Load("preprocess", new JsonObject(), null);
        foreach ((string size, _) in (context.Config["sizes"] as JsonObject ?? []))
        {
            context.Guard(size, () => network.Run("frames", context.Inputs(size), null, tensor =>
            {
                context.Ledger.Add(size, tensor, Tolerance.Exact);
                Rows(context, size, tensor);
            }, cancellationToken: context.Cancellation));
        }
    }

    /// <summary>Float outputs are kept as <c>name.rows96_128</c>: those rows of the first frame.</summary>
    private static void Rows(VerificationContext context, string size, TensorView tensor)
    {
        string prefix = $"out.{size}.{tensor.Name}.rows";
        foreach (string key in context.File.Keys.Where(key => key.StartsWith($"out.{size}.", StringComparison.Ordinal)))
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal)) continue;
            string[] bounds = key[prefix.Length..].Split('_');
            int first = int.Parse(bounds[0], System.Globalization.CultureInfo.InvariantCulture);
            int count = int.Parse(bounds[1], System.Globalization.CultureInfo.InvariantCulture) - first;
            long height = tensor.Shape[2], width = tensor.Shape[3];
            int rowBytes = checked((int)width * Tensor.SizeOf(tensor.Type));
            byte[] rows = new byte[3 * count * rowBytes];
            for (int plane = 0; plane < 3; plane++)
                tensor.Data.Slice((int)(plane * height + first) * rowBytes, count * rowBytes).CopyTo(rows.AsSpan(plane * count * rowBytes));
            context.Ledger.Compare(key, tensor.Type, [1, 3, count, width], rows, Tolerance.Exact);
        }
    }
}
