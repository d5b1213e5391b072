using System.CommandLine;
using ThinkSound.Bundles;
using ThinkSound.Media;
using ThinkSound.Reasoning;
using ThinkSound.Rendering;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Cli;

/// <summary>What one call of <c>generate</c> asks for.</summary>
internal sealed record GenerateRequest
{
    public required EngineOptions Engine { get; init; }
    /// <summary>The jobs to do, and what their input is called: one, or one per file of a folder.</summary>
    public required IReadOnlyList<FoleyJob> Jobs { get; init; }
    /// <summary>The input was a folder: one file's failure does not stop the others.</summary>
    public required bool IsFolder { get; init; }
    /// <summary>Thinks about jobs that have no chain of thought; null for nobody.</summary>
    public required IReasoner? Reasoner { get; init; }
    /// <summary>A saved reasoning to go by; null if none was given.</summary>
    public required string? ReasoningFile { get; init; }
    /// <summary>Outputs that exist are not made again.</summary>
    public required bool SkipsExisting { get; init; }
    public required bool UseCache { get; init; }
    public required bool IsJson { get; init; }
    public required bool IsQuiet { get; init; }
    public required bool IsVerbose { get; init; }
}

/// <summary>The options of <c>generate</c>, and how they become jobs.</summary>
internal sealed class GenerateArguments
{
    private readonly Argument<string?> _input = new("INPUT") { Arity = ArgumentArity.ZeroOrOne, Description = "A video, or a folder of videos; nothing makes a sound from words alone." };
    private readonly Option<string?> _caption = new("--caption") { Description = "What is heard, in a few words.", HelpName = "TEXT" };
    private readonly Option<string?> _cot = new("--cot") { Description = "The chain of thought: what happens, in which order, how it sounds. The first 76 pieces count.", HelpName = "TEXT" };
    private readonly Option<string?> _negative = new("--negative") { Description = "What should not be heard (works through --cfg).", HelpName = "TEXT" };
    private readonly Option<string?> _negativeCot = new("--negative-cot") { Description = "The same as a chain of thought.", HelpName = "TEXT" };
    private readonly Option<double?> _duration = new("--duration") { Description = "Seconds of sound, 1 to 86400. Default: the whole video, 8 without one.", HelpName = "SECONDS" };
    private readonly Option<double?> _window = new("--window") { Description = "Make the sound in windows of so many seconds, 2 to 60. Default: one piece up to 60 seconds, longer ones in windows as long as the clips that the model learned from.", HelpName = "SECONDS" };
    private readonly Option<double> _overlap = new("--overlap") { Description = "How much of the last window the next one goes on from, up to half a window.", DefaultValueFactory = _ => 3, HelpName = "SECONDS" };
    private readonly Option<double> _start = new("--start") { Description = "Where in the video the sound begins.", HelpName = "SECONDS" };
    private readonly Option<int?> _steps = new("--steps") { Description = "Steps of the sampler, 1 to 1000; as the bundle recommends, else 24.", HelpName = "N" };
    private readonly Option<float?> _cfg = new("--cfg") { Description = "How far to follow video and words; 1 turns guidance off and halves the work; as the bundle recommends, else 5.", HelpName = "SCALE" };
    private readonly CandidateArguments _candidates = new("Default: 1.");
    private readonly Option<ulong> _seed = new("--seed") { Description = "Same seed, same sound.", DefaultValueFactory = _ => 42, HelpName = "N" };
    private readonly Option<string> _sampler = new Option<string>("--sampler") { Description = "How the flow is followed; midpoint and rk4 cost two and four evaluations a step.", DefaultValueFactory = _ => "euler" }
        .AcceptOnlyFromAmong("euler", "midpoint", "rk4", "v-ddim");
    private readonly Option<string> _lengths = new Option<string>("--lengths") { Description = "exact cuts the sound to the duration; reference gives the lengths of the authors' code.", DefaultValueFactory = _ => "exact" }
        .AcceptOnlyFromAmong("exact", "reference");
    private readonly Option<string?> _output = new("--output", "-o")
    {
        Description = "The file to make; mp4, mov, mkv and webm get the video with the sound, wav, flac, ogg, opus, mp3 and m4a the sound alone. For a folder of videos a folder. \"-\" is standard output.",
        HelpName = "OUT",
    };
    private readonly Option<string?> _format = new("--format") { Description = "The format, where the ending of OUT does not say it: mp4, mov, mkv, webm, wav, flac, ogg, opus, mp3, m4a.", HelpName = "NAME" };
    private readonly Option<string?> _plot = new("--plot") { Arity = ArgumentArity.ZeroOrOne, Description = "Draw the video's frames, onsets, waveform and spectrogram as PNG; without FILE beside the output.", HelpName = "FILE.png" };
    private readonly Option<string> _keepAudio = new Option<string>("--keep-audio") { Description = "What becomes of the video's own sound: replaced, mixed with the new one, or kept as a further track.", DefaultValueFactory = _ => "replace" }
        .AcceptOnlyFromAmong("replace", "mix", "track");
    private readonly Option<string> _loudness = new("--loudness") { Description = "none, peak (the loudest sample becomes full scale; near silence stays quiet) or lufs=<value>, e.g. lufs=-23; each output by itself.", DefaultValueFactory = _ => "peak" };
    private readonly Option<int> _variations = new("--variations") { Description = "So many sounds with the seeds N, N+1, …, each with candidates of its own; \"-1\", \"-2\", … are added to the names.", DefaultValueFactory = _ => 1, HelpName = "N" };
    private readonly Option<bool> _force = new("--force") { Description = "Replace existing files." };
    private readonly Option<bool> _skipExisting = new("--skip-existing") { Description = "Make what is missing alone: whatever is there stays, however it was made." };
    private readonly Option<bool> _noCache = new("--no-cache") { Description = "Neither use nor keep vision features on disk." };
    private readonly Option<bool> _json = new("--json") { Description = "Results as JSON on standard output." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "No progress; warnings and errors only." };
    private readonly Option<bool> _verbose;
    private readonly EngineArguments _engine = new();
    private readonly Option<string?> _reasoning = new("--reasoning") { Description = "A result of reason -o, perhaps edited: its words, unless --caption or --cot give others.", HelpName = "FILE" };
    private readonly ReasonerArguments _reasoners = new(mayBeNone: true);

    public GenerateArguments(Command command, Option<bool> verbose)
    {
        _verbose = verbose;
        command.Add(_input);
        foreach (Option option in (Option[])[_output, _caption, _cot, _negative, _negativeCot, _duration, _start, _window, _overlap, _steps, _cfg, _seed, _sampler, _lengths, _reasoning]) command.Add(option);
        _candidates.AddTo(command);
        _reasoners.AddTo(command);
        _engine.AddTo(command);
        foreach (Option option in (Option[])[_format, _plot, _keepAudio, _loudness, _variations, _force, _skipExisting, _noCache, _json, _quiet, _verbose]) command.Add(option);
        _steps.Require(n => n is null or (>= 1 and <= 1000), "--steps is 1 to 1000");
        _variations.Require(n => n is >= 1 and <= 1000, "--variations is 1 to 1000");
        _duration.Require(s => s is null or (>= 1 and <= 86400), "--duration is 1 to 86400 seconds, which is a day");
        _window.Require(s => s is null or (>= 2 and <= 60), "--window is 2 to 60 seconds");
        _overlap.Require(s => s is >= 0 and <= 30, "--overlap is 0 to 30 seconds");
        _start.Require(s => s is >= 0 and <= 1e6, "--start is seconds from the begin of the video");
        _cfg.Require(scale => scale is not { } given || float.IsFinite(given), "--cfg is a number");
        _loudness.Require(text => Loudness.TryParse(text, out _), "--loudness is none, peak or lufs=<-70 to 0>");
        // "--plot video.mp4" would otherwise take the input for the picture, and make a sound without it.
        _plot.Require(file => file is null || file.EndsWith(".png", StringComparison.OrdinalIgnoreCase), "--plot: pictures end in .png; put INPUT before the options");
    }

    public GenerateRequest Read(ParseResult parsed)
    {
        string output = parsed.GetValue(_output) ?? throw new UsageException("name the file to make: -o OUT (\"-\" for standard output)");
        string? input = parsed.GetValue(_input), format = parsed.GetValue(_format)?.ToLowerInvariant();
        bool isFolder = input is not null && Directory.Exists(input);
        CheckSense(parsed, input, output, isFolder);
        if (format is not null && !OutputFormat.IsKnown(format)) throw new UsageException($"--format {format}: known are {string.Join(", ", OutputFormat.Known)}");

        EngineOptions engine = _engine.Read(parsed);
        Loudness.TryParse(parsed.GetValue(_loudness), out Loudness loudness);
        int? candidates = _candidates.Asked(parsed);
        var job = new FoleyJob
        {
            Start = TimeSpan.FromSeconds(parsed.GetValue(_start)),
            Duration = parsed.GetValue(_duration) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
            Windows = Windows(parsed),
            Conditions = new Conditions
            {
                Caption = Words(parsed, _caption), ChainOfThought = Words(parsed, _cot),
                NegativeCaption = Words(parsed, _negative), NegativeChainOfThought = Words(parsed, _negativeCot),
            },
            Generate = new GenerateOptions
            {
                Steps = parsed.GetValue(_steps),
                GuidanceScale = parsed.GetValue(_cfg),
                Candidates = CandidateArguments.Of(candidates, candidates > 1 ? BundleDescription.Read(engine.BundlePath!) : null),
                Sampler = parsed.GetValue(_sampler) switch { "midpoint" => Sampler.Midpoint, "rk4" => Sampler.RungeKutta4, "v-ddim" => Sampler.VDdim, _ => Sampler.Euler },
                Lengths = parsed.GetValue(_lengths) == "reference" ? LengthRule.Reference : LengthRule.Exact,
            },
            Loudness = loudness,
            KeepAudio = parsed.GetValue(_keepAudio) switch { "mix" => KeepAudio.Mix, "track" => KeepAudio.Track, _ => KeepAudio.Replace },
            Overwrite = parsed.GetValue(_force),
            Outputs = [],
        };
        IReadOnlyList<FoleyJob> jobs = isFolder
            ? [.. NamesFor(VideosIn(input!), format).Select(pair => job with { Video = pair.Video, Outputs = Outputs(parsed, Path.Combine(output, pair.Name), format, true) })]
            : [job with { Video = input, Outputs = Outputs(parsed, output, format, input is not null) }];
        return new GenerateRequest
        {
            Jobs = jobs,
            IsFolder = isFolder,
            // Somebody who was named is asked even where there is a thought already; by itself nobody is.
            Reasoner = _reasoners.IsNamed(parsed) || (Words(parsed, _cot) ?? parsed.GetValue(_reasoning)) is null ? _reasoners.Read(parsed, () => engine) : null,
            ReasoningFile = parsed.GetValue(_reasoning),
            SkipsExisting = parsed.GetValue(_skipExisting),
            UseCache = !parsed.GetValue(_noCache),
            IsJson = parsed.GetValue(_json),
            IsQuiet = parsed.GetValue(_quiet),
            IsVerbose = parsed.GetValue(_verbose),
            Engine = engine,
        };
    }

    private void CheckSense(ParseResult parsed, string? input, string output, bool isFolder)
    {
        if (input is ['-', ..] && !File.Exists(input)) throw new UsageException($"unknown option {input}");
        if (input is not null && !isFolder && !File.Exists(input)) throw new ResourceNotFoundException($"{input}: no such file or folder");
        if (input is null && parsed.GetValue(_start) != 0) throw new UsageException("--start is a time in a video, and there is none");
        if (input is null && parsed.GetValue(_keepAudio) != "replace") throw new UsageException("--keep-audio is about a video's sound, and there is no video");
        if (input is null && Words(parsed, _caption) is null && Words(parsed, _cot) is null && parsed.GetValue(_reasoning) is null)
            throw new UsageException("there is nothing to make a sound of: give a video, --caption, --cot or --reasoning");
        if (isFolder && parsed.GetValue(_reasoning) is not null) throw new UsageException("--reasoning is about one video; a folder has several");
        if (parsed.GetValue(_window) is { } window && parsed.GetValue(_overlap) > window / 2)
            throw new UsageException($"--overlap is at most half of --window, so {window / 2:0.###} seconds here");
        if (parsed.GetValue(_cfg) == 1 && (Words(parsed, _negative) ?? Words(parsed, _negativeCot)) is not null)
            throw new UsageException("--negative works through guidance, and --cfg 1 turns that off");
        if (parsed.GetValue(_force) && parsed.GetValue(_skipExisting)) throw new UsageException("--force replaces what --skip-existing would keep; choose one");
        if (output == "-")
        {
            if (parsed.GetValue(_json)) throw new UsageException("--json and -o - both want standard output");
            if (isFolder || parsed.GetValue(_variations) > 1) throw new UsageException("standard output takes one sound; give a file for -o");
            if (PlotWanted(parsed) && parsed.GetValue(_plot) is null) throw new UsageException("--plot needs a FILE when the sound goes to standard output");
        }
        if (isFolder)
        {
            if (File.Exists(output)) throw new UsageException($"{output} is a file; a folder of videos needs a folder for -o");
            if (Path.GetFullPath(output).TrimEnd(Path.DirectorySeparatorChar) == Path.GetFullPath(input!).TrimEnd(Path.DirectorySeparatorChar))
                throw new UsageException("the output folder is the input folder; name another one");
            if (parsed.GetValue(_plot) is not null) throw new UsageException("for a folder give --plot without FILE: each picture lies beside its output");
        }
        else if (Directory.Exists(output))
        {
            throw new UsageException($"{output} is a folder; name the file to make in it");
        }
    }

    /// <summary>Null where neither is asked for: then only what is longer than one piece can be is made in windows.</summary>
    private WindowOptions? Windows(ParseResult parsed)
    {
        if (parsed.GetValue(_window) is null && parsed.GetResult(_overlap) is null or { Implicit: true }) return null;
        return new WindowOptions
        {
            Length = parsed.GetValue(_window) is { } seconds ? TimeSpan.FromSeconds(seconds) : null, Overlap = TimeSpan.FromSeconds(parsed.GetValue(_overlap)),
        };
    }

    /// <summary>An empty text is none, as scripts pass it.</summary>
    private static string? Words(ParseResult parsed, Option<string?> option) => parsed.GetValue(option) is { Length: > 0 } words ? words : null;

    private bool PlotWanted(ParseResult parsed) => parsed.GetResult(_plot) is not null;

    private FoleyOutput[] Outputs(ParseResult parsed, string path, string? format, bool hasVideo)
    {
        int variations = parsed.GetValue(_variations);
        ulong seed = parsed.GetValue(_seed);
        if (path == "-")
            return [new FoleyOutput { Stream = Terminal.OpenOutput(), Format = format ?? (hasVideo ? "mkv" : "wav"), Seed = seed, Picture = parsed.GetValue(_plot) }];
        if (format is null && !OutputFormat.IsKnown(OutputFormat.OfPath(path)))
            throw new UsageException($"{path}: its ending does not name a format; known are {string.Join(", ", OutputFormat.Known)} (or give --format)");
        return [.. Enumerable.Range(0, variations).Select(i =>
        {
            string numbered = variations == 1 ? path : Numbered(path, i + 1);
            string? picture = !PlotWanted(parsed) ? null
                            : parsed.GetValue(_plot) is { } file ? (variations == 1 ? file : Numbered(file, i + 1))
                            : Path.ChangeExtension(numbered, ".png");
            return new FoleyOutput { Path = numbered, Format = format, Seed = unchecked(seed + (ulong)i), Picture = picture };
        })];
    }

    private static string Numbered(string path, int number) =>
        Path.Combine(Path.GetDirectoryName(path) ?? "", $"{Path.GetFileNameWithoutExtension(path)}-{number}{Path.GetExtension(path)}");

    private static string[] VideosIn(string folder)
    {
        string[] videos = [.. Directory.EnumerateFiles(folder).Where(file => OutputFormat.VideoEndings.Contains(Path.GetExtension(file).ToLowerInvariant())).Order(StringComparer.Ordinal)];
        return videos.Length > 0 ? videos : throw new ResourceNotFoundException($"{folder}: holds no videos ({string.Join(" ", OutputFormat.VideoEndings)})");
    }

    /// <summary>Each video's own name; in its own format if that can be written, else in Matroska, which carries nearly everything.
    /// Videos that differ in their endings alone keep these, so that none is written over another: clip.avi.mkv.</summary>
    private static IEnumerable<(string Video, string Name)> NamesFor(string[] videos, string? format)
    {
        ILookup<string, string> alike = videos.ToLookup(Path.GetFileNameWithoutExtension, StringComparer.OrdinalIgnoreCase)!;
        return videos.Select(video =>
        {
            string own = OutputFormat.OfPath(video), name = Path.GetFileNameWithoutExtension(video);
            return (video, $"{(alike[name].Count() > 1 ? Path.GetFileName(video) : name)}.{format ?? (OutputFormat.HasVideo(own) ? own : "mkv")}");
        });
    }
}
