using System.Diagnostics;

namespace ThinkSound.Media.Tests;

public class SceneCutsTests
{
    // Colours of 2, 1.6 and 3 s, the last with a white flash of 0.12 s in it.
    private const string Scenes = "color=red:s=96x64:r=25:d=2[a];testsrc2=s=96x64:r=25:d=1.6[b];color=blue:s=96x64:r=25:d=3,drawbox=c=white:t=fill:enable='between(t,1,1.1)'[c];[a][b][c]concat=n=3";

    [TestCase(0, 6.6, new[] { 2, 3.6 })]
    [TestCase(1, 2, new[] { 1.0 })]
    [TestCase(4, 2.5, new double[0])]
    public async Task Cuts_are_found_where_scenes_begin_and_flashes_are_none(double start, double duration, double[] wanted)
    {
        MediaParts.Require();
        string path = MediaParts.Temporary("scenes.mp4");
        if (!File.Exists(path))
        {
            using Process ffmpeg = Process.Start("ffmpeg", ["-v", "error", "-filter_complex", Scenes, path]);
            ffmpeg.WaitForExit();
            Assert.That(ffmpeg.ExitCode, Is.Zero);
        }
        double told = 0;
        IReadOnlyList<TimeSpan> cuts = await SceneCuts.FindAsync(path, TimeSpan.FromSeconds(start), TimeSpan.FromSeconds(duration), new Told(value => told = value));
        Assert.That(cuts.Select(cut => cut.TotalSeconds), Is.EqualTo(wanted).Within(0.001));
        Assert.That(told, Is.EqualTo(1));
    }

    [Test]
    public async Task A_shot_without_cuts_has_none()
    {
        MediaParts.Require();
        Assert.That(await SceneCuts.FindAsync(MediaParts.Sample("flower.mp4"), TimeSpan.Zero, TimeSpan.FromSeconds(5)), Is.Empty);
    }

    private sealed class Told(Action<double> take) : IProgress<double>
    {
        public void Report(double value) => take(value);
    }
}
