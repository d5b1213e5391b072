using ThinkSound.Interop;

namespace ThinkSound.Media;

/// <summary>The sound of a video or sound file, whole.</summary>
public static class AudioFile
{
    /// <summary>Reads it at its own rate and channels; for 44.1 kHz see <see cref="AudioClip.Resample"/>.</summary>
    /// <param name="path">A video or sound file.</param>
    /// <param name="options">Which part; null is all of it.</param>
    /// <param name="cancellationToken">Stops within a packet.</param>
    /// <exception cref="ResourceNotFoundException">No such file.</exception>
    /// <exception cref="MediaException">No sound in it, or nothing decodes.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static AudioClip Read(string path, AudioReadOptions? options = null, CancellationToken cancellationToken = default)
    {
        using AudioReader reader = AudioReader.Open(path, options ?? new AudioReadOptions(), cancellationToken);
        float[][] channels = reader.ReadToEnd();
        int samples = channels[0].Length;
        var planar = new float[checked(channels.Length * samples)];
        for (int i = 0; i < channels.Length; i++) channels[i].CopyTo(planar, i * samples);
        return new AudioClip(channels.Length, reader.SampleRate, planar);
    }

    /// <summary>As <see cref="Read"/>, on another thread.</summary>
    public static Task<AudioClip> ReadAsync(string path, AudioReadOptions? options = null, CancellationToken cancellationToken = default) =>
        NativeThread.Run(() => Read(path, options, cancellationToken));
}
