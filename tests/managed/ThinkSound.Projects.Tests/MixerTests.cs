using System.Runtime.InteropServices;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects.Tests;

/// <summary>The mix against its definition, in doubles.</summary>
internal class MixerTests : WithFolder
{
    private const int Rate = 44_100;

    private static readonly Timeline Line = new(Rate, 2, 3 * Rate);

    private StemStore Store() => new(new ContentFolder(At("content")), Line);

    private static StemAudio Noise(IStemStore store, int seed, int start, int count)
    {
        var random = new Random(seed);
        using StemWriter stem = store.Create(start);
        stem.Write(Enumerable.Range(0, 2 * count).Select(_ => (float)(2 * random.NextDouble() - 1)).ToArray());
        return stem.Finish();
    }

    private static float[] Mix(IStemStore store, params Track[] tracks)
    {
        using Mixer mixer = Mixer.Open(new ProjectState(Line, tracks), store);
        var mix = new float[2 * Line.NumSamples];
        mixer.Read(0, mix);
        return mix;
    }

    private static TimeSpan Seconds(double s) => TimeSpan.FromSeconds(s);

    [Test]
    public void Gain_level_and_pan_are_what_their_formulas_say()
    {
        using StemStore store = Store();
        StemAudio audio = Noise(store, 1, 1000, 2 * Rate);
        float[] dry = Mix(store, new Track { Id = "a", Audio = audio });
        float[] wet = Mix(store, new Track
        {
            Id = "a", Audio = audio, GainDb = -6,
            LevelDb = [new(Seconds(0.5), 0), new(Seconds(1), 6), new(Seconds(1), -20), new(Seconds(1.5), -20)],
            Pan = [new(Seconds(0), -1), new(Seconds(2), 1)],
        });
        Assert.That(dry.AsSpan(0, 2000).ToArray(), Is.All.Zero);
        double worst = 0;
        for (int n = 0; n < Line.NumSamples; n++)
        {
            double t = (double)n / Rate, level = t < 0.5 ? 1 : t < 1 ? 1 + (Math.Pow(10, 0.3) - 1) * (t - 0.5) / 0.5 : 0.1, pan = Math.Min(1, t - 1), gain = Math.Pow(10, -0.3) * level;
            worst = Math.Max(worst, Math.Abs(wet[2 * n] - gain * Math.Sqrt(1 - pan) * dry[2 * n]));
            worst = Math.Max(worst, Math.Abs(wet[2 * n + 1] - gain * Math.Sqrt(1 + pan) * dry[2 * n + 1]));
        }
        Assert.That(worst, Is.LessThan(2.5e-7), "one rounding of values up to 2.9");
    }

    [Test]
    public void Whatever_no_track_changes_keeps_its_bits()
    {
        using StemStore store = Store();
        Track bed = new() { Id = "bed", Audio = Noise(store, 1, 0, 3 * Rate), GainDb = -3 }, other = new() { Id = "other", Audio = Noise(store, 2, 0, 3 * Rate) };
        float[] before = Mix(store, bed, other);
        var range = new TimeRange(Seconds(1), Seconds(1.5));
        Track added = new() { Id = "added", Audio = Noise(store, 3, Rate, Rate / 2), Pan = [new(Seconds(0), 0.3)] };
        float[] after = Mix(store, bed with { Ducks = [new Duck { For = "added", Range = range, AmountDb = 12 }] }, other, added);
        AssertSameOutside(before, after, Rate, Rate + Rate / 2);
        Assert.That(after.AsSpan(2 * Rate, Rate).SequenceEqual(before.AsSpan(2 * Rate, Rate)), Is.False);

        // A duck for a track that is muted or gone is none.
        Track ducked = bed with { Ducks = [new Duck { For = "added", Range = range }] };
        Assert.That(Bits(Mix(store, ducked, other, added with { IsMuted = true })), Is.EqualTo(Bits(before)));
        Assert.That(Bits(Mix(store, ducked, other)), Is.EqualTo(Bits(before)));
    }

    [Test]
    public void A_duck_fades_inside_its_range()
    {
        using StemStore store = Store();
        StemAudio ones = Constant(store, 1);
        float[] mix = Mix(store, new Track { Id = "bed", Audio = ones, Ducks = [new Duck { For = "silence", Range = new(Seconds(1), Seconds(2)), AmountDb = 20, Fade = Seconds(0.1) }] },
                          new Track { Id = "silence", Audio = Constant(store, 0) });
        Assert.Multiple(() =>
        {
            Assert.That(mix[2 * Rate], Is.EqualTo(1));
            Assert.That(mix[2 * (Rate + Rate / 20)], Is.EqualTo(1 - 0.9f / 2).Within(1e-6));
            Assert.That(mix[2 * (Rate + Rate / 2)], Is.EqualTo(0.1f));
            Assert.That(mix[2 * (2 * Rate - 1)], Is.EqualTo(1));
            Assert.That(mix[2 * 2 * Rate], Is.EqualTo(1));
        });
    }

    [Test]
    public void A_sample_does_not_depend_on_how_it_is_read()
    {
        using StemStore store = Store();
        Track[] tracks =
        [
            new() { Id = "a", Audio = Noise(store, 1, -500, 2 * Rate), LevelDb = [new(Seconds(0.2), -9), new(Seconds(1.7), 3)] },
            new() { Id = "b", Audio = Noise(store, 2, Rate, 3 * Rate), GainDb = 1, Pan = [new(Seconds(1), -0.5), new(Seconds(2), 0.9)] }, // reaches beyond the end
        ];
        float[] whole = Mix(store, tracks);
        using Mixer mixer = Mixer.Open(new ProjectState(Line, tracks), store);
        foreach (var (start, count) in ((int, int)[])[(2 * Rate, 4097), (0, 1), (12_345, 10_000), (Rate - 3, 7), (3 * Rate - 1, 1)])
        {
            var part = new float[2 * count];
            mixer.Read(start, part);
            Assert.That(part.AsSpan().SequenceEqual(whole.AsSpan(2 * start, 2 * count)), Is.True, $"{count} from {start}");
        }
    }

    [Test]
    public async Task Exported_stems_add_up_to_the_mix()
    {
        using Project project = await NewProject();
        await Apply(project, 1);
        await project.ApplyAsync(new MixPayload { Changes = [new TrackMix { Track = Track.Bed, GainDb = -7, Pan = 0.4 }] }, null, Renderers);
        IReadOnlyList<ExportedFile> files = await ProjectExport.StemsAsync(project, At("stems"));
        Assert.That(files.Select(file => Path.GetFileName(file.Path)), Is.EqualTo(new[] { "bed.wav", "mix.wav" }));
        AudioClip stem = Media.AudioFile.Read(files[0].Path), mix = Media.AudioFile.Read(files[1].Path);
        using Mixer mixer = Mixer.Open(project.State, project.Stems);
        AudioClip expected = mixer.ReadClip(0, (int)project.State.Timeline.NumSamples);
        Assert.That(Bits(mix.Planar.Span), Is.EqualTo(Bits(expected.Planar.Span)));
        Assert.That(Bits(stem.Planar.Span), Is.EqualTo(Bits(expected.Planar.Span)));
        Assert.That(async () => await ProjectExport.StemsAsync(project, At("stems")), Throws.ArgumentException.With.Message.Contains("exists already"));
        ExportedFile loud = await ProjectExport.RenderAsync(project, At("loud.wav"), new ExportOptions { Loudness = Loudness.Peak });
        Assert.That(loud.Peak, Is.EqualTo(1).Within(1e-6));
    }

    private static StemAudio Constant(IStemStore store, float value)
    {
        using StemWriter stem = store.Create();
        stem.Write(Enumerable.Repeat(value, 2 * (int)Line.NumSamples).ToArray());
        return stem.Finish();
    }

    private static void AssertSameOutside(float[] before, float[] after, int from, int to)
    {
        Assert.That(Bits(after.AsSpan(0, 2 * from)), Is.EqualTo(Bits(before.AsSpan(0, 2 * from))));
        Assert.That(Bits(after.AsSpan(2 * to)), Is.EqualTo(Bits(before.AsSpan(2 * to))));
    }

    /// <summary>Tells even −0 from 0.</summary>
    private static string Bits(ReadOnlySpan<float> samples) => Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(MemoryMarshal.AsBytes(samples)));
}
