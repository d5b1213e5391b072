using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ThinkSound.Bundles;

/// <summary>Tells whether a file is the one it was, without reading gigabytes.</summary>
public static class FileFingerprint
{
    private const long WholeBytes = 64 << 20;
    private const int SampleBytes = 64 << 10, Samples = 128;

    /// <summary>SHA-256 in hexadecimal: of the whole content up to 64 MiB, so that a copy counts as the same file; beyond that of
    /// the length, the time of the last change and 128 samples of 64 KiB, the begin and the end among them.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static string Of(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        if (file.Length <= WholeBytes) return Convert.ToHexStringLower(SHA256.HashData(file));

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> facts = stackalloc byte[16];
        BinaryPrimitives.WriteInt64LittleEndian(facts, file.Length);
        BinaryPrimitives.WriteInt64LittleEndian(facts[8..], File.GetLastWriteTimeUtc(path).Ticks);
        hash.AppendData(facts);
        var sample = new byte[SampleBytes];
        for (int i = 0; i < Samples; i++)
        {
            file.Position = (file.Length - SampleBytes) / (Samples - 1) * i;
            if (i == Samples - 1) file.Position = file.Length - SampleBytes;
            file.ReadExactly(sample);
            hash.AppendData(sample);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
