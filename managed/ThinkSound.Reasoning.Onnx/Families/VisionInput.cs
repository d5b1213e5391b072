using ThinkSound.Reasoning.Onnx.Pictures;

namespace ThinkSound.Reasoning.Onnx.Families;

/// <summary>What one run of the vision encoder reads, and how many of the prompt's tokens its output takes the place of.</summary>
internal abstract class VisionInput
{
    /// <summary>Tokens.</summary>
    public abstract int Tokens { get; }

    /// <summary>Of <c>pixel_values</c>.</summary>
    public abstract long[] Shape { get; }

    /// <summary>Writes <c>pixel_values</c>.</summary>
    public abstract void Write(Span<float> pixels);
}

/// <summary>A square of the size that the encoder was trained with: a tile, a whole picture, or a frame. <c>pixel_values</c> are
/// [1, 1, 3, size, size].</summary>
internal sealed class TileInput(RgbImage tile, PixelScale scale, int tokens) : VisionInput
{
    public RgbImage Tile => tile;
    public override int Tokens => tokens;
    public override long[] Shape => [1, 1, 3, tile.Height, tile.Width];
    public override void Write(Span<float> pixels) => scale.WritePlanes(tile, pixels);
}

/// <summary>A picture or a whole video as patches, <c>pixel_values</c> [time · rows · columns, 3 · span · patch · patch]. The patches that
/// are merged into one token follow each other.</summary>
/// <param name="frames">All of one size, a multiple of patch · merge both ways. The last one is repeated as needed.</param>
/// <param name="scale">From bytes to what the encoder reads.</param>
/// <param name="patch">Pixels, both ways.</param>
/// <param name="merge">Patches that become one token, both ways.</param>
/// <param name="span">Frames that a patch reaches over.</param>
/// <param name="secondsPerStep">What a step of the grid's first axis takes.</param>
/// <param name="isVideo">Whether its tokens are those of a video.</param>
internal sealed class PatchInput(IReadOnlyList<RgbImage> frames, PixelScale scale, int patch, int merge, int span, double secondsPerStep, bool isVideo) : VisionInput
{
    public int Times { get; } = (frames.Count + span - 1) / span;
    public int Rows { get; } = frames[0].Height / patch;
    public int Columns { get; } = frames[0].Width / patch;
    public double SecondsPerStep => secondsPerStep;
    public bool IsVideo => isVideo;
    public override int Tokens => Times * Rows * Columns / (merge * merge);
    public override long[] Shape => [Times * Rows * Columns, 3 * span * patch * patch];

    public override void Write(Span<float> pixels)
    {
        int at = 0, width = frames[0].Width;
        for (int t = 0; t < Times; t++)
            for (int row = 0; row < Rows; row += merge)
                for (int column = 0; column < Columns; column += merge)
                    for (int inner = 0; inner < merge * merge; inner++)
                    {
                        int top = (row + inner / merge) * patch, left = (column + inner % merge) * patch;
                        for (int c = 0; c < 3; c++)
                            for (int s = 0; s < span; s++)
                            {
                                byte[] frame = frames[Math.Min(t * span + s, frames.Count - 1)].Pixels;
                                for (int y = top; y < top + patch; y++)
                                    for (int x = left; x < left + patch; x++) pixels[at++] = scale[c, frame[3 * (y * width + x) + c]];
                            }
                    }
    }
}
