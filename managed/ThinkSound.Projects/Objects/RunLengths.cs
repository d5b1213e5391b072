namespace ThinkSound.Projects;

/// <summary>Masks in few bytes: lengths of runs, outside first, row after row, each as a number of 7 bits a byte (the lowest first,
/// the top bit set where more follow). The last run is left out: it goes to the end.</summary>
internal static class RunLengths
{
    public static byte[] Encode(Mask mask)
    {
        var bytes = new List<byte>();
        ReadOnlySpan<byte> values = mask.Values;
        byte current = 0;
        for (int begin = 0, at = 0; at < values.Length; at++)
        {
            if (values[at] == current) continue;
            for (uint run = (uint)(at - begin); ; run >>= 7)
            {
                bytes.Add((byte)(run >= 0x80 ? run | 0x80 : run));
                if (run < 0x80) break;
            }
            (begin, current) = (at, values[at]);
        }
        return [.. bytes];
    }

    /// <exception cref="FormatException">They are no runs of such a mask.</exception>
    public static Mask Decode(ReadOnlySpan<byte> runs, int width, int height)
    {
        var values = new byte[checked(width * height)];
        int at = 0;
        byte current = 0;
        for (int i = 0; i < runs.Length;)
        {
            long run = 0;
            for (int shift = 0; ; shift += 7)
            {
                if (i == runs.Length || shift > 28) throw new FormatException("a run has no end");
                byte part = runs[i++];
                run |= (long)(part & 0x7f) << shift;
                if (part < 0x80) break;
            }
            if (run > values.Length - at) throw new FormatException($"the runs are longer than {width} × {height} pixels");
            values.AsSpan(at, (int)run).Fill(current);
            at += (int)run;
            current ^= 1;
        }
        values.AsSpan(at).Fill(current);
        return new Mask(width, height, values);
    }
}
