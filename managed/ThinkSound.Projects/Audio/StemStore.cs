namespace ThinkSound.Projects;

/// <summary>The stems of a project and those of an operation that is being rendered. New ones stay when <see cref="Commit"/> was
/// called before it is disposed of.</summary>
internal sealed class StemStore(ContentFolder folder, Timeline timeline) : IStemStore, IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<string> _added = [];

    public StemReader Open(StemAudio audio)
    {
        ArgumentNullException.ThrowIfNull(audio);
        return new StemReader(folder.Open(audio.Hash, ContentFolder.StemEnding, BytesOf(audio, timeline)), audio, timeline);
    }

    public StemWriter Create(long start = 0) => new(new ContentFile(folder, ContentFolder.StemEnding, Added), timeline, start);

    public StoredBlob Put(ReadOnlySpan<byte> bytes)
    {
        using var file = new ContentFile(folder, ContentFolder.BlobEnding, Added);
        file.Write(bytes);
        return new StoredBlob { Hash = file.Keep(), NumBytes = bytes.Length };
    }

    public byte[] Get(StoredBlob blob)
    {
        ArgumentNullException.ThrowIfNull(blob);
        using FileStream file = folder.Open(blob.Hash, ContentFolder.BlobEnding, blob.NumBytes);
        var bytes = new byte[blob.NumBytes];
        file.ReadExactly(bytes);
        return bytes;
    }

    public static long BytesOf(StemAudio audio, Timeline timeline) => audio.NumSamples * timeline.Channels * sizeof(float);

    /// <summary>What was added stays.</summary>
    public void Commit()
    {
        lock (_lock) _added.Clear();
    }

    public void Dispose()
    {
        lock (_lock) _added.ForEach(AtomicFile.TryDelete);
    }

    private void Added(string path)
    {
        lock (_lock) _added.Add(path);
    }
}
