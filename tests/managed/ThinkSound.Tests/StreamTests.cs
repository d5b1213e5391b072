namespace ThinkSound.Tests;

/// <summary>Streams and jobs: the same sound, delivered while it is made.</summary>
public sealed class StreamTests : EngineFixture
{
    private static readonly GenerateOptions Brief = new() { Duration = TimeSpan.FromSeconds(2), Steps = 2, DecodeChunk = 8 };
    private static readonly Conditions Rain = new() { Caption = "rain on a tin roof" };

    private ThinkSoundSession _session = null!;

    [SetUp]
    public void MakeSession() => _session = Engine.CreateSession();

    [TearDown]
    public void DropSession() => _session.Dispose();

    [TestCase(4096, 0)]
    [TestCase(1, 0, Description = "one sample at a time")]
    [TestCase(1000, 1500, Description = "a ring that holds less than a chunk")]
    [TestCase(100000, 0, Description = "blocks larger than the clip")]
    public async Task A_stream_carries_the_samples_of_the_clip(int blockSamples, int ringSamples)
    {
        AudioClip clip = await _session.GenerateAsync(Rain, Brief);
        var left = new List<float>();
        var right = new List<float>();
        await foreach (PcmBlock block in _session.StreamAsync(Rain, Brief, new StreamOptions { BlockSamples = blockSamples, RingSamples = ringSamples }))
        {
            Assert.That(block.Offset, Is.EqualTo(left.Count));
            Assert.That(block.Samples, Is.InRange(1, blockSamples));
            for (int i = 0; i < block.Samples; i++)
            {
                left.Add(block.Interleaved.Span[2 * i]);
                right.Add(block.Interleaved.Span[2 * i + 1]);
            }
        }
        Assert.That(left.ToArray().AsSpan().SequenceEqual(clip.Channel(0)));
        Assert.That(right.ToArray().AsSpan().SequenceEqual(clip.Channel(1)));
    }

    [Test]
    public async Task Leaving_a_stream_early_frees_the_session()
    {
        await foreach (PcmBlock block in _session.StreamAsync(Rain, Brief, new StreamOptions { RingSamples = 512 }))
        {
            Assert.That(block.Samples, Is.GreaterThan(0));
            break;
        }
        Assert.That((await _session.GenerateAsync(Rain, Brief)).Samples, Is.EqualTo(88200));
    }

    [Test]
    public async Task A_cancelled_stream_throws_and_frees_the_session()
    {
        using var source = new CancellationTokenSource();
        await Assert.CatchAsync<OperationCanceledException>(async () =>
        {
            await foreach (PcmBlock _ in _session.StreamAsync(Rain, Brief, new StreamOptions { RingSamples = 512 }).WithCancellation(source.Token))
                await source.CancelAsync();
        });
        Assert.That((await _session.GenerateAsync(Rain, Brief)).Samples, Is.EqualTo(88200));
    }

    [Test]
    public async Task An_exception_in_progress_comes_out_of_the_stream()
    {
        var fault = new InvalidTimeZoneException("mine");
        Assert.That(await Assert.ThrowsAsync<InvalidTimeZoneException>(async () =>
        {
            await foreach (PcmBlock _ in _session.StreamAsync(Rain, Brief, progress: new SessionTests.Steps { On = _ => throw fault })) { }
        }), Is.SameAs(fault));
    }

    [Test]
    public async Task A_job_is_polled_read_and_waited_for()
    {
        AudioClip clip = await _session.GenerateAsync(Rain, Brief);
        using GenerationJob job = _session.StartJob(Rain, Brief);
        await job.WaitAsync();
        JobStatus status = job.Poll();
        Assert.That((status.State, status.SamplesDecoded, status.Samples), Is.EqualTo((JobState.Done, 88200L, 88200L)));
        var all = new float[2 * 88200];
        Assert.That(job.Read(all), Is.EqualTo(88200));
        Assert.That(all.AsSpan().SequenceEqual(clip.ToInterleaved()));
        Assert.That(job.Read(all), Is.Zero);
    }

    [Test]
    public async Task Reading_and_polling_allocate_nothing()
    {
        using GenerationJob job = _session.StartJob(Rain, Brief);
        await job.WaitAsync();
        var buffer = new float[256];
        job.Read(buffer);
        job.Poll();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            job.Read(buffer);
            job.Poll();
        }
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }

    [Test]
    public async Task A_job_that_is_cancelled_says_so()
    {
        using GenerationJob job = _session.StartJob(Rain, Brief with { Steps = 1000 });
        job.Cancel();
        await Assert.CatchAsync<OperationCanceledException>(async () => await job.WaitAsync());
        Assert.That(job.Poll().State, Is.EqualTo(JobState.Cancelled));
        await Assert.CatchAsync<OperationCanceledException>(async () => await job.ReadAsync(new float[16]));
    }

    [Test]
    public async Task A_token_stops_a_job_whose_ring_is_full()
    {
        using var source = new CancellationTokenSource();
        using GenerationJob job = _session.StartJob(Rain, Brief, ringSamples: 64, cancellationToken: source.Token);
        while (job.Poll().SamplesDecoded == 0) Thread.Sleep(1);
        source.Cancel();
        await Assert.CatchAsync<OperationCanceledException>(async () => await job.WaitAsync().WaitAsync(TimeSpan.FromSeconds(20)));
    }

    [Test]
    public async Task Disposing_of_the_session_ends_its_job_and_the_reader_learns_of_it()
    {
        using GenerationJob job = _session.StartJob(Rain, Brief with { Steps = 1000 });
        _session.Dispose();
        Assert.That(job.Poll().State, Is.EqualTo(JobState.Cancelled));
        await Assert.CatchAsync<OperationCanceledException>(async () => await job.ReadAsync(new float[16]));
    }

    [Test]
    public void Disposing_of_a_job_while_it_runs_cancels_and_waits()
    {
        var job = _session.StartJob(Rain, Brief with { Steps = 1000 });
        job.Dispose();
        job.Dispose();
        Assert.That(() => job.Poll(), Throws.TypeOf<ObjectDisposedException>());
        Assert.That(async () => await _session.GenerateAsync(Rain, Brief), Throws.Nothing);
    }

    [Test]
    public void A_job_cannot_be_disposed_of_from_its_own_progress()
    {
        GenerationJob? job = null;
        using var isThere = new ManualResetEventSlim();
        job = _session.StartJob(Rain, Brief, new SessionTests.Steps { On = _ => { isThere.Wait(); job!.Dispose(); } });
        using (job)
        {
            isThere.Set();
            Assert.That(async () => await job.WaitAsync(), Throws.InvalidOperationException.With.Message.Contains("progress"));
        }
    }

    [Test]
    public void A_job_that_nobody_holds_is_collected_and_stopped()
    {
        StartAndForget();
        for (int i = 0; i < 100; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        using ThinkSoundSession other = Engine.CreateSession();
        Assert.That(async () => await other.GenerateAsync(Rain, Brief), Throws.Nothing);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        void StartAndForget() => Engine.CreateSession().StartJob(Rain, Brief with { Steps = 1000 });
    }

    [TestCase(0)]
    [TestCase(1)]
    public void A_buffer_without_room_for_a_sample_is_refused(int length)
    {
        using GenerationJob job = _session.StartJob(Rain, Brief);
        Assert.That(async () => await job.ReadAsync(new float[length]), Throws.ArgumentException);
    }
}
