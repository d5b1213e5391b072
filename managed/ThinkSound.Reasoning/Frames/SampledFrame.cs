namespace ThinkSound.Reasoning.Frames;

/// <summary>A picture for a model.</summary>
/// <param name="Time">When it is shown, from the begin of the sound.</param>
/// <param name="Until">Until when the picture hardly changes; <paramref name="Time"/> where the next one differs.</param>
/// <param name="Jpeg">The bytes of a JPEG file.</param>
/// <param name="IsWhole">The whole picture with the region outlined, where the others show the region alone.</param>
internal sealed record SampledFrame(TimeSpan Time, TimeSpan Until, ReadOnlyMemory<byte> Jpeg, bool IsWhole = false);
