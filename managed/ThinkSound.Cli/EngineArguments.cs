using System.CommandLine;
using ThinkSound.Bundles;

namespace ThinkSound.Cli;

/// <summary>Which model, where and how: the same options for every command that loads one.</summary>
internal sealed class EngineArguments
{
    private readonly Option<string?> _bundle = new("--bundle")
    {
        Description = $"Folder of the model (with bundle.json). Default: ${DefaultBundle.Variable}, else models/{DefaultBundle.Name} of the checkout or beside the program.",
        HelpName = "FOLDER",
    };
    private readonly Option<string> _device = new("--device") { Description = "auto, cpu, cpu:plain, cuda, cuda:<index>, cuda:<uuid> or its beginning.", DefaultValueFactory = _ => "auto" };
    private readonly Option<string> _precision = new Option<string>("--precision")
    {
        Description = "Number format of weights and of the inputs of products: auto takes bf16 where weights are stored in 16 bits and the device has bf16 products; f16 (which ends at ±65504) and int8 (bf16 with weights of 8 bits) are for cuda and cpu:plain, fp8 (products of 8-bit floats in blocks) for cuda from compute capability 8.9.",
        DefaultValueFactory = _ => "auto",
    }.AcceptOnlyFromAmong("auto", "f32", "bf16", "f16", "int8", "fp8");
    private readonly Option<int> _threads = new("--threads") { Description = "Worker threads; 0 = one per physical core. The sound does not depend on it.", HelpName = "N" };

    private readonly Option<string?> _memoryCap = new("--memory-cap")
    {
        Description = "Memory that weights and work may take together, such as 6GB or 800MiB; more is refused before it is taken.", HelpName = "SIZE",
    };

    /// <summary>Stands for every device that is available, where a command can use several.</summary>
    public const string All = "all";

    private readonly bool _allowsAll;

    public EngineArguments(bool allowsAll = false)
    {
        _allowsAll = allowsAll;
        if (allowsAll) _device.Description += " all: each that is available.";
    }

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_bundle, _device, _precision, _threads, _memoryCap]) command.Add(option);
        _threads.Require(n => n is >= 0 and <= 1024, "--threads is 0 to 1024");
        _memoryCap.Require(size => size is null || Units.ParseBytes(size) is > 0, "--memory-cap is a size such as 6GB or 800MiB");
    }

    /// <summary>What the options say.</summary>
    /// <exception cref="ResourceNotFoundException">No bundle is named and there is no default one.</exception>
    /// <exception cref="DeviceException">The device is not available; the message says why.</exception>
    public EngineOptions Read(ParseResult parsed, string? synthetic = null)
    {
        string device = parsed.GetValue(_device)!;
        if (!_allowsAll || device != All) RequireDevice(device);
        if (synthetic is not null && parsed.GetValue(_bundle) is not null)
            throw new UsageException("--synthetic and --bundle are two models; give one");
        return new EngineOptions
        {
            BundlePath = synthetic is not null ? null : parsed.GetValue(_bundle) ?? DefaultBundle.Find(),
            Synthetic = synthetic,
            Device = device,
            Precision = PrecisionOf(parsed.GetValue(_precision)!),
            Threads = parsed.GetValue(_threads),
            MemoryCapBytes = parsed.GetValue(_memoryCap) is { } size ? Units.ParseBytes(size)!.Value : 0,
        };
    }

    /// <summary>What --precision says.</summary>
    public static Precision PrecisionOf(string name) => name switch
    {
        "f32" => Precision.Float32, "bf16" => Precision.BFloat16, "f16" => Precision.Float16, "int8" => Precision.Int8, "fp8" => Precision.Float8, _ => Precision.Auto,
    };

    /// <summary>A device that is missing is the environment's fault, not the bundle's: say so before anything is read.</summary>
    public static void RequireDevice(string device)
    {
        if (device == "auto") return;
        IReadOnlyList<DeviceInfo> devices = ThinkSoundRuntime.GetDevices();
        // A card's detail holds its UUID.
        string? uuid = device.StartsWith("cuda:GPU-", StringComparison.Ordinal) ? device["cuda:".Length..] : null;
        DeviceInfo[] meant = [.. devices.Where(d => d.Id == device || (device == "cuda" && d.Id.StartsWith("cuda", StringComparison.Ordinal)) ||
                                                    (uuid is not null && d.Detail.Contains(uuid, StringComparison.Ordinal)))];
        if (meant.Any(d => d.IsAvailable)) return;
        if (meant.Length > 0) throw new DeviceException($"device {device} is not available: {meant[0].Detail}");
        if (device.StartsWith("cuda:", StringComparison.Ordinal) && devices.Any(d => d.Id.StartsWith("cuda", StringComparison.Ordinal)))
            throw new DeviceException($"device {device} is not there; known are {string.Join(", ", devices.Select(d => d.Id))}");
        throw new UsageException($"--device {device}: no such device; known are auto, {string.Join(", ", devices.Select(d => d.Id))}");
    }
}
