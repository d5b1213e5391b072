using System.Runtime.InteropServices;

namespace ThinkSound.Projects;

/// <summary>Sound of a project at any place, in blocks. One caller at a time.</summary>
public sealed class StemReader : IDisposable
{
    private readonly FileStream _file;

    internal StemReader(FileStream file, StemAudio audio, Timeline timeline) => (_file, Audio, Timeline) = (file, audio, timeline);

    /// <summary>What is read.</summary>
    public StemAudio Audio { get; }

    /// <summary>Of the project.</summary>
    public Timeline Timeline { get; }

    /// <summary>Fills <paramref name="interleaved"/> from sample <paramref name="start"/> of the project on; silence where there is no sound.</summary>
    /// <param name="start">Any sample, also before 0.</param>
    /// <param name="interleaved">Whole frames of left and right.</param>
    /// <exception cref="ProjectException">The file cannot be read.</exception>
    public void Read(long start, Span<float> interleaved)
    {
        int channels = Timeline.Channels, count = interleaved.Length / channels;
        if (count * channels != interleaved.Length) throw new ArgumentException($"{interleaved.Length} values do not divide into {channels} channels", nameof(interleaved));
        interleaved.Clear();
        long from = Math.Max(start, Audio.Start), to = Math.Min(start + count, Audio.End);
        if (from >= to) return;
        try
        {
            _file.Position = (from - Audio.Start) * channels * sizeof(float);
            _file.ReadExactly(MemoryMarshal.AsBytes(interleaved.Slice((int)(from - start) * channels, (int)(to - from) * channels)));
        }
        catch (IOException e)
        {
            throw new ProjectException(ProjectFailure.Damaged, $"{_file.Name}: cannot be read: {e.Message}", e);
        }
    }

    /// <summary>A stretch as a clip, channel after channel.</summary>
    /// <param name="start">Sample of the project.</param>
    /// <param name="count">Samples per channel.</param>
    public AudioClip ReadClip(long start, int count)
    {
        var interleaved = new float[checked(count * Timeline.Channels)];
        Read(start, interleaved);
        return Interleaving.ToClip(interleaved, Timeline);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
