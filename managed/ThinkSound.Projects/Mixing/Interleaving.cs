namespace ThinkSound.Projects;

/// <summary>From left, right, left, right to channel after channel.</summary>
internal static class Interleaving
{
    public static AudioClip ToClip(ReadOnlySpan<float> interleaved, Timeline timeline)
    {
        int channels = timeline.Channels, count = interleaved.Length / channels;
        var planar = new float[interleaved.Length];
        for (int i = 0; i < interleaved.Length; i++) planar[i % channels * count + i / channels] = interleaved[i];
        return new AudioClip(channels, timeline.SampleRate, planar);
    }
}
