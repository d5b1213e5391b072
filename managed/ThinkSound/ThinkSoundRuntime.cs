using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>The native library as a whole: its version, the devices it knows, its log. Any thread.</summary>
public static unsafe class ThinkSoundRuntime
{
    private static readonly NativeLog Log = new();

    /// <summary>Version of the native library.</summary>
    /// <exception cref="NativeLibraryException">The native library is missing or does not fit.</exception>
    public static string Version
    {
        get
        {
            CoreLibrary.EnsureLoaded();
            return Utf8.Read(Native.ts_version());
        }
    }

    /// <summary>Looks for the native library and says what was found where; never throws because it is missing.</summary>
    public static NativeLibraryProbe Probe() => CoreLibrary.Loader.Probe();

    /// <summary>Every device that the native library knows, available or not.</summary>
    /// <exception cref="NativeLibraryException">The native library is missing or does not fit.</exception>
    public static IReadOnlyList<DeviceInfo> GetDevices()
    {
        CoreLibrary.EnsureLoaded();
        var devices = new DeviceInfo[Native.ts_device_count()];
        for (int i = 0; i < devices.Length; i++)
        {
            ts_device_info info = ts_device_info.create();
            Status.Check(Native.ts_device_get((uint)i, &info));
            devices[i] = new DeviceInfo(Utf8.Read(info.id, 32), Utf8.Read(info.name, 128), info.available != 0,
                                        Utf8.Read(info.detail, 512), info.memory_bytes, (int)info.num_threads, info.has_bf16 != 0);
        }
        return devices;
    }

    /// <summary>Sends the native library's log to <paramref name="logger"/>; null turns it off, as at the start. There is
    /// one log per process. Not to be called from inside a logger.</summary>
    /// <param name="logger">Called on whichever thread works, one line at a time.</param>
    /// <param name="minimum">Lines below this level are not made.</param>
    /// <exception cref="NativeLibraryException">The native library is missing or does not fit.</exception>
    public static void UseLogger(ILogger? logger, LogLevel minimum = LogLevel.Information)
    {
        CoreLibrary.EnsureLoaded();
        Log.Use(logger, minimum, static level =>
        {
            if (level is { } from) Native.ts_set_log(&OnLog, null, from);
            else Native.ts_set_log(null, null, ts_log_level.TS_LOG_ERROR);
        });
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLog(void* userData, ts_log_level level, byte* message) => Log.Write(level, message);
}
