using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ThinkSound.Bundles;

/// <summary>What a bundle says about itself: bundle.json, read without loading a network. Lenient where the native loader
/// is strict, because it is for showing and for finding files; the loader has the last word on what is valid.</summary>
public sealed record BundleDescription
{
    /// <summary>The folder; null for a description without files.</summary>
    public string? Folder { get; private init; }
    /// <summary>Name of the model.</summary>
    public required string Name { get; init; }
    /// <summary>Version of the format.</summary>
    public int Version { get; init; }
    /// <summary>Licence of the weights; "" if not said.</summary>
    public string License { get; init; } = "";
    /// <summary>Where the weights come from; "" if not said.</summary>
    public string Origin { get; init; } = "";
    /// <summary>Hz.</summary>
    public int SampleRate { get; init; } = 44100;
    /// <summary>JSON of how its vision towers are fed ("features"); "{}" if not said.</summary>
    public string Features { get; init; } = "{}";
    /// <summary>What it recommends for generating ("defaults"); null where it recommends nothing.</summary>
    public GenerateOptions Defaults { get; init; } = new();
    /// <summary>What its model makes the best sound of an object from ("object_streams" of the defaults); all where it does not say.</summary>
    public ConditionStreams ObjectStreams { get; init; } = ConditionStreams.All;
    /// <summary>How many candidates of an object's sound it recommends ("object_candidates" of the defaults), for
    /// <see cref="GenerateOptions.Candidates"/>; 1 where it does not say, or has no listener to choose among them.</summary>
    public int ObjectCandidates { get; init; } = 1;
    /// <summary>The same of what an edit makes anew ("edit_candidates").</summary>
    public int EditCandidates { get; init; } = 1;
    /// <summary>Captions that guidance of an object's sound moves away from, by the class that the object's words name ("object_avoid"):
    /// what the model's sounds of that class pass for.</summary>
    public IReadOnlyDictionary<string, string> ObjectAvoid { get; init; } = new Dictionary<string, string>();
    /// <summary>Networks, in the order of the file.</summary>
    public required IReadOnlyList<BundleComponent> Components { get; init; }

    /// <summary>The probability from which on its recogniser's onsets count, 0.5 where it does not say.</summary>
    public double OnsetThreshold { get; init; } = Recognition.DefaultOnsetThreshold;

    /// <summary>The network of a kind, such as "mmdit"; null if the bundle has none.</summary>
    public BundleComponent? Find(string kind) => Components.FirstOrDefault(component => component.Kind == kind);

    /// <summary>Tells bundles apart by their weights and configurations, whatever their name and folder: hexadecimal.</summary>
    /// <param name="kinds">Networks that count; all of them if none is named.</param>
    /// <exception cref="FileAccessException">A file cannot be read.</exception>
    public string Fingerprint(params string[] kinds)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(Features);
        foreach (BundleComponent component in Components.OrderBy(c => c.Kind, StringComparer.Ordinal))
        {
            if (kinds.Length > 0 && !kinds.Contains(component.Kind)) continue;
            Add(component.Kind);
            Add(component.Config);
            Add(component.Prefix);
            foreach (string file in component.Files) AddFile(file);
            if (component.Tokenizer is { } tokenizer) AddFile(tokenizer);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Add(string text) => hash.AppendData(Encoding.UTF8.GetBytes(text + '\0'));
        void AddFile(string file)
        {
            try
            {
                Add(FileFingerprint.Of(file));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new FileAccessException($"{file}: cannot be read: {e.Message}");
            }
        }
    }

    /// <summary>Reads a bundle's description.</summary>
    /// <param name="path">The folder, or its bundle.json.</param>
    /// <exception cref="ResourceNotFoundException">There is no bundle.json.</exception>
    /// <exception cref="BundleException">It is not JSON, or lacks what every bundle has.</exception>
    /// <exception cref="FileAccessException">It cannot be read.</exception>
    public static BundleDescription Read(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string file = Directory.Exists(path) ? Path.Combine(path, "bundle.json") : path;
        if (!File.Exists(file))
            throw new ResourceNotFoundException($"{file}: no such bundle; give the folder that holds bundle.json");
        byte[] json;
        try
        {
            json = File.ReadAllBytes(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FileAccessException($"{file}: cannot be read: {e.Message}");
        }
        return Parse(json, file, Path.GetDirectoryName(Path.GetFullPath(file)));
    }

    /// <summary>Reads a description from JSON.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="origin">What to call it in messages.</param>
    /// <param name="folder">Where its files lie; null if it has none.</param>
    public static BundleDescription Parse(ReadOnlyMemory<byte> json, string origin, string? folder = null)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("components", out JsonElement components) ||
                components.ValueKind != JsonValueKind.Object)
                throw new BundleException($"{origin}: has no \"components\": is this a bundle's description?");
            return new BundleDescription
            {
                Folder = folder,
                Name = Text(root, "name", "unnamed"),
                Version = root.TryGetProperty("version", out JsonElement version) && version.TryGetInt32(out int v) ? v : 0,
                License = Text(root, "license"),
                Origin = Text(root, "origin"),
                SampleRate = root.TryGetProperty("sample_rate", out JsonElement rate) && rate.TryGetInt32(out int hz) ? hz : 44100,
                Features = root.TryGetProperty("features", out JsonElement features) ? features.GetRawText() : "{}",
                Defaults = root.TryGetProperty("defaults", out JsonElement defaults) ? DefaultsOf(defaults) : new GenerateOptions(),
                ObjectStreams = root.TryGetProperty("defaults", out defaults) && defaults.TryGetProperty("object_streams", out JsonElement streams)
                    ? ConditionStreamNames.Parse(streams.EnumerateArray().Select(stream => stream.GetString() ?? ""))
                      ?? throw new BundleException($"{origin}: object_streams are some of clip, sync, caption and cot, not {streams.GetRawText()}")
                    : ConditionStreams.All,
                ObjectCandidates = CandidatesOf(root, components, "object_candidates", origin),
                EditCandidates = CandidatesOf(root, components, "edit_candidates", origin),
                ObjectAvoid = root.TryGetProperty("defaults", out defaults) && defaults.TryGetProperty("object_avoid", out JsonElement avoid)
                    ? avoid.EnumerateObject().DistinctBy(entry => entry.Name).ToDictionary(entry => entry.Name, entry => entry.Value.GetString()
                      ?? throw new BundleException($"{origin}: object_avoid has captions, not {entry.Value.GetRawText()}"))
                    : new Dictionary<string, string>(),
                OnsetThreshold = OnsetThresholdOf(components),
                Components = [.. components.EnumerateObject().Select(member => BundleComponent.Of(member.Name, member.Value, folder, origin))],
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // not JSON, or a value of another kind
        {
            throw new BundleException($"{origin}: {e.Message}");
        }
    }

    private static int CandidatesOf(JsonElement root, JsonElement components, string name, string origin)
    {
        if (!root.TryGetProperty("defaults", out JsonElement defaults) || !defaults.TryGetProperty(name, out JsonElement value)) return 1;
        if (!value.TryGetInt32(out int count) || count is < 1 or > GenerateOptions.MostCandidates)
            throw new BundleException($"{origin}: {name} is a whole number from 1 to {GenerateOptions.MostCandidates}, not {value.GetRawText()}");
        return components.TryGetProperty("listener", out _) ? count : 1;
    }

    private static double OnsetThresholdOf(JsonElement components) =>
        components.TryGetProperty("recogniser", out JsonElement recogniser) && recogniser.TryGetProperty("config", out JsonElement config) &&
        config.TryGetProperty("onset_threshold", out JsonElement value) && value.TryGetDouble(out double threshold) ? threshold : Recognition.DefaultOnsetThreshold;

    private static GenerateOptions DefaultsOf(JsonElement defaults)
    {
        return new GenerateOptions
        {
            Steps = Whole("num_steps"), GuidanceScale = (float?)Number("cfg_scale"), GuidanceRescale = (float?)Number("scale_phi"),
            Jumps = Whole("num_jumps"), JumpLength = Whole("jump_length"),
        };

        double? Number(string name) => defaults.TryGetProperty(name, out JsonElement value) && value.TryGetDouble(out double number) ? number : null;
        int? Whole(string name) => defaults.TryGetProperty(name, out JsonElement value) && value.TryGetInt32(out int number) ? number : null;
    }

    internal static string Text(JsonElement element, string name, string otherwise = "") =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : otherwise;
}

/// <summary>One network of a bundle.</summary>
public sealed record BundleComponent
{
    /// <summary>"mmdit", "vae", "t5", "clip_text", "clip_vision", "synchformer", "recogniser" or "listener".</summary>
    public required string Kind { get; init; }
    /// <summary>JSON of the network's configuration.</summary>
    public required string Config { get; init; }
    /// <summary>What the names of its tensors begin with in the files.</summary>
    public string Prefix { get; init; } = "";
    /// <summary>Full paths of its safetensors files.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];
    /// <summary>Full path of its tokenizer; null if it has none.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Values of its tensors by number format ("F32", "BF16", …), from the headers of its files. The scales of weights
    /// stored in 8 bits ("I8") are no parameters of their own.</summary>
    /// <exception cref="ResourceNotFoundException">A file is not there.</exception>
    /// <exception cref="WeightsException">A file is no safetensors file.</exception>
    public IReadOnlyDictionary<string, long> CountParameters()
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        SafetensorsEntry[] tensors = [.. Files.SelectMany(SafetensorsEntry.ReadAll).Where(tensor => tensor.Name.StartsWith(Prefix, StringComparison.Ordinal))];
        HashSet<string> scales = [.. tensors.Where(tensor => tensor.Type == "I8").Select(tensor => tensor.Name + ".scale")];
        foreach (SafetensorsEntry tensor in tensors.Where(tensor => !scales.Contains(tensor.Name)))
            counts[tensor.Type] = counts.GetValueOrDefault(tensor.Type) + tensor.Count;
        return counts;
    }

    internal static BundleComponent Of(string kind, JsonElement element, string? folder, string origin)
    {
        if (!element.TryGetProperty("config", out JsonElement config))
            throw new BundleException($"{origin}: components.{kind} has no \"config\"");
        if (folder is null) return new BundleComponent { Kind = kind, Config = config.GetRawText() };
        string? tokenizer = element.TryGetProperty("tokenizer", out JsonElement t) && BundleDescription.Text(t, "file") is { Length: > 0 } file
            ? Resolve(file) : null;
        return new BundleComponent
        {
            Kind = kind,
            Config = config.GetRawText(),
            Prefix = BundleDescription.Text(element, "prefix"),
            Files = element.TryGetProperty("files", out JsonElement files)
                ? [.. files.EnumerateArray().Select(name => Resolve(name.GetString() ?? ""))] : [],
            Tokenizer = tokenizer,
        };

        string Resolve(string name) => Path.Combine(folder, name);
    }
}
