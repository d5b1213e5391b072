namespace ThinkSound.Reasoning.Onnx.Sampling;

/// <summary>Random numbers by number: Philox 4×32 with 10 rounds (Salmon, Moraes, Dror and Shaw, 2011). Draw k of a seed is the same
/// whatever was drawn before.</summary>
internal static class Philox
{
    /// <summary>The block of a counter under a key, four words of 32 bits.</summary>
    public static (uint, uint, uint, uint) Block((uint, uint, uint, uint) counter, (uint, uint) key)
    {
        const uint multiplier0 = 0xD2511F53, multiplier1 = 0xCD9E8D57, weyl0 = 0x9E3779B9, weyl1 = 0xBB67AE85;
        (uint c0, uint c1, uint c2, uint c3) = counter;
        (uint k0, uint k1) = key;
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)multiplier0 * c0, p1 = (ulong)multiplier1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            (k0, k1) = (k0 + weyl0, k1 + weyl1);
        }
        return (c0, c1, c2, c3);
    }

    /// <summary>0 ≤ u &lt; 1 in steps of 2⁻⁵³.</summary>
    public static double Uniform(ulong seed, ulong draw)
    {
        (uint a, uint b, _, _) = Block(((uint)draw, (uint)(draw >> 32), 0, 0), ((uint)seed, (uint)(seed >> 32)));
        return (((ulong)a << 32 | b) >> 11) * (1.0 / (1ul << 53));
    }
}
