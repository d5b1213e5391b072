namespace ThinkSound.Objects;

/// <summary>How probable it is that a colour is the object's and not its surroundings': two histograms, blurred so that noise does not
/// fall beside them.</summary>
internal sealed class ColourModel
{
    private const int Bins = 16, Cells = Bins * Bins * Bins;

    private readonly float[] _object = new float[Cells], _around = new float[Cells];

    /// <summary>Takes in what is seen.</summary>
    /// <param name="frame">The picture.</param>
    /// <param name="isObject">[height, width]; 1 the object, 2 its surroundings, 0 neither.</param>
    /// <param name="objectRate">How much of the object's colours is replaced, 0 to 1.</param>
    /// <param name="aroundRate">The same of the surroundings'.</param>
    public void Learn(StillFrame frame, ReadOnlySpan<byte> isObject, double objectRate, double aroundRate)
    {
        var seen = new float[2][] { new float[Cells], new float[Cells] };
        var counts = new int[2];
        ReadOnlySpan<byte> pixels = frame.Pixels;
        for (int i = 0; i < isObject.Length; i++)
        {
            if (isObject[i] == 0) continue;
            int side = isObject[i] - 1;
            seen[side][CellOf(pixels, 3 * i)]++;
            counts[side]++;
        }
        if (counts[0] > 0) Blend(_object, seen[0], counts[0], objectRate);
        if (counts[1] > 0) Blend(_around, seen[1], counts[1], aroundRate);
    }

    /// <summary>0 the surroundings', 1 the object's, ½ where nobody knows.</summary>
    public float Probability(ReadOnlySpan<byte> pixels, int at)
    {
        const float unseen = 2e-4f; // a colour that neither has says nothing
        int cell = CellOf(pixels, at);
        float mine = _object[cell] + unseen, theirs = _around[cell] + unseen;
        return mine / (mine + theirs);
    }

    private static int CellOf(ReadOnlySpan<byte> pixels, int at) => ((pixels[at] >> 4) * Bins + (pixels[at + 1] >> 4)) * Bins + (pixels[at + 2] >> 4);

    private static void Blend(float[] into, float[] counts, int total, double rate)
    {
        foreach (int stride in (int[])[1, Bins, Bins * Bins]) Blur(counts, stride);
        for (int i = 0; i < Cells; i++) into[i] = (float)((1 - rate) * into[i] + rate * counts[i] / total);
    }

    /// <summary>¼ ½ ¼ along one of the three axes.</summary>
    private static void Blur(float[] values, int stride)
    {
        for (int first = 0; first < Cells; first++)
        {
            if (first / stride % Bins != 0) continue;
            float before = values[first];
            for (int k = 0; k < Bins; k++)
            {
                int at = first + k * stride;
                float now = values[at], after = k + 1 < Bins ? values[at + stride] : now;
                values[at] = 0.25f * before + 0.5f * now + 0.25f * after;
                before = now;
            }
        }
    }
}
