using System.Runtime.InteropServices;
using ThinkSound.Networks;

namespace ThinkSound.Verification;

/// <summary>Differences of two tensors, in double precision.</summary>
internal static class Comparison
{
    public readonly record struct Figures(double RelativeL2, double MaxAbs, double ReferenceMax, double DifferentBy3);

    /// <summary>Values of any stored type.</summary>
    public static double[] ToDoubles(TensorType type, ReadOnlySpan<byte> data) => type switch
    {
        TensorType.Float32 => Convert<float>(data, value => value),
        TensorType.Float64 => Convert<double>(data, value => value),
        TensorType.Float16 => Convert<Half>(data, value => (double)value),
        TensorType.BFloat16 => Convert<ushort>(data, value => BitConverter.Int32BitsToSingle(value << 16)),
        TensorType.Int64 => Convert<long>(data, value => value),
        TensorType.Int32 => Convert<int>(data, value => value),
        TensorType.Int16 => Convert<short>(data, value => value),
        _ => Convert<byte>(data, value => value),
    };

    public static Figures Compare(ReadOnlySpan<double> ours, ReadOnlySpan<double> theirs)
    {
        double difference = 0, norm = 0, largest = 0, referenceMax = 0;
        long by3 = 0;
        for (int i = 0; i < theirs.Length; i++)
        {
            double delta = Math.Abs(ours[i] - theirs[i]);
            if (double.IsNaN(delta)) return new Figures(double.PositiveInfinity, double.PositiveInfinity, referenceMax, 1);
            difference += delta * delta;
            norm += theirs[i] * theirs[i];
            largest = Math.Max(largest, delta);
            referenceMax = Math.Max(referenceMax, Math.Abs(theirs[i]));
            if (delta > 2) by3++;
        }
        double relative = difference == 0 ? 0 : Math.Sqrt(difference / norm);
        return new Figures(relative, largest, referenceMax, theirs.Length == 0 ? 0 : (double)by3 / theirs.Length);
    }

    /// <summary>The leading block of <paramref name="values"/>: goldens keep the first frames, tokens or items of large tensors.
    /// Null when it does not contain one of that shape.</summary>
    public static double[]? Leading(double[] values, ReadOnlySpan<long> shape, IReadOnlyList<long> wanted)
    {
        if (shape.Length != wanted.Count) return null;
        bool same = true;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (wanted[axis] > shape[axis]) return null;
            same &= wanted[axis] == shape[axis];
        }
        if (same) return values;
        double[] block = new double[wanted.Aggregate(1L, (count, length) => count * length)];
        long[] index = new long[wanted.Count];
        for (long i = 0; i < block.Length; i++)
        {
            long source = 0;
            for (int axis = 0; axis < index.Length; axis++) source = source * shape[axis] + index[axis];
            block[i] = values[source];
            for (int axis = index.Length - 1; axis >= 0 && ++index[axis] == wanted[axis]; axis--) index[axis] = 0;
        }
        return block;
    }

    private static double[] Convert<T>(ReadOnlySpan<byte> data, Func<T, double> widen) where T : unmanaged
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(data);
        double[] wide = new double[values.Length];
        for (int i = 0; i < wide.Length; i++) wide[i] = widen(values[i]);
        return wide;
    }
}
