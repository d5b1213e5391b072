using SkiaSharp;
using ThinkSound.Reasoning.Onnx.Pictures;

namespace ThinkSound.Reasoning.Onnx.Tests.Pictures;

public class PictureReaderTests
{
    [Test]
    public void A_png_gives_its_pixels_back()
    {
        RgbImage read = PictureReader.Read(TinyModels.Picture(7, 5).Data.Span, "picture 1");
        Assert.That((read.Width, read.Height), Is.EqualTo((7, 5)));
        Assert.That(read.Pixels, Is.EqualTo(TinyModels.Pixels(7, 5, 0)));
    }

    [Test]
    public void What_is_transparent_lies_on_white()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(3, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.SetPixel(0, 0, new SKColor(10, 20, 30, 0));
        bitmap.SetPixel(1, 0, new SKColor(10, 20, 30, 255));
        bitmap.SetPixel(2, 0, new SKColor(0, 100, 200, 51)); // a fifth: 0.8 · 255 and 0.2 of the colour
        using SKData png = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        Assert.That(PictureReader.Read(png.ToArray(), "picture 1").Pixels, Is.EqualTo(new byte[] { 255, 255, 255, 10, 20, 30, 204, 224, 244 }));
    }

    // Where the top left corner of what is stored goes, and the corner to the right of it, as EXIF counts orientations.
    [TestCase(1, 0, 0, 1, 0)]
    [TestCase(2, 1, 0, 0, 0)]
    [TestCase(3, 1, 1, 0, 1)]
    [TestCase(4, 0, 1, 1, 1)]
    [TestCase(5, 0, 0, 0, 1)]
    [TestCase(6, 1, 0, 1, 1)]
    [TestCase(7, 1, 1, 1, 0)]
    [TestCase(8, 0, 1, 0, 0)]
    public void A_photograph_stands_upright(int orientation, int redX, int redY, int greenX, int greenY)
    {
        // 32 × 16 in quarters: red, green above blue, black; upright, one of the sides may be the other.
        using var bitmap = new SKBitmap(new SKImageInfo(32, 16, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int y = 0; y < 16; y++)
            for (int x = 0; x < 32; x++) bitmap.SetPixel(x, y, (x < 16, y < 8) switch { (true, true) => SKColors.Red, (false, true) => SKColors.Lime, (true, false) => SKColors.Blue, _ => SKColors.Black });
        using SKData jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 100);
        RgbImage read = PictureReader.Read(WithOrientation(jpeg.ToArray(), (byte)orientation), "picture 1");

        Assert.That((read.Width, read.Height), Is.EqualTo(orientation < 5 ? (32, 16) : (16, 32)));
        byte At(int x, int y, int channel) => read.Pixels[3 * ((y == 0 ? 2 : read.Height - 3) * read.Width + (x == 0 ? 2 : read.Width - 3)) + channel];
        Assert.That((At(redX, redY, 0) > 200, At(redX, redY, 1) < 60), Is.EqualTo((true, true)), "red");
        Assert.That((At(greenX, greenY, 1) > 200, At(greenX, greenY, 0) < 60), Is.EqualTo((true, true)), "green");
    }

    [Test]
    public void What_is_no_picture_or_ends_early_is_named()
    {
        Assert.That(() => PictureReader.Read("not a picture"u8, "picture 3"), Throws.InstanceOf<MediaException>().With.Message.Contain("picture 3"));
        byte[] png = TinyModels.Picture(64, 64).Data.ToArray();
        Assert.That(() => PictureReader.Read(png.AsSpan(0, png.Length / 2), "picture 1"), Throws.InstanceOf<MediaException>().With.Message.Contain("to its end"));
    }

    [Test]
    public void A_picture_that_would_need_gigabytes_is_refused()
    {
        // A PNG's header with another size, and the checksum that belongs to it.
        byte[] png = TinyModels.Picture(4, 4).Data.ToArray();
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 60_000);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 60_000);
        uint crc = uint.MaxValue;
        foreach (byte b in png.AsSpan(12, 17))
        {
            crc ^= b;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320 & (uint)-(int)(crc & 1));
        }
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), ~crc);
        Assert.That(() => PictureReader.Read(png, "picture 1"), Throws.InstanceOf<MediaException>().With.Message.Contain("60000 × 60000"));
    }

    /// <summary>An EXIF segment that says nothing but the orientation, right after the start of a JPEG.</summary>
    private static byte[] WithOrientation(byte[] jpeg, byte orientation) =>
    [
        jpeg[0], jpeg[1], 0xFF, 0xE1, 0, 34, .. "Exif\0\0"u8, .. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0, .. jpeg.AsSpan(2),
    ];
}
