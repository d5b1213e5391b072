using System.Globalization;
using ThinkSound.Projects.Editing;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects.Tests.Editing;

/// <summary>Ten seconds of a scene with a bed and three sounds of their own, and steps in a line.</summary>
internal static class Scene
{
    public static EditSubject Project { get; } = new()
    {
        Duration = TimeSpan.FromSeconds(10),
        Tracks =
        [
            new() { Id = "bed", IsMix = true, Description = "rain falls on a metal roof and wind blows in gusts" },
            new() { Id = "object-2", Name = "dog", Description = "a dog barks", Events = [Event(1, 1.3), Event(3, 3.4), Event(6, 6.2)] },
            new() { Id = "object-3", Name = "metal door", Description = "a metal door closes", Events = [Event(4, 4.6)] },
            new() { Id = "object-4", Name = "bell", Description = "a bell rings", Events = [Event(7, 8.5)] },
        ],
    };

    /// <summary>A file of which nobody knows anything.</summary>
    public static EditSubject File { get; } = new() { Duration = TimeSpan.FromSeconds(10), MayGrow = true, Tracks = [new() { Id = "sound", IsMix = true }] };

    /// <summary>"Softer object-2 2-4 6dB; …".</summary>
    public static string Show(EditScript script) => string.Join("; ", script.Steps.Select(Show));

    private static string Show(EditStep step)
    {
        string range = step.Range is { } r ? $"{Seconds(r.Start)}-{Seconds(r.End)}" : "all";
        string words = $"{step.Target}{(step.Replacement.Length > 0 ? $">{step.Replacement}" : "")}{(step.Avoid.Length > 0 ? $" no {step.Avoid}" : "")}";
        string amount = step.Action switch
        {
            EditAction.Louder or EditAction.Softer => $"{Number(step.AmountDb)}dB",
            EditAction.Earlier or EditAction.Later => $"{Number(step.Shift.TotalSeconds)}s",
            EditAction.Variation or EditAction.Material or EditAction.Space or EditAction.Style => Number(step.Strength),
            _ => "",
        };
        return string.Join(' ', new[] { step.Action.ToString(), step.Track ?? "-", range, words.Trim(), amount }.Where(part => part.Length > 0));
    }

    private static string Seconds(TimeSpan time) => Number(time.TotalSeconds);

    private static string Number(double number) => Math.Round(number, 2).ToString("0.##", CultureInfo.InvariantCulture);

    private static SoundEvent Event(double start, double end) => new() { Start = TimeSpan.FromSeconds(start), End = TimeSpan.FromSeconds(end) };
}
