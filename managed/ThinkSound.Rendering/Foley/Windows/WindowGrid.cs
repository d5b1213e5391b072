using System.Text.Json;

namespace ThinkSound.Rendering.Foley;

/// <summary>Times of a sound and steps of its latent, as the model has them.</summary>
/// <param name="SampleRate">Hz.</param>
/// <param name="Hop">Samples a step.</param>
internal readonly record struct WindowGrid(int SampleRate, int Hop)
{
    private static readonly TimeSpan LearnedByDefault = TimeSpan.FromSeconds(8);

    public static WindowGrid Of(ThinkSoundEngine engine) => new(engine.Info.SampleRate, engine.Info.Hop);

    /// <summary>Steps that cover a duration, as <see cref="LengthRule.Exact"/> has it.</summary>
    public int Steps(TimeSpan duration) => checked((int)Math.Ceiling(duration.TotalSeconds * SampleRate / Hop));

    /// <summary>Whole steps within a duration.</summary>
    public int StepsWithin(TimeSpan duration) => checked((int)Math.Floor(duration.TotalSeconds * SampleRate / Hop));

    /// <summary>Samples of a sound of a duration.</summary>
    public long Samples(TimeSpan duration) => (long)Math.Round(duration.TotalSeconds * SampleRate, MidpointRounding.AwayFromZero);

    /// <summary>When a step begins.</summary>
    public TimeSpan Time(int step) => TimeSpan.FromTicks((long)((decimal)step * Hop * TimeSpan.TicksPerSecond / SampleRate));

    /// <summary>The duration to ask for to get so many steps: a tick less than they last, lest rounding ask for one more.</summary>
    public TimeSpan Duration(int steps) => Time(steps) - TimeSpan.FromTicks(1);

    /// <summary>A window as times.</summary>
    public FoleyWindow Times(LatentWindow window) => new(Time(window.Begin), Duration(window.Length), window.Known == 0 ? TimeSpan.Zero : Time(window.Known));

    /// <summary>Steps of the clips that a model learned from: what its configuration calls latent_seq_len.</summary>
    public int Learned(ThinkSoundEngine engine)
    {
        if (engine.Bundle.Find("mmdit") is { } mmdit)
        {
            using JsonDocument config = JsonDocument.Parse(mmdit.Config);
            if (config.RootElement.TryGetProperty("latent_seq_len", out JsonElement value) && value.TryGetInt32(out int steps) && steps > 0)
                return Math.Clamp(steps, 2 * Steps(FoleyPlan.Shortest), StepsWithin(WindowOptions.Longest));
        }
        return Steps(LearnedByDefault);
    }
}
