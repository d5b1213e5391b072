using System.Globalization;

namespace ThinkSound.Rendering.Foley;

/// <summary>How far a long sound is while one of its windows is made.</summary>
/// <param name="Index">Of the window, from 0.</param>
/// <param name="Windows">Windows in all.</param>
/// <param name="Sounds">Variations that are made of each.</param>
internal sealed record WindowProgress(int Index, int Windows, int Sounds)
{
    private const double Watching = 0.3, Sampling = 0.9; // where these end, of a window: as measured of the embedded model

    /// <summary>What to tell: one stage for everything, or a hundred windows would have five hundred.</summary>
    /// <param name="stage">Of the window.</param>
    /// <param name="fraction">Of that stage.</param>
    /// <param name="sound">Which of the variations.</param>
    /// <param name="elapsed">Since the job began.</param>
    public FoleyProgress Of(FoleyStage stage, double fraction, int sound, TimeSpan elapsed)
    {
        double part = stage switch
        {
            FoleyStage.Watch => Watching * fraction,
            FoleyStage.Sample => Share(Sampling * fraction),
            FoleyStage.Decode => Share(Sampling + (1 - Sampling) * fraction),
            FoleyStage.Write => Share(1),
            FoleyStage.Text => Share(0),
            _ => 0,
        };
        double done = (Index + part) / Windows;
        return new FoleyProgress(FoleyStage.Sample, -1, done, string.Create(CultureInfo.InvariantCulture, $"window {Index + 1} of {Windows}"),
                                 done > 0.02 ? elapsed / done * (1 - done) : null);

        double Share(double ofSound) => Watching + (1 - Watching) * (sound + ofSound) / Sounds;
    }
}
