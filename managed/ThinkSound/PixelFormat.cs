using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>How the bytes of a frame lie.</summary>
public enum PixelFormat
{
    /// <summary>R, G, B.</summary>
    Rgb24 = ts_pixel_format.TS_PIXELS_RGB24,
    /// <summary>A plane of luma, then one of pairs Cb, Cr for each 2 × 2 pixels: what hardware decoders give.</summary>
    Nv12 = ts_pixel_format.TS_PIXELS_NV12,
}

/// <summary>What luma and chroma of 8 bits mean. A decoder says so; a video that does not is taken for <see cref="Bt601"/>.</summary>
public enum YuvColor
{
    /// <summary>Luma 16 to 235, chroma 16 to 240, the matrix of standard definition.</summary>
    Bt601 = ts_yuv_color.TS_YUV_BT601,
    /// <summary>The same matrix, 0 to 255.</summary>
    Bt601Full = ts_yuv_color.TS_YUV_BT601_FULL,
    /// <summary>Luma 16 to 235, chroma 16 to 240, the matrix of high definition.</summary>
    Bt709 = ts_yuv_color.TS_YUV_BT709,
    /// <summary>The same matrix, 0 to 255.</summary>
    Bt709Full = ts_yuv_color.TS_YUV_BT709_FULL,
}
