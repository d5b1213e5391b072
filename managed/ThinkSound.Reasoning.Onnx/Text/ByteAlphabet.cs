namespace ThinkSound.Reasoning.Onnx.Text;

/// <summary>How byte-level vocabularies write bytes: as themselves where they are visible in Latin-1, the others in order from U+0100 on
/// (a space is Ġ).</summary>
internal static class ByteAlphabet
{
    private static readonly char[] s_chars = new char[256];
    private static readonly Dictionary<char, byte> s_bytes = [];

    static ByteAlphabet()
    {
        int hidden = 0;
        for (int b = 0; b < 256; b++)
        {
            bool isVisible = b is >= '!' and <= '~' or >= 0xa1 and <= 0xac or >= 0xae;
            s_chars[b] = isVisible ? (char)b : (char)(256 + hidden++);
            s_bytes[s_chars[b]] = (byte)b;
        }
    }

    public static char Of(byte value) => s_chars[value];

    /// <summary>The bytes that a vocabulary entry stands for; null if it holds other characters.</summary>
    public static byte[]? Bytes(string token)
    {
        var bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
            if (!s_bytes.TryGetValue(token[i], out bytes[i])) return null;
        return bytes;
    }
}
