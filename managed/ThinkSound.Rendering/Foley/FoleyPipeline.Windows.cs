using System.Runtime.CompilerServices;
using ThinkSound.Media;

namespace ThinkSound.Rendering.Foley;

// Sounds that are longer than a window.
public sealed partial class FoleyPipeline
{
    /// <summary>The windows of a sound, and the cuts between them.</summary>
    private static async Task<(IReadOnlyList<LatentWindow> Windows, IReadOnlyDictionary<int, TimeSpan> Cuts)> DivideAsync(FoleyPlan plan, ThinkSoundEngine engine, FoleyRun run, CancellationToken cancel)
    {
        FoleyJob job = plan.Job;
        WindowGrid grid = WindowGrid.Of(engine);
        int length = grid.Steps(plan.Duration);
        LatentWindow[] whole = [new LatentWindow(0, length, 0)];
        var cutAt = new Dictionary<int, TimeSpan>();
        if (job.Windows?.Length is null && plan.Duration <= FoleyPlan.LongestPiece) return (whole, cutAt);
        WindowOptions options = job.Windows ?? new WindowOptions();
        int least = grid.Steps(FoleyPlan.Shortest), window = options.Length is { } asked ? Math.Max(2 * least, grid.StepsWithin(asked)) : grid.Learned(engine);
        if (length <= window) return (whole, cutAt);
        CheckForWindows(job.Generate);
        IReadOnlyList<TimeSpan> cuts = plan.Media is null || !options.FollowCuts ? [] : await run.Time(FoleyStage.Watch, () =>
            SceneCuts.FindAsync(plan.Media.Path, job.Start, plan.Duration < plan.Media.Video!.Duration - job.Start ? plan.Duration : plan.Media.Video.Duration - job.Start,
                                new CutProgress(run), cancel)).ConfigureAwait(false);
        // A window begins with a scene or just after: the frame before would be seen as motion.
        foreach (TimeSpan cut in cuts) cutAt.TryAdd(grid.Steps(cut), cut);
        window = Math.Max(2 * least, window - WindowedSound.Tail);
        IReadOnlyList<LatentWindow> windows = WindowPlan.Of(length, window, Math.Min(grid.StepsWithin(options.Overlap), window / 2), [.. cutAt.Keys], least);
        return (windows, windows.Where(next => next.Known == 0 && cutAt.ContainsKey(next.Begin)).ToDictionary(next => next.Begin, next => cutAt[next.Begin]));
    }

    private static void CheckForWindows(GenerateOptions generate)
    {
        if (generate.Lengths != LengthRule.Exact) throw new ArgumentException("the reference's lengths are those of one piece; a sound in windows takes exact ones");
        if ((generate.Noise ?? generate.InitialLatent ?? generate.KnownLatent) is not null)
            throw new ArgumentException("latents of one's own fit one piece; a sound in windows has noise of its own in each");
    }

    /// <summary>All outputs side by side, because each window is watched but once.</summary>
    private async Task<IReadOnlyList<FoleyResult>> RunWindows(Prepared ready, FoleyPicture picture, FoleyRun run, CancellationToken cancel)
    {
        FoleyPlan plan = ready.Plan;
        IReadOnlyList<FoleyOutput> outputs = plan.Job.Outputs;
        bool fits = plan.Duration <= FoleyPlan.LongestPiece; // into memory, whole
        var pieces = new List<AudioClip>[fits ? outputs.Count : 0];
        var files = new List<LongSoundFile>();
        try
        {
            for (int i = 0; i < outputs.Count; i++)
            {
                if (fits) pieces[i] = [];
                else files.Add(new LongSoundFile(plan, outputs[i], ready.Engine, cancel));
            }
            await foreach (IReadOnlyList<AudioClip> made in MakeWindows(ready, [.. outputs.Select(output => output.Seed)], run, cancel).ConfigureAwait(false))
            {
                for (int i = 0; i < outputs.Count; i++)
                {
                    if (fits) pieces[i].Add(made[i]);
                    else files[i].Write(made[i]);
                }
            }
            var results = new List<FoleyResult>();
            WindowGrid grid = WindowGrid.Of(ready.Engine);
            for (int i = 0; i < outputs.Count; i++)
            {
                int index = i;
                run.BeginOutput(i);
                FoleyResult result = await run.Time(FoleyStage.Write, () => Task.Run(() =>
                    fits ? SoundFile.Write(plan, outputs[index], Joined(pieces[index]), ready.Engine, picture, cancel) : files[index].Finish(), cancel)).ConfigureAwait(false);
                foreach (string warning in result.Warnings) run.Warn(warning);
                results.Add(result with { Windows = [.. ready.Windows.Select(grid.Times)], Candidates = run.ChoicesOf(i), Seconds = run.TakeSeconds(), Warnings = run.TakeWarnings() });
            }
            return results;
        }
        finally
        {
            foreach (LongSoundFile file in files) file.Dispose();
        }
    }

    /// <summary>The sounds of several seeds, as they are made: what each window adds to each.</summary>
    private async IAsyncEnumerable<IReadOnlyList<AudioClip>> MakeWindows(Prepared ready, IReadOnlyList<ulong> seeds, FoleyRun run,
                                                                         [EnumeratorCancellation] CancellationToken cancel)
    {
        using ThinkSoundSession session = ready.Engine.CreateSession();
        WindowedSound[] sounds = [.. seeds.Select(seed => new WindowedSound(session, ready.Generate with { Seed = seed }))];
        _buffers = new WatcherBuffers();
        try
        {
            for (int k = 0; k < ready.Windows.Count; k++)
            {
                LatentWindow window = ready.Windows[k];
                bool isLast = k == ready.Windows.Count - 1;
                run.BeginWindow(new WindowProgress(k, ready.Windows.Count, seeds.Count));
                var (conditions, _) = await Watch(ready, window, run, cancel).ConfigureAwait(false);
                var made = new AudioClip[sounds.Length];
                for (int i = 0; i < sounds.Length; i++)
                {
                    WindowedSound sound = sounds[i];
                    run.BeginOutput(i);
                    made[i] = await run.Generate(stages => sound.NextAsync(window, isLast, conditions, stages, cancel)).ConfigureAwait(false);
                    run.Choose(sound.LastChoice);
                }
                yield return made;
            }
            run.EndWindows();
        }
        finally
        {
            foreach (WindowedSound sound in sounds) sound.Dispose();
            _buffers = null;
            if (!_options.KeepsVision) _engines.ReleaseVision();
        }
    }

    private static AudioClip Joined(IReadOnlyList<AudioClip> pieces)
    {
        var planar = new float[2 * pieces.Sum(piece => piece.Samples)];
        int at = 0;
        foreach (AudioClip piece in pieces)
        {
            for (int channel = 0; channel < 2; channel++) piece.Channel(channel).CopyTo(planar.AsSpan(channel * planar.Length / 2 + at));
            at += piece.Samples;
        }
        return new AudioClip(2, pieces[0].SampleRate, planar);
    }

    private sealed class CutProgress(FoleyRun run) : IProgress<double>
    {
        public void Report(double value) => run.Report(FoleyStage.Watch, value, "looking for cuts", null);
    }
}
