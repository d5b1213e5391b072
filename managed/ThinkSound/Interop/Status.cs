using System.Runtime.InteropServices;

namespace ThinkSound.Interop;

/// <summary>The one table from status to exception.</summary>
internal static unsafe class Status
{
    /// <summary>Throws what <paramref name="status"/> means. Call it on the thread of the failing call, directly after it:
    /// the sentence is kept per thread and until the next call.</summary>
    public static void Check(ts_status status)
    {
        if (status != ts_status.TS_OK) throw ToException(status, Utf8.Read(Native.ts_last_error()));
    }

    /// <param name="status">Any but TS_OK.</param>
    /// <param name="message">The library's sentence; the name of the status stands in for an empty one.</param>
    /// <param name="cancellation">The token behind a cancelled run, if one was.</param>
    public static Exception ToException(ts_status status, string message, CancellationToken cancellation = default)
    {
        if (message.Length == 0) message = status.ToString();
        return status switch
        {
            ts_status.TS_INVALID_ARGUMENT => new ArgumentException(message),
            ts_status.TS_NOT_FOUND => new ResourceNotFoundException(message),
            ts_status.TS_IO_ERROR => new FileAccessException(message),
            ts_status.TS_BAD_WEIGHTS => new WeightsException(message),
            ts_status.TS_BAD_BUNDLE => new BundleException(message),
            ts_status.TS_BAD_MEDIA => new MediaException(message),
            ts_status.TS_OUT_OF_MEMORY => new DeviceMemoryException(message),
            ts_status.TS_DEVICE_ERROR => new DeviceException(message),
            ts_status.TS_CANCELLED => new OperationCanceledException(message, cancellation),
            ts_status.TS_UNSUPPORTED => new UnsupportedException(message),
            _ => new ThinkSoundException($"{message} (status {(int)status}, an internal fault: please report it)"),
        };
    }
}

/// <summary>UTF-8 strings on their way across.</summary>
internal static unsafe class Utf8
{
    /// <summary>A string that the library owns; null is empty.</summary>
    public static string Read(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    /// <summary>A NUL-terminated string in a struct's fixed buffer of <paramref name="capacity"/> bytes.</summary>
    public static string Read(byte* buffer, int capacity)
    {
        var bytes = new ReadOnlySpan<byte>(buffer, capacity);
        int end = bytes.IndexOf((byte)0);
        return System.Text.Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }
}
