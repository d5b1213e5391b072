using System.Globalization;
using ThinkSound.Rendering.Analysis;
using ThinkSound.Rendering.Pictures;

namespace ThinkSound.Rendering.Foley;

/// <summary>The pictures of one job's sounds. Frames of its video are decoded once, with the first.</summary>
internal sealed class FoleyPicture(FoleyPlan plan)
{
    private IReadOnlyList<PictureFrame>? _frames;

    /// <summary>Draws what an output sounds like, with its onsets marked.</summary>
    /// <param name="clip">With the gain of its file.</param>
    /// <param name="output">Has a path for the picture.</param>
    /// <param name="engine">The model that made the sound.</param>
    /// <param name="cancel">Stops within a frame.</param>
    public void Save(AudioClip clip, FoleyOutput output, ThinkSoundEngine engine, CancellationToken cancel)
    {
        var options = new PictureOptions { Title = Title(output), Subtitle = Subtitle(output, engine), Marks = [new PictureMarks("onsets", OnsetDetector.Detect(clip))] };
        _frames ??= plan.Media is { Video: { } video } media ? FilmStrip.Read(media.Path, video, plan.Job.Start, plan.Duration, options, cancel) : [];
        SoundPicture.Save(clip, output.Picture!, options with { Frames = _frames });
    }

    private string Title(FoleyOutput output)
    {
        string? words = plan.Job.Conditions.Caption ?? plan.Job.Conditions.ChainOfThought;
        string name = Path.GetFileName(plan.Job.Video ?? output.Path ?? "sound");
        return words is null ? name : $"{name} · {words}";
    }

    private string Subtitle(FoleyOutput output, ThinkSoundEngine engine) => string.Create(CultureInfo.InvariantCulture,
        $"{engine.Info.Name} · seed {output.Seed} · {plan.Job.Generate.Steps} steps · guidance {plan.Job.Generate.GuidanceScale} · loudness {plan.Job.Loudness}");
}
