using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ThinkSound.Rendering.Foley;

/// <summary>Keeps what the vision towers computed, one file a clip, so that a second roll costs only the sampling. Any
/// thread and any number of processes: files appear whole, a damaged one counts as absent, the oldest go when it grows too
/// large. It never fails: without room or rights, nothing is kept.</summary>
public sealed class FeatureCache
{
    /// <summary>Size that <see cref="Default"/> stays below: some five hundred clips of 9 seconds.</summary>
    public const long DefaultMaxBytes = 512L << 20;

    private const string Ending = ".features";
    private const int HeaderBytes = 24, HashBytes = 32;
    private static ReadOnlySpan<byte> Magic => "TSFEAT1\0"u8;

    private readonly long _maxBytes;

    /// <summary>A cache in a folder of its own, which is made when first needed.</summary>
    public FeatureCache(string folder, long maxBytes = DefaultMaxBytes)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        (Folder, _maxBytes) = (folder, maxBytes);
    }

    /// <summary>The user's cache: $XDG_CACHE_HOME/thinksound/features, else ~/.cache/thinksound/features (on Windows in the local
    /// application data).</summary>
    public static FeatureCache Default => new(Path.Combine(CacheHome(), "thinksound", "features"));

    /// <summary>Where the files lie.</summary>
    public string Folder { get; }

    /// <summary>How many clips it holds, and how large they are together.</summary>
    public (int Clips, long Bytes) Measure()
    {
        IReadOnlyList<FileInfo> files = Files();
        return (files.Count, files.Sum(file => file.Length));
    }

    /// <summary>What was stored under a key; null if nothing was, or if it is damaged.</summary>
    /// <param name="key">Letters and digits.</param>
    public VideoFeatures? TryGet(string key)
    {
        string path = PathOf(key);
        try
        {
            if (!File.Exists(path)) return null;
            VideoFeatures? features = Decode(File.ReadAllBytes(path));
            if (features is null) AtomicFile.TryDelete(path);
            else File.SetLastWriteTimeUtc(path, DateTime.UtcNow); // used just now: the last to go
            return features;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps features under a key.</summary>
    public void Store(string key, VideoFeatures features)
    {
        ArgumentNullException.ThrowIfNull(features);
        byte[] bytes = Encode(features);
        if (bytes.Length > _maxBytes) return;
        try
        {
            Directory.CreateDirectory(Folder);
            OutputFile.Write(PathOf(key), bytes, overwrite: true);
            Shrink();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OutputException)
        {
            // A cache that cannot be written saves no time next time; that is all.
        }
    }

    private string PathOf(string key)
    {
        if (key.Length == 0 || !key.All(char.IsAsciiLetterOrDigit)) throw new ArgumentException($"\"{key}\" is no key", nameof(key));
        return Path.Combine(Folder, key + Ending);
    }

    private IReadOnlyList<FileInfo> Files()
    {
        try
        {
            return [.. new DirectoryInfo(Folder).EnumerateFiles("*" + Ending)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // not made yet, or not ours to see
        }
    }

    private void Shrink()
    {
        List<FileInfo> oldestFirst = [.. Files().OrderBy(file => file.LastWriteTimeUtc)];
        long sum = oldestFirst.Sum(file => file.Length);
        foreach (FileInfo file in oldestFirst)
        {
            if (sum <= _maxBytes) return;
            sum -= file.Length;
            AtomicFile.TryDelete(file.FullName);
        }
    }

    // Magic, rows and width of both, values, SHA-256 of all that; little-endian. Rows 0: not there.
    private static byte[] Encode(VideoFeatures features)
    {
        var bytes = new byte[HeaderBytes + 4 * (Count(features.Clip) + Count(features.Sync)) + HashBytes];
        Magic.CopyTo(bytes);
        int at = HeaderBytes;
        foreach (var (part, header) in (IEnumerable<(Features?, int)>)[(features.Clip, 8), (features.Sync, 16)])
        {
            if (part is null) continue;
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(header), part.Rows);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(header + 4), part.Width);
            ReadOnlySpan<byte> values = MemoryMarshal.AsBytes(part.Data.Span);
            values.CopyTo(bytes.AsSpan(at));
            at += values.Length;
        }
        SHA256.HashData(bytes.AsSpan(0, at), bytes.AsSpan(at));
        return bytes;

        static int Count(Features? part) => part is null ? 0 : part.Rows * part.Width;
    }

    private static VideoFeatures? Decode(byte[] bytes)
    {
        if (bytes.Length < HeaderBytes + HashBytes || !bytes.AsSpan().StartsWith(Magic)) return null;
        int end = bytes.Length - HashBytes;
        if (!SHA256.HashData(bytes.AsSpan(0, end)).AsSpan().SequenceEqual(bytes.AsSpan(end))) return null;
        int at = HeaderBytes;
        Features? clip = Take(8), sync = Take(16);
        return at == end ? new VideoFeatures(clip, sync) : null;

        Features? Take(int header)
        {
            int rows = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(header)), width = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(header + 4));
            if (rows <= 0 || width <= 0 || (long)rows * width > (end - at) / 4) return null;
            float[] values = MemoryMarshal.Cast<byte, float>(bytes.AsSpan(at, 4 * rows * width)).ToArray();
            at += 4 * values.Length;
            return new Features(rows, width, values);
        }
    }

    private static string CacheHome()
    {
        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } home && Path.IsPathFullyQualified(home)) return home;
        return OperatingSystem.IsWindows()
            ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
    }
}
