using ThinkSound.Media;

namespace ThinkSound.Projects;

/// <summary>How files are made of a project.</summary>
public sealed record ExportOptions
{
    /// <summary>One gain for the whole mix. None by itself, because any other rule lets an edit of one second change every sample of
    /// the file. <see cref="LoudnessRule.Lufs"/> holds the whole mix in memory.</summary>
    public Loudness Loudness { get; init; } = Loudness.None;

    /// <summary>What becomes of the video's own sound.</summary>
    public KeepAudio KeepAudio { get; init; } = KeepAudio.Replace;

    /// <summary>Of stems: as they were made, without gain, pan and ducking.</summary>
    public bool IsRaw { get; init; }

    /// <summary>Existing files are replaced.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>A file that was made.</summary>
/// <param name="Path">Where.</param>
/// <param name="Container">"mp4".</param>
/// <param name="Codec">"aac".</param>
/// <param name="Bytes">Of the file.</param>
/// <param name="NumSamples">Samples per channel.</param>
/// <param name="Gain">The factor for its loudness.</param>
/// <param name="Peak">The largest sample with that gain; above 1 it is clipped where the format has no floats.</param>
/// <param name="Warnings">What could not be kept and why.</param>
public sealed record ExportedFile(string Path, string Container, string Codec, long Bytes, long NumSamples, float Gain, float Peak, IReadOnlyList<string> Warnings);
