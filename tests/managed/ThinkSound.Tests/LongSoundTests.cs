namespace ThinkSound.Tests;

public class LongSoundTests
{
    [Test]
    public async Task Latents_that_come_piece_by_piece_are_decoded_to_the_samples_of_the_whole()
    {
        NativeParts.Require();
        using ThinkSoundEngine engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle, Device = "cpu" });
        using ThinkSoundSession session = engine.CreateSession();
        Latent latent = await session.SampleAsync(new Conditions(), new GenerateOptions { Duration = TimeSpan.FromSeconds(4), Steps = 2 });
        AudioClip whole = await session.DecodeAsync(latent);
        using DecodeStream stream = session.OpenDecodeStream();
        List<float> left = [], right = [];
        foreach (var (begin, length) in (IEnumerable<(int, int)>)[(0, 50), (50, 3), (53, latent.Length - 53)])
            Take(await stream.PushAsync(latent.Slice(begin, length)));
        Take(await stream.PushAsync(null, isLast: true));
        Assert.That((float[])[.. left, .. right], Is.EqualTo(whole.Planar.ToArray()));
        Assert.That(async () => await stream.PushAsync(latent), Throws.ArgumentException);
        Assert.That(async () => await stream.PushAsync(new Latent(1, 2, new float[2])), Throws.ArgumentException);

        void Take(AudioClip piece)
        {
            left.AddRange(piece.Channel(0));
            right.AddRange(piece.Channel(1));
        }
    }

    [Test]
    public async Task A_cancelled_piece_ends_its_stream_and_not_its_session()
    {
        NativeParts.Require();
        using ThinkSoundEngine engine = ThinkSoundEngine.Load(new EngineOptions { BundlePath = NativeParts.Bundle, Device = "cpu" });
        using ThinkSoundSession session = engine.CreateSession();
        var latent = new Latent(engine.Info.LatentDim, 200, new float[engine.Info.LatentDim * 200]);
        using DecodeStream stream = session.OpenDecodeStream();
        using var cancel = new CancellationTokenSource();
        Assert.That(async () => await stream.PushAsync(latent, false, new Sink(_ => cancel.Cancel()), cancel.Token), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(async () => await stream.PushAsync(latent), Throws.ArgumentException);
        using DecodeStream next = session.OpenDecodeStream();
        Assert.That((await next.PushAsync(latent, isLast: true)).Samples, Is.EqualTo(200 * engine.Info.Hop));
    }

    [Test]
    public void Loudness_piece_by_piece_is_that_of_the_whole()
    {
        NativeParts.Require();
        var random = new Random(3);
        const int samples = 100_000;
        float[] planar = [.. Enumerable.Range(0, 2 * samples).Select(i => (float)(0.3 * (random.NextDouble() - 0.5) * Math.Sin(i * 1e-4)))];
        var whole = new AudioClip(2, 44100, planar);
        using var meter = new LoudnessMeter(2, 44100);
        for (int at = 0; at < samples; at += 30_000)
        {
            int count = Math.Min(30_000, samples - at);
            meter.Push(new AudioClip(2, 44100, (float[])[.. whole.Channel(0).Slice(at, count), .. whole.Channel(1).Slice(at, count)]));
        }
        Assert.That(meter.MeasureLoudness(), Is.EqualTo(whole.MeasureLoudness()));
        foreach (Loudness rule in (Loudness[])[Loudness.None, Loudness.Peak, Loudness.To(-20)]) Assert.That(meter.GainFor(rule), Is.EqualTo(whole.GainFor(rule)));
        Assert.That(() => meter.Push(new AudioClip(1, 44100, new float[3])), Throws.ArgumentException);
        Assert.That(() => new LoudnessMeter(9, 44100), Throws.InstanceOf<ArgumentException>());
    }

    private sealed class Sink(Action<GenerateProgress> take) : IProgress<GenerateProgress>
    {
        public void Report(GenerateProgress value) => take(value);
    }
}
