using System.Diagnostics;
using ThinkSound.Rendering.Analysis;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Tests.Foley.Windows;

public class JointTests
{
    // 35 s: four shots, the first cut in the film itself.
    private static readonly (string Name, double Start, double Duration)[] Shots =
        [("big-buck-bunny-0-30.webm", 8, 14), ("stream-of-water.mp4", 0, 3), ("wet-hawk.mp4", 0, 6), ("big-buck-bunny-0-30.webm", 0, 12)];

    [Test]
    public async Task Windows_of_the_embedded_model_meet_unheard()
    {
        Parts.Require();
        string folder = Directory.CreateTempSubdirectory("ts-joints").FullName;
        try
        {
            string video = Path.Combine(folder, "joined.mp4");
            Join(video);
            using var pipeline = new FoleyPipeline(new EngineOptions { BundlePath = Path.Combine(Parts.Root, "models", "foley-small"), Device = "cpu" });
            var job = new FoleyJob
            {
                Video = video, Generate = new GenerateOptions { Steps = 8 }, Loudness = Loudness.None, Windows = new WindowOptions { Length = TimeSpan.FromSeconds(8) },
                Outputs = [.. Enumerable.Range(1, 5).Select(seed => new FoleyOutput { Path = Path.Combine(folder, $"{seed}.wav"), Seed = (ulong)seed })],
            };
            var results = new List<FoleyResult>();
            await foreach (FoleyResult one in pipeline.RunAsync(job)) results.Add(one);
            FoleyWindow[] windows = [.. results[0].Windows];
            TimeSpan[] joints = [.. windows.Where(window => window.Known > TimeSpan.Zero).Select(window => window.Start + window.Known)];
            TimeSpan[] cuts = [.. windows.Skip(1).Where(window => window.Known == TimeSpan.Zero).Select(window => window.Start)];
            Assert.That(joints, Has.Length.GreaterThanOrEqualTo(2));
            Assert.That(cuts.Any(cut => Math.Abs((cut - TimeSpan.FromSeconds(14)).TotalSeconds) < 0.06 || Math.Abs((cut - TimeSpan.FromSeconds(23)).TotalSeconds) < 0.06),
                        $"windows meet at cuts: {string.Join(", ", cuts)}");
            foreach (var (name, seam) in SeamMeter.Compare([.. results.Select(result => result.Clip!)], joints, cuts)) Assert.That(seam.IsUnheard, $"{name}: {seam}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void A_seam_is_heard_where_there_is_one()
    {
        var random = new Random(2);
        const int rate = 44100, seconds = 20;
        var planar = new float[2 * rate * seconds];
        TimeSpan[] joints = [.. Enumerable.Range(1, 6).Select(i => TimeSpan.FromSeconds(3 * i + 0.05))];
        for (int i = 0; i < planar.Length; i++)
        {
            double time = i % (rate * seconds) / (double)rate;
            bool isOdd = joints.Count(joint => joint.TotalSeconds <= time) % 2 == 1;
            planar[i] = (float)((isOdd ? 0.2 : 0.05) * (random.NextDouble() - 0.5));
        }
        var clip = new AudioClip(2, rate, planar);
        Assert.That(SeamMeter.Compare([clip], joints, []).Values.Select(seam => seam.IsUnheard), Has.All.False);
        TimeSpan[] elsewhere = [.. joints.Select(joint => joint + TimeSpan.FromSeconds(1.2))];
        Assert.That(SeamMeter.Compare([clip], elsewhere, joints).Values.Select(seam => seam.MeanRank), Has.All.InRange(0.1, 0.9));
    }

    private static void Join(string path)
    {
        var arguments = new List<string> { "-v", "error" };
        foreach (var (name, start, duration) in Shots) arguments.AddRange(["-ss", $"{start}", "-t", $"{duration}", "-i", Parts.Sample(name)]);
        string each = string.Concat(Shots.Select((_, i) => $"[{i}:v]scale=256:144,setsar=1,fps=24[v{i}];"));
        arguments.AddRange(["-filter_complex", $"{each}{string.Concat(Shots.Select((_, i) => $"[v{i}]"))}concat=n={Shots.Length}", "-an", "-preset", "ultrafast", path]);
        using Process ffmpeg = Process.Start("ffmpeg", arguments);
        ffmpeg.WaitForExit();
        Assert.That(ffmpeg.ExitCode, Is.Zero);
    }
}
