using System.Numerics;
using System.Runtime.InteropServices;

namespace ThinkSound.Rendering.Analysis;

/// <summary>Forward discrete Fourier transform of one power-of-two length, radix 2, decimation in time. Any thread.</summary>
internal sealed class Fft
{
    private readonly double[] _cos, _sin; // of the stage that joins pairs of `half` values: e^(−πi k/half) at [half + k]
    private readonly int _bits;

    public Fft(int size)
    {
        if (size < 2 || (size & (size - 1)) != 0) throw new ArgumentOutOfRangeException(nameof(size), size, "not a power of two");
        Size = size;
        _bits = int.TrailingZeroCount(size);
        (_cos, _sin) = (new double[size], new double[size]);
        for (int half = 1; half < size; half *= 2)
            for (int k = 0; k < half; k++) (_sin[half + k], _cos[half + k]) = Math.SinCos(-Math.PI * k / half);
    }

    public int Size { get; }

    /// <summary>In place: X[k] = Σ x[n] · e^(−2πi kn/size).</summary>
    public void Transform(Span<double> real, Span<double> imaginary)
    {
        if (real.Length != Size || imaginary.Length != Size) throw new ArgumentException($"needs {Size} values");
        for (int i = 0; i < Size; i++)
        {
            int j = (int)(Reverse((uint)i) >> (32 - _bits));
            if (j <= i) continue;
            (real[i], real[j]) = (real[j], real[i]);
            (imaginary[i], imaginary[j]) = (imaginary[j], imaginary[i]);
        }
        for (int half = 1; half < Size; half *= 2)
        {
            ReadOnlySpan<double> cos = _cos.AsSpan(half, half), sin = _sin.AsSpan(half, half);
            for (int start = 0; start < Size; start += 2 * half)
                Join(real.Slice(start, half), imaginary.Slice(start, half), real.Slice(start + half, half), imaginary.Slice(start + half, half), cos, sin);
        }
    }

    /// <summary>Squared magnitudes of the spectra of two real signals by one transform: with Z = A + iB,
    /// A[k] = (Z[k] + Z*[−k])/2 and B[k] = (Z[k] − Z*[−k])/2i.</summary>
    /// <param name="a">First signal, <see cref="Size"/> values; used as working memory.</param>
    /// <param name="b">Second signal, likewise.</param>
    /// <param name="powerA">Out: |A[k]|², k = 0 … size/2.</param>
    /// <param name="powerB">Out: |B[k]|².</param>
    public void PairPower(Span<double> a, Span<double> b, Span<double> powerA, Span<double> powerB)
    {
        Transform(a, b);
        for (int bin = 0; bin <= Size / 2; bin++)
        {
            int mirror = (Size - bin) % Size;
            double ar = a[bin] + a[mirror], ai = b[bin] - b[mirror];
            double br = b[bin] + b[mirror], bi = a[mirror] - a[bin];
            powerA[bin] = (ar * ar + ai * ai) / 4;
            powerB[bin] = (br * br + bi * bi) / 4;
        }
    }

    /// <summary>a, b ← a + w·b, a − w·b.</summary>
    private static void Join(Span<double> ar, Span<double> ai, Span<double> br, Span<double> bi, ReadOnlySpan<double> cos, ReadOnlySpan<double> sin)
    {
        if (ar.Length >= Vector<double>.Count)
        {
            Span<Vector<double>> var = Wide(ar), vai = Wide(ai), vbr = Wide(br), vbi = Wide(bi);
            ReadOnlySpan<Vector<double>> vcos = MemoryMarshal.Cast<double, Vector<double>>(cos), vsin = MemoryMarshal.Cast<double, Vector<double>>(sin);
            for (int k = 0; k < vcos.Length; k++)
            {
                Vector<double> tr = vcos[k] * vbr[k] - vsin[k] * vbi[k], ti = vcos[k] * vbi[k] + vsin[k] * vbr[k];
                (vbr[k], vbi[k]) = (var[k] - tr, vai[k] - ti);
                (var[k], vai[k]) = (var[k] + tr, vai[k] + ti);
            }
            return; // lengths are powers of two, so nothing is left over
        }
        for (int k = 0; k < ar.Length; k++)
        {
            double tr = cos[k] * br[k] - sin[k] * bi[k], ti = cos[k] * bi[k] + sin[k] * br[k];
            (br[k], bi[k]) = (ar[k] - tr, ai[k] - ti);
            (ar[k], ai[k]) = (ar[k] + tr, ai[k] + ti);
        }
    }

    private static Span<Vector<double>> Wide(Span<double> values) => MemoryMarshal.Cast<double, Vector<double>>(values);

    private static uint Reverse(uint v)
    {
        v = ((v >> 1) & 0x55555555) | ((v & 0x55555555) << 1);
        v = ((v >> 2) & 0x33333333) | ((v & 0x33333333) << 2);
        v = ((v >> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
        return System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(v);
    }
}
