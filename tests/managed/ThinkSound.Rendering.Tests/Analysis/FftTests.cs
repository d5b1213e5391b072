using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Rendering.Tests.Analysis;

public class FftTests
{
    [TestCase(2)]
    [TestCase(8)]
    [TestCase(64)]
    [TestCase(512)]
    public void Transform_equals_the_sum_it_stands_for(int size)
    {
        var random = new Random(size);
        double[] real = Draw(size), imaginary = Draw(size);
        var (wantedReal, wantedImaginary) = Sum(real, imaginary);

        new Fft(size).Transform(real, imaginary);

        // The obvious sum adds `size` products of rounding error ε/2 each, on values that grow to √size.
        double tolerance = 1e-15 * size * Math.Sqrt(size);
        Assert.That(real, Is.EqualTo(wantedReal).Within(tolerance));
        Assert.That(imaginary, Is.EqualTo(wantedImaginary).Within(tolerance));

        double[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() * 2 - 1)];
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(96)]
    public void A_length_that_is_no_power_of_two_is_refused(int size) =>
        Assert.That(() => new Fft(size), Throws.TypeOf<ArgumentOutOfRangeException>());

    private static (double[] Real, double[] Imaginary) Sum(double[] real, double[] imaginary)
    {
        int size = real.Length;
        var (sumReal, sumImaginary) = (new double[size], new double[size]);
        for (int k = 0; k < size; k++)
        {
            for (int n = 0; n < size; n++)
            {
                var (sin, cos) = Math.SinCos(-2 * Math.PI * ((long)k * n % size) / size);
                sumReal[k] += real[n] * cos - imaginary[n] * sin;
                sumImaginary[k] += real[n] * sin + imaginary[n] * cos;
            }
        }
        return (sumReal, sumImaginary);
    }
}
