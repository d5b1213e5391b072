using ThinkSound.Projects.Editing.Grammar;
using ThinkSound.Reasoning;
using ThinkSound.Rendering.Analysis;

namespace ThinkSound.Projects.Editing;

/// <summary>When something is heard on a track, one by one. A track of one sound is listened to; on a mix the events that were thought
/// of count, as nobody can hear there which onset is whose.</summary>
internal static class Moments
{
    // Longer than a cross-fade, which is over when the event begins.
    private static readonly TimeSpan Before = TimeSpan.FromMilliseconds(25), Shortest = TimeSpan.FromMilliseconds(100);
    private const double WindowSeconds = 0.02, DecayDb = -40; // an event is over 40 dB below its loudest 20 ms

    /// <summary>The moments of a sound on a track, in order; none if nothing is heard.</summary>
    /// <param name="track">Where.</param>
    /// <param name="sound">What.</param>
    /// <param name="isGuess">The track is a mix of which nothing is known, and every onset was counted.</param>
    public static IReadOnlyList<TimeRange> Of(EditableTrack track, SoundPhrase sound, out bool isGuess)
    {
        isGuess = false;
        TimeRange[] known = [.. track.Events.Where(e => !track.IsMix || IsMeant(e, sound)).OrderBy(e => e.Start).Select(e => new TimeRange(e.Start, e.End))];
        if (track.IsMix && known.Length > 0 || track.Listen is null) return known;
        AudioClip clip = track.Listen();
        IReadOnlyList<TimeSpan> onsets = OnsetDetector.Detect(clip);
        if (onsets.Count == 0) return known;
        isGuess = track.IsMix;
        return [.. onsets.Select((onset, i) => new TimeRange(onset > Before ? onset - Before : TimeSpan.Zero, EndOf(clip, onset, i + 1 < onsets.Count ? onsets[i + 1] - Before : clip.Duration)))];
    }

    /// <summary>Where the sound of a track begins and ends: louder than −60 dB of its peak. Null for silence.</summary>
    public static TimeRange? Extent(AudioClip clip)
    {
        float least = clip.Peak() / 1000;
        if (least == 0) return null;
        int first = clip.Samples, last = -1;
        for (int channel = 0; channel < clip.Channels; channel++)
        {
            ReadOnlySpan<float> samples = clip.Channel(channel);
            for (int i = 0; i < samples.Length; i++)
            {
                if (!(Math.Abs(samples[i]) > least)) continue;
                first = Math.Min(first, i);
                last = Math.Max(last, i);
            }
        }
        return new TimeRange(TimeSpan.FromSeconds((double)first / clip.SampleRate), TimeSpan.FromSeconds((last + 1.0) / clip.SampleRate));
    }

    private static bool IsMeant(SoundEvent e, SoundPhrase sound) => Names.Match(sound, $"{e.Object} {e.Action} {e.Sound}");

    private static TimeSpan EndOf(AudioClip clip, TimeSpan onset, TimeSpan latest)
    {
        int window = (int)(WindowSeconds * clip.SampleRate), from = (int)(onset.TotalSeconds * clip.SampleRate), to = Math.Min(clip.Samples, (int)(latest.TotalSeconds * clip.SampleRate));
        double loudest = 0;
        for (int at = from; at < to; at += window)
        {
            double power = Power(clip, at, Math.Min(window, to - at));
            loudest = Math.Max(loudest, power);
            var time = TimeSpan.FromSeconds((double)at / clip.SampleRate);
            if (power < loudest * Math.Pow(10, DecayDb / 10) && time - onset >= Shortest) return time;
        }
        return latest > onset ? latest : onset + Shortest;
    }

    private static double Power(AudioClip clip, int start, int count)
    {
        double sum = 0;
        for (int channel = 0; channel < clip.Channels; channel++)
            foreach (float sample in clip.Channel(channel).Slice(start, count)) sum += (double)sample * sample;
        return sum / Math.Max(1, count);
    }
}
