namespace ThinkSound.Interop;

/// <summary>Blocks of stereo that a callback is handed, in order, as one clip.</summary>
internal sealed class PcmGatherer
{
    private readonly List<float> _left = [], _right = [];

    public void Add(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        _left.AddRange(left);
        _right.AddRange(right);
    }

    public AudioClip ToClip(int sampleRate) => new(2, sampleRate, (float[])[.. _left, .. _right]);
}
