using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ThinkSound.Reasoning.Onnx.Graphs;

/// <summary>Memory outside of the managed heap that graphs read and write in place, looked at through tensors of any shape.</summary>
internal sealed unsafe class NativeBuffer : IDisposable
{
    private const nuint Alignment = 64; // a cache line, and the widest vector

    private readonly OrtMemoryInfo _where;
    private readonly OrtMemoryAllocation? _onDevice;
    private void* _inMemory;

    /// <summary>In ordinary memory.</summary>
    public NativeBuffer(long bytes)
    {
        _where = OrtMemoryInfo.DefaultInstance;
        _inMemory = NativeMemory.AlignedAlloc(checked((nuint)Math.Max(bytes, 1)), Alignment);
        (Address, Bytes) = ((nint)_inMemory, bytes);
    }

    /// <summary>Where a device's allocator has its memory.</summary>
    public NativeBuffer(OrtAllocator allocator, long bytes)
    {
        _where = allocator.Info;
        _onDevice = allocator.Allocate(checked((uint)Math.Max(bytes, 1)));
        (Address, Bytes) = (_onDevice.DangerousGetHandle(), bytes);
    }

    public nint Address { get; }
    public long Bytes { get; }

    /// <summary>A tensor over a part of the memory. It owns nothing.</summary>
    public OrtValue View(TensorElementType type, long[] shape, long offset = 0)
    {
        long size = shape.Aggregate((long)ElementTypes.SizeOf(type), (product, length) => checked(product * length));
        if (offset < 0 || size > Bytes - offset) throw new ArgumentOutOfRangeException(nameof(shape), $"{size} bytes at {offset} are more than the {Bytes} there are");
        return OrtValue.CreateTensorValueWithData(_where, type, shape, Address + (nint)offset, size);
    }

    /// <summary>The memory itself; ordinary memory only.</summary>
    public Span<T> Span<T>() where T : unmanaged => _inMemory == null
        ? throw new ObjectDisposedException(nameof(NativeBuffer))
        : new Span<T>(_inMemory, checked((int)(Bytes / sizeof(T))));

    /// <summary>Some bytes of it; ordinary memory only. The whole may be larger than a span.</summary>
    public ReadOnlySpan<byte> Part(long offset, int bytes) => _inMemory == null || offset < 0 || bytes > Bytes - offset
        ? throw new ArgumentOutOfRangeException(nameof(offset))
        : new ReadOnlySpan<byte>((byte*)_inMemory + offset, bytes);

    public void Dispose()
    {
        _onDevice?.Dispose();
        NativeMemory.AlignedFree(_inMemory);
        _inMemory = null;
    }
}
