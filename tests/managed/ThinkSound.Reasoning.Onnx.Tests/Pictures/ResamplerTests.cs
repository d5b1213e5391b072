using ThinkSound.Reasoning.Onnx.Pictures;

namespace ThinkSound.Reasoning.Onnx.Tests.Pictures;

public class ResamplerTests
{
    private static RgbImage Picture(int width, int height) => new(width, height, TinyModels.Pixels(width, height, 0));

    private static int[] Channel(RgbImage image, int channel) => [.. Enumerable.Range(0, image.Width * image.Height).Select(i => (int)image.Pixels[3 * i + channel])];

    [Test]
    public void Two_from_four_is_what_one_works_out_by_hand()
    {
        // Scale 2, so the triangle reaches 2 either way. Output 0 is centred on 1 and takes samples 0, 1, 2 at distances of 0.5, 0.5 and 1.5:
        // weights 3 : 3 : 1 of 7, so (0 · 3 + 100 · 3 + 200) / 7 = 71.4. Output 1 is centred on 3 and takes 1, 2, 3: (100 + 200 · 3 + 100 · 3) / 7 = 142.9.
        var row = new RgbImage(4, 1, [.. ((byte[])[0, 100, 200, 100]).SelectMany(v => (byte[])[v, v, v])]);
        Assert.That(Resampler.Resize(row, 2, 1, ResampleFilter.Bilinear).Pixels, Is.EqualTo(new byte[] { 71, 71, 71, 143, 143, 143 }));
        // The same turned on its side.
        Assert.That(Resampler.Resize(new RgbImage(1, 4, row.Pixels), 1, 2, ResampleFilter.Bilinear).Pixels, Is.EqualTo(new byte[] { 71, 71, 71, 143, 143, 143 }));
    }

    [Test]
    public void A_picture_of_the_right_size_and_one_of_a_single_colour_stay_as_they_are([Values(1, 2, 3)] int number)
    {
        var filter = (ResampleFilter)number;
        RgbImage picture = Picture(5, 4);
        Assert.That(Resampler.Resize(picture, 5, 4, filter), Is.SameAs(picture));
        var plain = new RgbImage(9, 6, [.. Enumerable.Repeat((byte)201, 9 * 6 * 3)]);
        Assert.That(Resampler.Resize(plain, 4, 17, filter).Pixels, Is.All.EqualTo(201));
    }

    // The green channel of what Pillow 9.4 makes of the same pixels.
    private static readonly object[] s_pillow =
    [
        new object[] { ResampleFilter.Lanczos, 5, 4, 3, 2, new[] { 124, 146, 136, 138, 127, 114 } },
        new object[] { ResampleFilter.Lanczos, 5, 4, 7, 6, new[] { 46, 61, 86, 113, 159, 203, 217, 76, 113, 183, 195, 112, 96, 136, 173, 166, 207, 229, 84, 41, 98, 255, 137, 36, 108, 135, 178, 209, 159, 103, 86, 142, 106, 123, 171, 46, 93, 203, 224, 58, 16, 90 } },
        new object[] { ResampleFilter.Lanczos, 40, 3, 7, 5, new[] { 126, 133, 136, 134, 140, 142, 141, 136, 122, 123, 137, 124, 130, 142, 144, 114, 109, 138, 110, 114, 147, 131, 132, 123, 134, 131, 114, 156, 119, 148, 136, 130, 150, 119, 160 } },
        new object[] { ResampleFilter.Bilinear, 5, 4, 3, 2, new[] { 122, 147, 132, 131, 133, 117 } },
        new object[] { ResampleFilter.Bilinear, 5, 4, 7, 6, new[] { 53, 74, 101, 127, 153, 180, 201, 99, 123, 154, 184, 122, 117, 141, 159, 163, 181, 216, 99, 74, 103, 220, 130, 80, 121, 131, 160, 192, 153, 116, 108, 154, 108, 118, 155, 70, 110, 160, 210, 77, 54, 94 } },
        new object[] { ResampleFilter.Bilinear, 40, 3, 7, 5, new[] { 131, 128, 128, 135, 141, 141, 138, 136, 123, 121, 134, 130, 131, 140, 144, 116, 111, 132, 114, 117, 142, 131, 133, 124, 131, 133, 120, 149, 123, 145, 132, 131, 145, 122, 154 } },
        new object[] { ResampleFilter.Bicubic, 5, 4, 3, 2, new[] { 122, 148, 132, 134, 129, 117 } },
        new object[] { ResampleFilter.Bicubic, 5, 4, 7, 6, new[] { 45, 65, 94, 120, 158, 192, 211, 87, 119, 164, 189, 115, 107, 139, 161, 168, 197, 228, 84, 50, 94, 245, 129, 51, 109, 135, 175, 207, 157, 110, 95, 148, 104, 118, 162, 54, 104, 176, 217, 61, 33, 90 } },
        new object[] { ResampleFilter.Bicubic, 40, 3, 7, 5, new[] { 130, 129, 132, 135, 141, 143, 138, 136, 123, 122, 135, 128, 132, 139, 143, 117, 109, 135, 112, 115, 144, 131, 133, 124, 133, 131, 117, 153, 121, 145, 135, 132, 145, 120, 159 } },
    ];

    [TestCaseSource(nameof(s_pillow))]
    public void Every_filter_agrees_with_the_reference_library_to_the_bit(object filter, int width, int height, int toWidth, int toHeight, int[] green) =>
        Assert.That(Channel(Resampler.Resize(Picture(width, height), toWidth, toHeight, (ResampleFilter)filter), 1), Is.EqualTo(green));
}
