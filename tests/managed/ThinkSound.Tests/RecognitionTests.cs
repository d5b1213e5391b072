namespace ThinkSound.Tests;

public sealed class RecognitionTests : EngineFixture
{

    [Test]
    public async Task What_is_seen_comes_ranked_with_onsets_of_every_row()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        Features clip = await session.EncodeClipFramesAsync(SessionTests.Frames(3, 40, 30));
        Features sync = await session.EncodeSyncFramesAsync(SessionTests.Frames(32, 40, 30));
        Recognition seen = await session.RecogniseAsync(clip, sync);
        Assert.That(seen.Classes.Select(entry => entry.Name), Is.EquivalentTo(Engine.Info.Classes));
        Assert.That(seen.Classes.Select(entry => entry.Probability), Is.Ordered.Descending.And.All.InRange(0, 1));
        Assert.That(seen.Materials.Select(entry => entry.Name), Is.EquivalentTo(Engine.Info.Materials));
        Assert.That(seen.Materials.Select(entry => entry.Probability), Is.Ordered.Descending);
        Assert.That(seen.Materials.Sum(entry => entry.Probability), Is.EqualTo(1).Within(1e-6));
        Assert.That((seen.OnsetTrack.Length, seen.OnsetRate), Is.EqualTo((4 * sync.Rows, 100.0)), "the small bundle watches 25 frames a second");
        Assert.That(seen.OnsetTrack.ToArray(), Has.All.InRange(0, 1));
        Recognition again = await session.RecogniseAsync(clip, sync);
        Assert.That(again.OnsetTrack.Span.SequenceEqual(seen.OnsetTrack.Span));
        Assert.That(again.Classes, Is.EqualTo(seen.Classes));
    }

    [Test]
    public async Task One_row_of_each_is_enough_and_other_features_make_another_answer()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        Recognition one = await session.RecogniseAsync(new Features(1, 64, new float[64]), new Features(1, 96, new float[96]));
        Recognition other = await session.RecogniseAsync(Rows(7, 64), Rows(13, 96));
        Assert.That((one.OnsetTrack.Length, other.OnsetTrack.Length), Is.EqualTo((4, 52)));
        Assert.That(other.Classes, Is.Not.EqualTo(one.Classes));
    }

    [Test]
    public void What_is_no_features_is_refused()
    {
        using ThinkSoundSession session = Engine.CreateSession();
        Features clip = Rows(2, 64), sync = Rows(2, 96);
        Assert.That(async () => await session.RecogniseAsync(Rows(2, 63), sync), Throws.ArgumentException.With.Message.Contains("63 wide, this model's are 64"));
        Assert.That(async () => await session.RecogniseAsync(clip, Rows(2, 97)), Throws.ArgumentException.With.Message.Contains("97 wide, this model's are 96"));
        Assert.That(async () => await session.RecogniseAsync(clip, null!), Throws.ArgumentNullException);
        var damaged = new float[96];
        damaged[95] = float.NaN;
        Assert.That(async () => await session.RecogniseAsync(clip, new Features(1, 96, damaged)), Throws.ArgumentException.With.Message.Contains("NaN"));
        Assert.That(async () => await session.RecogniseAsync(clip, sync, new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public void A_bundle_without_a_recogniser_says_so()
    {
        using var engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle, Components = BundleComponents.All & ~BundleComponents.Recogniser });
        Assert.That((engine.Info.Classes.Count, engine.Info.Materials.Count, engine.Info.OnsetsPerStep), Is.EqualTo((0, 0, 0)));
        Assert.That(engine.PlanMemory().RecogniseBytes, Is.Zero);
        using ThinkSoundSession session = engine.CreateSession();
        Assert.That(async () => await session.RecogniseAsync(Rows(2, 64), Rows(2, 96)),
                    Throws.TypeOf<UnsupportedException>().With.Message.Contains("no component recogniser"));
    }

    /// <summary>A track of zeros but for the cells named, 100 a second.</summary>
    private static Recognition Track(int length, params (int Cell, float Height)[] cells)
    {
        var track = new float[length];
        foreach (var (cell, height) in cells) track[cell] = height;
        return new Recognition { Classes = [], Materials = [], OnsetTrack = track, OnsetRate = 100 };
    }

    private static int[] Cells(Recognition recognition, double threshold = 0.5) =>
        [.. recognition.Onsets(threshold).Select(onset => (int)(onset.Time.TotalSeconds * 100))];

    [Test]
    public void Onsets_are_peaks_at_the_middle_of_their_cells()
    {
        IReadOnlyList<Onset> onsets = Track(100, (9, 0.3f), (10, 0.9f), (11, 0.4f), (60, 0.7f)).Onsets();
        Assert.That(onsets, Is.EqualTo(new[] { new Onset(TimeSpan.FromMilliseconds(105), 0.9f), new Onset(TimeSpan.FromMilliseconds(605), 0.7f) }));
    }

    [Test]
    public void Onsets_stand_at_the_ends_too_and_a_level_top_counts_once()
    {
        Assert.That(Cells(Track(40, (0, 0.8f), (39, 0.9f))), Is.EqualTo(new[] { 0, 39 }));
        Assert.That(Cells(Track(40, (20, 0.8f), (21, 0.8f), (22, 0.8f))), Is.EqualTo(new[] { 20 }));
        Assert.That(Cells(Track(40, (20, 0.8f), (21, 0.8f), (22, 0.9f))), Is.EqualTo(new[] { 22 }), "a step on the way up is no top");
        Assert.That(Cells(Track(1, (0, 0.6f))), Is.EqualTo(new[] { 0 }));
        Assert.That(Cells(Track(0)), Is.Empty);
    }

    [Test]
    public void Of_onsets_within_50_ms_the_highest_stays_and_of_equals_the_earlier()
    {
        Assert.That(Cells(Track(60, (20, 0.8f), (24, 0.9f))), Is.EqualTo(new[] { 24 }));
        Assert.That(Cells(Track(60, (20, 0.8f), (25, 0.9f))), Is.EqualTo(new[] { 20, 25 }), "50 ms are far enough");
        Assert.That(Cells(Track(60, (20, 0.8f), (23, 0.8f))), Is.EqualTo(new[] { 20 }));
        // The middle one goes for the highest, so the third, which it would have hidden, stays.
        Assert.That(Cells(Track(60, (20, 0.9f), (23, 0.8f), (26, 0.7f))), Is.EqualTo(new[] { 20, 26 }));
    }

    [Test]
    public void The_threshold_is_a_probability_and_itself_enough()
    {
        Recognition track = Track(60, (10, 0.25f), (40, 0.5f));
        Assert.That(Cells(track), Is.EqualTo(new[] { 40 }));
        Assert.That(Cells(track, 0.25), Is.EqualTo(new[] { 10, 40 }));
        Assert.That(Cells(track, 1), Is.Empty);
        foreach (double threshold in (double[])[-0.1, 1.1, double.NaN])
            Assert.That(() => track.Onsets(threshold), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    private static Features Rows(int rows, int width)
    {
        var random = new Random(rows);
        return new Features(rows, width, Enumerable.Range(0, rows * width).Select(_ => 2 * random.NextSingle() - 1).ToArray());
    }
}
