using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Projects.Editing;

/// <summary>Holds what a model says is left of a mix against the mix: it is a part of it, so nowhere in time and frequency can there be
/// more of it than of the whole.
///
///   Y = M · min(1, |L| / |M|)       M the mix, L what is said to be left, both as short-time spectra
///
/// Where nothing was taken out the mix itself stays, with its phases; where the model made something up, or too much, the mix has the
/// last word. A mask of magnitudes as in source separation, with a generated sound in the place of the estimate.</summary>
internal static class MixMask
{
    private const int Size = 2048, Hop = Size / 4; // 46 ms at 44.1 kHz; Hann squared at a quarter adds up to 3/2
    private const double Overlap = 1.5;

    private static readonly Fft Fft = new(Size);
    private static readonly double[] Window = [.. Enumerable.Range(0, Size).Select(n => 0.5 - 0.5 * Math.Cos(2 * Math.PI * n / Size))];

    /// <summary>The part of <paramref name="mix"/> that <paramref name="left"/> allows.</summary>
    /// <param name="mix">The whole.</param>
    /// <param name="left">Of the same length, rate and channels.</param>
    public static AudioClip Keep(AudioClip mix, AudioClip left)
    {
        if (left.Samples != mix.Samples || left.Channels != mix.Channels || left.SampleRate != mix.SampleRate)
            throw new ArgumentException($"{left.Channels} × {left.Samples} samples at {left.SampleRate} Hz are no part of {mix.Channels} × {mix.Samples} at {mix.SampleRate} Hz", nameof(left));
        var kept = new float[mix.Channels * mix.Samples];
        for (int channel = 0; channel < mix.Channels; channel++) Keep(mix.Channel(channel), left.Channel(channel), kept.AsSpan(channel * mix.Samples, mix.Samples));
        return new AudioClip(mix.Channels, mix.SampleRate, kept);
    }

    private static void Keep(ReadOnlySpan<float> mix, ReadOnlySpan<float> left, Span<float> kept)
    {
        double[] real = new double[Size], imaginary = new double[Size], sum = new double[mix.Length];
        for (int first = Hop - Size; first < mix.Length; first += Hop)
        {
            int from = Math.Max(0, -first), to = Math.Min(Size, mix.Length - first);
            real.AsSpan().Clear();
            imaginary.AsSpan().Clear();
            for (int n = from; n < to; n++) (real[n], imaginary[n]) = (Window[n] * mix[first + n], Window[n] * left[first + n]);
            Fft.Transform(real, imaginary);
            Mask(real, imaginary);
            Fft.Transform(real, imaginary);
            for (int n = from; n < to; n++) sum[first + n] += real[n] * Window[n] / (Size * Overlap);
        }
        for (int n = 0; n < kept.Length; n++) kept[n] = (float)sum[n];
    }

    /// <summary>The spectrum of mix + i · left → the conjugate of the masked spectrum of the mix, whose transform is what it stands for,
    /// times <see cref="Size"/>.</summary>
    private static void Mask(Span<double> real, Span<double> imaginary)
    {
        for (int bin = 0; bin <= Size / 2; bin++)
        {
            int mirror = (Size - bin) % Size;
            double mr = (real[bin] + real[mirror]) / 2, mi = (imaginary[bin] - imaginary[mirror]) / 2;
            double lr = (imaginary[bin] + imaginary[mirror]) / 2, li = (real[mirror] - real[bin]) / 2;
            double whole = mr * mr + mi * mi, gain = whole > 0 ? Math.Min(1, Math.Sqrt((lr * lr + li * li) / whole)) : 0;
            (real[bin], imaginary[bin]) = (gain * mr, -gain * mi);
            (real[mirror], imaginary[mirror]) = (gain * mr, gain * mi);
        }
        imaginary[0] = imaginary[Size / 2] = 0;
    }
}
