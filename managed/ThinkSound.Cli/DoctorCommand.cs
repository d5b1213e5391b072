using System.CommandLine;
using System.Runtime.InteropServices;
using ThinkSound.Bundles;
using ThinkSound.Media;
using ThinkSound.Rendering.Foley;
using ThinkSound.Rendering.Pictures;

namespace ThinkSound.Cli;

/// <summary><c>thinksound doctor</c>: what is there, what is missing, why, and what to do.</summary>
internal static class DoctorCommand
{
    /// <summary>How much a finding matters.</summary>
    private enum Mark
    {
        /// <summary>As it should be.</summary>
        Ok,
        /// <summary>Something less, which may be wanted so.</summary>
        Note,
        /// <summary>Nothing works, or something important does not.</summary>
        Bad,
    }

    private sealed record Finding(Mark Mark, string Area, string Text, string? Remedy = null);

    public static Command Create(Terminal terminal)
    {
        var json = new Option<bool>("--json") { Description = "As JSON." };
        var command = new Command("doctor", "Looks at libraries, devices, FFmpeg, model, cache and fonts, and says what to do where something is missing.") { json };
        command.SetAction(parsed =>
        {
            List<Finding> findings = [.. Examine()];
            terminal.WriteResult(parsed.GetValue(json) ? ToJson(findings) : ToText(findings));
            return findings.Any(finding => finding.Mark == Mark.Bad) ? ExitCode.Environment : ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<Finding> Examine()
    {
        yield return new Finding(Mark.Ok, "program", $"thinksound {CommandLine.Version}, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription} {RuntimeInformation.OSArchitecture}, {Environment.ProcessorCount} processors");
        NativeLibraryProbe core = ThinkSoundRuntime.Probe();
        foreach (Finding finding in Library("native library", core, () => $"version {ThinkSoundRuntime.Version}")) yield return finding;
        if (core.IsUsable)
            foreach (Finding finding in Devices()) yield return finding;
        foreach (Finding finding in Library("media library", MediaLibrary.Probe(), () => $"version {MediaLibrary.Version}; {MediaLibrary.FFmpegVersion}")) yield return finding;
        if (MediaLibrary.Probe().IsUsable) yield return Encoders();
        yield return Model();
        yield return Reasoning();
        yield return Cache();
        yield return Pictures();
    }

    private static IEnumerable<Finding> Library(string area, NativeLibraryProbe probe, Func<string> version)
    {
        if (probe.IsUsable) return [new Finding(Mark.Ok, area, $"{probe.Path}, {version()}")];
        // The problem itself ends with what to do, which depends on where the program lies.
        return [new Finding(Mark.Bad, area, probe.Problem!, area == "media library" ? "Without it only WAV files from words alone can be made." : null)];
    }

    private static IEnumerable<Finding> Devices()
    {
        IReadOnlyList<DeviceInfo> devices = ThinkSoundRuntime.GetDevices();
        foreach (DeviceInfo device in devices)
        {
            string memory = device.MemoryBytes > 0 ? $", {Units.Bytes(device.MemoryBytes)}" : "", threads = device.Threads > 0 ? $", {device.Threads} threads" : "";
            string bf16 = device.HasBFloat16 ? ", fast bf16" : "";
            yield return device.IsAvailable
                ? new Finding(Mark.Ok, $"device {device.Id}", $"{device.Name}{memory}{threads}{bf16}; {device.Detail}")
                : new Finding(Mark.Note, $"device {device.Id}", $"not available: {device.Detail}");
        }
        if (!devices.Any(device => device.Id.StartsWith("cuda", StringComparison.Ordinal)))
            yield return new Finding(Mark.Note, "device cuda", "not available: this build has no CUDA backend, or its library is not beside the native one",
                                     "with an NVIDIA card: scripts/setup-cuda.sh, then scripts/build.sh --native cuda");
    }

    private static Finding Encoders()
    {
        AudioCodec[] codecs = [AudioCodec.Aac, AudioCodec.Opus, AudioCodec.Flac, AudioCodec.Vorbis, AudioCodec.Mp3, AudioCodec.Pcm];
        AudioCodec[] missing = [.. codecs.Where(codec => !MediaLibrary.CanEncode(codec))];
        return missing.Length == 0
            ? new Finding(Mark.Ok, "encoders", string.Join(", ", codecs).ToLowerInvariant())
            : new Finding(missing.Contains(AudioCodec.Aac) ? Mark.Bad : Mark.Note, "encoders", $"this FFmpeg cannot encode {string.Join(", ", missing).ToLowerInvariant()}",
                          "install an FFmpeg that has them (Debian's has)");
    }

    private static Finding Model()
    {
        try
        {
            BundleDescription bundle = BundleDescription.Read(DefaultBundle.Find());
            return new Finding(Mark.Ok, "model", $"{bundle.Name} in {bundle.Folder}");
        }
        catch (ThinkSoundException e)
        {
            return new Finding(Mark.Note, "model", e.Message);
        }
    }

    /// <summary>Only what is set up: nobody is asked over a network by looking.</summary>
    private static Finding Reasoning()
    {
        string? endpoint = Environment.GetEnvironmentVariable(ReasonerArguments.EndpointVariable), model = Environment.GetEnvironmentVariable(ReasonerArguments.ModelVariable);
        return string.IsNullOrEmpty(endpoint)
            ? new Finding(Mark.Note, "reasoning", "no chat model is set up, so chains of thought are yours to write", $"set {ReasonerArguments.EndpointVariable} and {ReasonerArguments.ModelVariable}, or give --endpoint and --model")
            : new Finding(string.IsNullOrEmpty(model) ? Mark.Note : Mark.Ok, "reasoning", $"chat model {(string.IsNullOrEmpty(model) ? "without a name" : model)} at {endpoint}",
                          string.IsNullOrEmpty(model) ? $"set {ReasonerArguments.ModelVariable}" : null);
    }

    private static Finding Cache()
    {
        FeatureCache cache = FeatureCache.Default;
        string probe = Path.Combine(cache.Folder, $".doctor-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(cache.Folder);
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose)) { }
            var (clips, bytes) = cache.Measure();
            string free = new DriveInfo(Path.GetFullPath(cache.Folder)).AvailableFreeSpace is var space ? Units.Bytes(space) : "";
            return new Finding(Mark.Ok, "feature cache", $"{cache.Folder}: {clips} clips, {Units.Bytes(bytes)} of at most {Units.Bytes(FeatureCache.DefaultMaxBytes)}; {free} free on the disk");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return new Finding(Mark.Note, "feature cache", $"{cache.Folder} cannot be written: {e.Message}", "a second roll of the same video costs as much as the first; set XDG_CACHE_HOME to a folder that can be written");
        }
    }

    private static Finding Pictures()
    {
        try
        {
            SoundPicture.ToPng(new AudioClip(1, 8000, new float[8]), new PictureOptions { Width = 320, Height = 240, Title = "." });
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException)
        {
            return new Finding(Mark.Note, "pictures", $"--plot does not work: {(e.InnerException ?? e).Message}", "put libSkiaSharp beside the program");
        }
        return PictureFont.FilePath is { } font
            ? new Finding(Mark.Ok, "pictures", $"written with {font}")
            : new Finding(Mark.Note, "pictures", "no font found: --plot draws without words", "install fonts-dejavu-core");
    }

    private static string ToText(List<Finding> findings)
    {
        int width = findings.Max(finding => finding.Area.Length);
        var lines = new List<string>();
        foreach (Finding finding in findings)
        {
            string mark = finding.Mark switch { Mark.Ok => "ok  ", Mark.Note => "note", _ => "BAD " };
            string indent = new(' ', width + 8);
            lines.Add($"{mark}  {finding.Area.PadRight(width)}  {finding.Text.Replace("\n", "\n" + indent)}");
            if (finding.Remedy is { } remedy) lines.Add($"{indent}→ {remedy}");
        }
        return string.Join(Environment.NewLine, lines);
    }

    private static string ToJson(List<Finding> findings) => JsonText.Write(json =>
    {
        json.WriteStartArray();
        foreach (Finding finding in findings)
        {
            json.WriteStartObject();
            json.WriteString("status", finding.Mark.ToString().ToLowerInvariant());
            json.WriteString("area", finding.Area);
            json.WriteString("text", finding.Text);
            json.WriteString("remedy", finding.Remedy);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    });
}
