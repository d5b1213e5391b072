using System.Buffers;
using System.Runtime.InteropServices;

namespace ThinkSound.Interop;

/// <summary>Strings and arrays that native code may read until this is disposed.</summary>
internal sealed unsafe class NativeArguments : IDisposable
{
    private readonly List<MemoryHandle> _pins = [];
    private readonly List<nint> _blocks = [];

    public byte* String(string? text, string parameter)
    {
        if (text is null) return null;
        if (text.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException("text must not contain the character NUL", parameter);
        nint copy = Marshal.StringToCoTaskMemUTF8(text);
        _blocks.Add(copy);
        return (byte*)copy;
    }

    /// <summary>The address of <paramref name="memory"/>, which stays where it is meanwhile.</summary>
    public T* Pin<T>(ReadOnlyMemory<T> memory) where T : unmanaged
    {
        MemoryHandle pin = memory.Pin();
        _pins.Add(pin);
        return (T*)pin.Pointer;
    }

    /// <summary>Room for <paramref name="count"/> structs, zeroed.</summary>
    public T* Array<T>(int count) where T : unmanaged
    {
        nuint bytes = (nuint)Math.Max(1, count) * (nuint)sizeof(T);
        var block = (T*)Marshal.AllocCoTaskMem(checked((int)bytes));
        NativeMemory.Clear(block, bytes);
        _blocks.Add((nint)block);
        return block;
    }

    public void Dispose()
    {
        foreach (MemoryHandle pin in _pins) pin.Dispose();
        foreach (nint block in _blocks) Marshal.FreeCoTaskMem(block);
        _pins.Clear();
        _blocks.Clear();
    }
}
