namespace ThinkSound.Projects.Editing;

/// <summary>Arithmetic on a stretch of a sound. Whatever it does, samples outside of the stretch are copied, bit for bit; the
/// cross-fades lie inside, and there is none where the stretch meets the begin or the end of the sound.</summary>
internal static class Splice
{
    /// <summary>Length of a cross-fade; at most a quarter of the stretch.</summary>
    private const double FadeSeconds = 0.02;

    /// <summary>Puts <paramref name="edited"/> into the stretch.</summary>
    /// <param name="sound">What is there.</param>
    /// <param name="edited">As long as the stretch, of the same rate and channels.</param>
    /// <param name="from">First sample of the stretch.</param>
    /// <param name="to">The sample after its last.</param>
    public static AudioClip Into(AudioClip sound, AudioClip edited, int from, int to)
    {
        if (edited.Samples != to - from || edited.Channels != sound.Channels || edited.SampleRate != sound.SampleRate)
            throw new ArgumentException($"{edited.Channels} × {edited.Samples} samples at {edited.SampleRate} Hz do not fit {sound.Channels} × {to - from} at {sound.SampleRate} Hz", nameof(edited));
        return Map(sound, from, to, (old, channel, i, weight) => weight == 1 ? edited.Channel(channel)[i] : (float)(old + weight * ((double)edited.Channel(channel)[i] - old)));
    }

    /// <summary>Adds <paramref name="layer"/>, as long as the sound, in the stretch.</summary>
    public static AudioClip Sum(AudioClip sound, AudioClip layer, int from, int to)
    {
        float[] samples = sound.Planar.ToArray();
        for (int channel = 0; channel < sound.Channels; channel++)
            for (int n = from; n < to; n++) samples[channel * sound.Samples + n] += layer.Channel(channel)[n];
        return new AudioClip(sound.Channels, sound.SampleRate, samples);
    }

    /// <summary>Mean square of the stretch.</summary>
    public static double Power(AudioClip sound, int from, int to)
    {
        double sum = 0;
        for (int channel = 0; channel < sound.Channels; channel++)
            foreach (float sample in sound.Channel(channel)[from..to]) sum += (double)sample * sample;
        return sum / ((double)sound.Channels * (to - from));
    }

    /// <summary>Multiplies the stretch by a factor; 0 makes it silent.</summary>
    public static AudioClip Scale(AudioClip sound, double gain, int from, int to) =>
        Map(sound, from, to, (old, _, _, weight) => (float)(old * (1 + weight * (gain - 1))));

    /// <summary>Moves what is heard in the stretch by <paramref name="shift"/> samples; it leaves silence, and is added to what is heard
    /// where it comes to. What would leave the sound is lost.</summary>
    public static AudioClip Move(AudioClip sound, int shift, int from, int to)
    {
        float[] samples = Scale(sound, 0, from, to).Planar.ToArray();
        int fade = FadeOf(sound, from, to);
        for (int channel = 0; channel < sound.Channels; channel++)
        {
            ReadOnlySpan<float> old = sound.Channel(channel);
            Span<float> now = samples.AsSpan(channel * sound.Samples, sound.Samples);
            for (int n = Math.Max(from, -shift); n < Math.Min(to, sound.Samples - shift); n++)
            {
                double weight = Weight(n, from, to, sound.Samples, fade);
                now[n + shift] += (float)(old[n] * weight);
            }
        }
        return new AudioClip(sound.Channels, sound.SampleRate, samples);
    }

    /// <summary>The largest factor up to 1 by which <paramref name="layer"/> can be added without a sample leaving ±1 that was inside.</summary>
    /// <param name="sound">What is there, from the layer's first sample on.</param>
    /// <param name="layer">What is added.</param>
    public static double Headroom(ReadOnlySpan<float> sound, ReadOnlySpan<float> layer)
    {
        double gain = 1;
        for (int n = 0; n < Math.Min(sound.Length, layer.Length); n++)
        {
            double room = layer[n] > 0 ? 1 - (double)sound[n] : 1 + (double)sound[n];
            if (room >= 0 && layer[n] != 0) gain = Math.Min(gain, room / Math.Abs((double)layer[n]));
        }
        return gain;
    }

    private delegate float Change(float old, int channel, int index, double weight);

    private static AudioClip Map(AudioClip sound, int from, int to, Change change)
    {
        if (from < 0 || to > sound.Samples || from >= to) throw new ArgumentException($"samples {from} to {to} are no stretch of {sound.Samples}");
        float[] samples = sound.Planar.ToArray();
        int fade = FadeOf(sound, from, to);
        for (int channel = 0; channel < sound.Channels; channel++)
        {
            Span<float> row = samples.AsSpan(channel * sound.Samples, sound.Samples);
            for (int n = from; n < to; n++) row[n] = change(row[n], channel, n - from, Weight(n, from, to, sound.Samples, fade));
        }
        return new AudioClip(sound.Channels, sound.SampleRate, samples);
    }

    private static int FadeOf(AudioClip sound, int from, int to) => (int)Math.Min(FadeSeconds * sound.SampleRate, (to - from) / 4);

    /// <summary>How much of the new a sample has, above 0 up to 1.</summary>
    private static double Weight(int n, int from, int to, int total, int fade)
    {
        double begin = from == 0 ? 1 : Rise(n - from, fade), end = to == total ? 1 : Rise(to - 1 - n, fade);
        return Math.Min(begin, end);
    }

    private static double Rise(int n, int fade) => n >= fade ? 1 : 0.5 - 0.5 * Math.Cos(Math.PI * (n + 1) / (fade + 1));
}
