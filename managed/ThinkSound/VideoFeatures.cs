namespace ThinkSound;

/// <summary>What the two vision towers make of a stretch of video.</summary>
/// <param name="Clip">What is seen; null if the model has no such tower.</param>
/// <param name="Sync">When it happens; null if the model has no such tower.</param>
public sealed record VideoFeatures(Features? Clip, Features? Sync);
