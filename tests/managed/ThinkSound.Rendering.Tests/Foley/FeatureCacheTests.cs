using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Tests.Foley;

public class FeatureCacheTests
{
    private string _folder = "";

    [SetUp]
    public void MakeFolder() => _folder = Directory.CreateTempSubdirectory("ts-cache").FullName;

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void What_was_stored_comes_back_bit_by_bit()
    {
        var cache = new FeatureCache(Path.Combine(_folder, "made", "when needed"));
        VideoFeatures both = Make(3, 5, 8, 4);
        both.Clip!.Data.Span.CopyTo(new float[15]);
        cache.Store("both", both);
        cache.Store("clip", both with { Sync = null });
        cache.Store("sync", both with { Clip = null });
        AssertSame(cache.TryGet("both")!, both);
        Assert.That(cache.TryGet("clip")!.Sync, Is.Null);
        Assert.That(cache.TryGet("sync")!.Clip, Is.Null);
        AssertSame(cache.TryGet("sync")!, both with { Clip = null });
        Assert.That(cache.TryGet("other"), Is.Null);
        Assert.That(cache.Measure().Clips, Is.EqualTo(3));
    }

    [Test]
    public void Damage_anywhere_counts_as_absent_and_is_cleared_away()
    {
        var cache = new FeatureCache(_folder);
        cache.Store("a", Make(2, 3, 8, 2));
        string file = Directory.GetFiles(_folder).Single();
        byte[] good = File.ReadAllBytes(file);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bad = [.. good];
            bad[at] ^= 0x10;
            File.WriteAllBytes(file, bad);
            Assert.That(cache.TryGet("a"), Is.Null, $"byte {at}");
            Assert.That(File.Exists(file), Is.False);
        }
        for (int length = 0; length < good.Length; length += 7)
        {
            File.WriteAllBytes(file, good[..length]);
            Assert.That(cache.TryGet("a"), Is.Null, $"{length} bytes");
        }
        File.WriteAllBytes(file, [.. good, 0]);
        Assert.That(cache.TryGet("a"), Is.Null, "one byte too many");
    }

    [Test]
    public void It_stays_below_its_size_and_the_longest_unused_goes_first()
    {
        VideoFeatures one = Make(10, 10, 8, 10); // 776 bytes as stored
        var cache = new FeatureCache(_folder, maxBytes: 2000);
        cache.Store("a", one);
        cache.Store("b", one);
        Age("a", 3);
        Age("b", 2);
        Assert.That(cache.TryGet("a"), Is.Not.Null); // used now, so b is the oldest
        cache.Store("c", one);
        Assert.That(cache.TryGet("b"), Is.Null);
        Assert.That(cache.TryGet("a"), Is.Not.Null);
        Assert.That(cache.TryGet("c"), Is.Not.Null);
        Assert.That(cache.Measure().Bytes, Is.LessThanOrEqualTo(2000));
        new FeatureCache(_folder, maxBytes: 10).Store("huge", one);
        Assert.That(cache.TryGet("huge"), Is.Null);

        void Age(string key, int hours) => File.SetLastWriteTimeUtc(Path.Combine(_folder, key + ".features"), DateTime.UtcNow.AddHours(-hours));
    }

    [Test]
    public void Many_writers_and_readers_never_see_half_a_file()
    {
        var cache = new FeatureCache(_folder, maxBytes: 20_000);
        VideoFeatures[] kinds = [.. Enumerable.Range(1, 4).Select(i => Make(10 * i, 10, 8, 10))];
        Parallel.For(0, 400, i =>
        {
            string key = $"k{i % 4}";
            if (i % 3 == 0) cache.Store(key, kinds[i % 4]);
            else if (cache.TryGet(key) is { } found) AssertSame(found, kinds[i % 4]);
        });
        Assert.That(Directory.GetFiles(_folder).Select(Path.GetExtension), Is.All.EqualTo(".features"));
    }

    [Test]
    public void A_folder_that_cannot_be_made_keeps_nothing_and_fails_nothing()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var cache = new FeatureCache(Path.Combine(file, "below"));
        cache.Store("a", Make(1, 1, 8, 1));
        Assert.That(cache.TryGet("a"), Is.Null);
        Assert.That(cache.Measure(), Is.EqualTo((0, 0L)));
    }

    [TestCase("")]
    [TestCase("../a")]
    public void A_key_is_no_path(string key) =>
        Assert.That(() => new FeatureCache(_folder).TryGet(key), Throws.ArgumentException);

    private static VideoFeatures Make(int clipRows, int clipWidth, int syncRows, int syncWidth)
    {
        var random = new Random(clipRows);
        return new VideoFeatures(Draw(clipRows, clipWidth), Draw(syncRows, syncWidth));
        Features Draw(int rows, int width) => new(rows, width, Enumerable.Range(0, rows * width).Select(_ => random.NextSingle()).ToArray());
    }

    private static void AssertSame(VideoFeatures found, VideoFeatures wanted)
    {
        foreach (var (a, b) in (IEnumerable<(Features?, Features?)>)[(found.Clip, wanted.Clip), (found.Sync, wanted.Sync)])
        {
            Assert.That((a?.Rows, a?.Width), Is.EqualTo((b?.Rows, b?.Width)));
            if (b is not null) Assert.That(a!.Data.ToArray(), Is.EqualTo(b.Data.ToArray()));
        }
    }
}
