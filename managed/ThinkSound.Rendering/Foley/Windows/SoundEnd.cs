namespace ThinkSound.Rendering.Foley;

/// <summary>The end of a sound that comes in pieces, cut to the sample and faded as the library does it for one piece
/// (<see cref="LengthRule.Exact"/>).</summary>
internal static class SoundEnd
{
    private const double FadeSeconds = 0.005;

    /// <summary>What of a piece lies within the sound.</summary>
    /// <param name="piece">Any of it.</param>
    /// <param name="position">Samples before it.</param>
    /// <param name="samples">Of the whole sound.</param>
    public static AudioClip Cut(AudioClip piece, long position, long samples)
    {
        long length = Math.Min((long)Math.Round(FadeSeconds * piece.SampleRate, MidpointRounding.AwayFromZero), samples), first = samples - length;
        if (position + piece.Samples <= first) return piece;
        int kept = (int)Math.Clamp(samples - position, 0, piece.Samples);
        var planar = new float[piece.Channels * kept];
        for (int channel = 0; channel < piece.Channels; channel++)
        {
            Span<float> to = planar.AsSpan(channel * kept, kept);
            piece.Channel(channel)[..kept].CopyTo(to);
            for (long i = Math.Max(first, position); i < position + kept; i++)
                to[(int)(i - position)] *= (float)(0.5 + 0.5 * Math.Cos(Math.PI * (i - first + 0.5) / length));
        }
        return new AudioClip(piece.Channels, piece.SampleRate, planar);
    }
}
