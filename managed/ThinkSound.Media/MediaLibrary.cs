using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using ThinkSound.Interop;
using ThinkSound.Media.Interop;

namespace ThinkSound.Media;

/// <summary>libthinksound_media: whether it is there, and which FFmpeg it found.</summary>
public static unsafe class MediaLibrary
{
    private static readonly NativeLibraryLoader Loader = new("thinksound_media", typeof(NativeMedia).Assembly,
        () => CoreLibrary.Verify("thinksound_media", NativeMedia.TSM_ABI_VERSION, NativeMedia.tsm_abi_version(), NativeMedia.struct_sizes),
        "FFmpeg 5.1 with its shared libraries (Debian 12: apt-get install libavformat59 libavcodec59 libavutil57 libswscale6 libswresample4)");

    private static readonly NativeLog Log = new();

    /// <summary>Where the library was looked for and what was found, without failing.</summary>
    public static NativeLibraryProbe Probe() => Loader.Probe();

    /// <summary>Version of the library, "0.1.0".</summary>
    public static string Version { get { EnsureLoaded(); return Utf8.Read(NativeMedia.tsm_version()); } }

    /// <summary>Versions of FFmpeg's libraries as found at run time.</summary>
    public static string FFmpegVersion { get { EnsureLoaded(); return Utf8.Read(NativeMedia.tsm_ffmpeg_version()); } }

    /// <summary>Whether this FFmpeg can encode <paramref name="codec"/>.</summary>
    public static bool CanEncode(AudioCodec codec) { EnsureLoaded(); return NativeMedia.tsm_can_encode((tsm_codec)codec) != 0; }

    /// <summary>Sends FFmpeg's log to <paramref name="logger"/>; null turns it off, as at the start. There is one log per
    /// process. Not to be called from inside a logger.</summary>
    /// <param name="logger">Called on whichever thread works, one line at a time.</param>
    /// <param name="minimum">Lines below this level are not made.</param>
    public static void UseLogger(ILogger? logger, LogLevel minimum = LogLevel.Warning)
    {
        EnsureLoaded();
        Log.Use(logger, minimum, static level =>
        {
            if (level is { } from) NativeMedia.tsm_set_log(&OnLog, null, from);
            else NativeMedia.tsm_set_log(null, null, ts_log_level.TS_LOG_ERROR);
        });
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLog(void* userData, ts_log_level level, byte* message) => Log.Write(level, message);

    internal static void EnsureLoaded() => Loader.EnsureLoaded();

    internal static void Check(ts_status status, CancellationToken cancellationToken = default)
    {
        if (status != ts_status.TS_OK) throw Status.ToException(status, Utf8.Read(NativeMedia.tsm_last_error()), cancellationToken);
    }

    /// <summary>A token that native code can ask. Freed when the call, or the handle that keeps asking, is done.</summary>
    internal sealed class CancelSource(CancellationToken token) : IDisposable
    {
        private readonly GCHandle _token = GCHandle.Alloc(token);

        public static delegate* unmanaged[Cdecl]<void*, int> Callback => &IsCancelled;
        public void* UserData => (void*)GCHandle.ToIntPtr(_token);
        public void Dispose() => _token.Free();

        [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
        private static int IsCancelled(void* userData) =>
            ((CancellationToken)GCHandle.FromIntPtr((nint)userData).Target!).IsCancellationRequested ? 1 : 0;
    }
}
