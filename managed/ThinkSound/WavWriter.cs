using System.Buffers.Binary;
using System.Text;

namespace ThinkSound;

/// <summary>RIFF/WAVE: a format chunk, for float a fact chunk, perhaps a comment, and the interleaved samples.</summary>
internal static class WavWriter
{
    private const int BlockSamples = 4096;

    // {00000001-0000-0010-8000-00aa00389b71}, the PCM subformat: 24 bits are only described by WAVE_FORMAT_EXTENSIBLE.
    private static ReadOnlySpan<byte> PcmSubformat =>
        [0x01, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

    public static void Save(AudioClip clip, string path, WavOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string full = Path.GetFullPath(path), folder = Path.GetDirectoryName(full) ?? full;
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{path}: its folder {folder} does not exist");
        AtomicFile.Write(full, file => Write(clip, file, options), overwrite: true);
    }

    public static void Write(AudioClip clip, Stream stream, WavOptions options)
    {
        int bytes = options.Format switch { WavFormat.Int16 => 2, WavFormat.Int24 => 3, _ => 4 };
        long dataBytes = (long)clip.Planar.Length * bytes;
        byte[] header = Header(clip, options, bytes, dataBytes);
        stream.Write(header);

        float gain = clip.GainFor(options.Loudness);
        var block = new byte[BlockSamples * clip.Channels * bytes];
        for (int start = 0; start < clip.Samples; start += BlockSamples)
        {
            int count = Math.Min(BlockSamples, clip.Samples - start);
            for (int channel = 0; channel < clip.Channels; channel++)
            {
                ReadOnlySpan<float> samples = clip.Channel(channel).Slice(start, count);
                for (int i = 0; i < count; i++)
                    WriteSample(block.AsSpan((i * clip.Channels + channel) * bytes), gain * samples[i], options.Format);
            }
            stream.Write(block, 0, count * clip.Channels * bytes);
        }
        if (dataBytes % 2 != 0) stream.WriteByte(0); // chunks are padded to even lengths
    }

    private static void WriteSample(Span<byte> to, float value, WavFormat format)
    {
        switch (format)
        {
            case WavFormat.Int16:
                BinaryPrimitives.WriteInt16LittleEndian(to, (short)(Clamp(value) * 32767f));
                break;
            case WavFormat.Int24:
                int bits = (int)Math.Round(Clamp(value) * 8388607.0);
                (to[0], to[1], to[2]) = ((byte)bits, (byte)(bits >> 8), (byte)(bits >> 16));
                break;
            default:
                BinaryPrimitives.WriteSingleLittleEndian(to, value);
                break;
        }
    }

    private static float Clamp(float value) => float.IsNaN(value) ? 0 : Math.Clamp(value, -1f, 1f);

    private static byte[] Header(AudioClip clip, WavOptions options, int bytes, long dataBytes)
    {
        using var header = new MemoryStream();
        using var writer = new BinaryWriter(header);
        bool isExtensible = options.Format == WavFormat.Int24;
        bool isFloat = options.Format == WavFormat.Float32;
        writer.Write("RIFF"u8);
        writer.Write(0u); // the length, known at the end
        writer.Write("WAVE"u8);

        writer.Write("fmt "u8);
        writer.Write(isExtensible ? 40 : isFloat ? 18 : 16);
        writer.Write((ushort)(isExtensible ? 0xfffe : isFloat ? 3 : 1));
        writer.Write(checked((ushort)clip.Channels));
        writer.Write(clip.SampleRate);
        writer.Write(checked(clip.SampleRate * clip.Channels * bytes));
        writer.Write((ushort)(clip.Channels * bytes));
        writer.Write((ushort)(8 * bytes));
        if (isFloat) writer.Write((ushort)0); // no extension, but its length is asked for
        if (isExtensible)
        {
            writer.Write((ushort)22);
            writer.Write((ushort)(8 * bytes));
            writer.Write(clip.Channels switch { 1 => 4u, 2 => 3u, _ => 0u }); // centre; left and right; unsaid
            writer.Write(PcmSubformat);
        }
        if (isFloat)
        {
            writer.Write("fact"u8);
            writer.Write(4);
            writer.Write(clip.Samples);
        }
        if (options.Comment is { Length: > 0 } comment)
        {
            byte[] text = Encoding.UTF8.GetBytes(comment + '\0');
            int padded = text.Length + text.Length % 2;
            writer.Write("LIST"u8);
            writer.Write(4 + 8 + padded);
            writer.Write("INFO"u8);
            writer.Write("ICMT"u8);
            writer.Write(text.Length);
            writer.Write(text);
            if (padded > text.Length) writer.Write((byte)0);
        }
        writer.Write("data"u8);
        long riffBytes = header.Length + 4 - 8 + dataBytes + dataBytes % 2;
        if (riffBytes > uint.MaxValue)
            throw new ArgumentException($"{clip.Duration} of sound does not fit into a WAV file, which ends at 4 GiB");
        writer.Write((uint)dataBytes);
        writer.Seek(4, SeekOrigin.Begin);
        writer.Write((uint)riffBytes);
        return header.ToArray();
    }
}
