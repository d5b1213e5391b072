using System.CommandLine;
using ThinkSound.Projects;
using ThinkSound.Projects.Editing;
using ThinkSound.Reasoning;

namespace ThinkSound.Cli;

/// <summary><c>thinksound edit</c>: a sentence, and what it says is done to a project, a sound or the sound of a video.</summary>
internal static class EditCommand
{
    public static Command Create(Terminal terminal, Option<bool> verbose)
    {
        var command = new Command("edit", "Changes a sound as a sentence says: add, remove, replace, extend, inpaint, louder, softer, earlier, later, another material, space or style, a variation.");
        var arguments = new EditArguments(command, verbose);
        command.SetAction((parsed, cancel) => new EditRun(terminal, arguments.Read(parsed), cancel).RunAsync());
        return command;
    }
}

/// <summary>What one call of <c>edit</c> asks for.</summary>
internal sealed record EditRequest
{
    public required string Input { get; init; }
    public required string Instruction { get; init; }
    /// <summary>Null for a project, which is changed where it is.</summary>
    public required string? Output { get; init; }
    public required EditChoices Choices { get; init; }
    /// <summary>What is heard in a file; "" if nobody says.</summary>
    public required string Description { get; init; }
    public required ulong Seed { get; init; }
    public required int? Steps { get; init; }
    public required float? Guidance { get; init; }
    /// <summary>Null leaves them to the bundle.</summary>
    public required int? Candidates { get; init; }
    public required bool Watches { get; init; }
    public required IReasoner? Reasoner { get; init; }
    /// <summary>Asked for where a model is needed.</summary>
    public required Func<EngineOptions> Engine { get; init; }
    public required bool IsDry { get; init; }
    public required bool Overwrite { get; init; }
    public required bool IsJson { get; init; }
    public required bool IsQuiet { get; init; }

    public bool IsProject => Directory.Exists(Input);
}

/// <summary>The options of <c>edit</c>.</summary>
internal sealed class EditArguments
{
    private readonly Argument<string> _input = new("INPUT") { Description = "A project's folder, a sound, or a video whose sound is meant." };
    private readonly Argument<string> _instruction = new("INSTRUCTION") { Description = "What to change, such as \"make the rain softer from 2 to 4 s\" or \"replace the bell with a gong\"." };
    private readonly Option<string?> _output = new("--output", "-o") { Description = "The file to make of a sound or video; a project is changed itself, and undo takes it back. wav keeps every bit outside of the change.", HelpName = "OUT" };
    private readonly Option<string?> _range = new("--range") { Description = "From when to when, in seconds, where the sentence does not say.", HelpName = "A..B" };
    private readonly Option<string?> _stem = new("--stem") { Description = "The track that is meant, by id or name.", HelpName = "NAME" };
    private readonly Option<string?> _object = new("--object") { Description = "What \"it\" is in the sentence.", HelpName = "WORDS" };
    private readonly Option<string?> _caption = new("--caption") { Description = "What is heard in the sound as it is: helps where something is taken out of it.", HelpName = "TEXT" };
    private readonly Option<double?> _strength = new("--strength") { Description = "How far a variation, a change of style or a replacement goes, above 0 up to 1.", HelpName = "S" };
    private readonly Option<ulong> _seed = new("--seed") { Description = "Same seed, same sound.", DefaultValueFactory = _ => 42, HelpName = "N" };
    private readonly Option<int?> _steps = new("--steps") { Description = "Steps of the sampler, 1 to 1000. Default: the model's own.", HelpName = "N" };
    private readonly Option<float?> _cfg = new("--cfg") { Description = "How far to follow video and words. Default: the model's own.", HelpName = "SCALE" };
    private readonly CandidateArguments _candidates = new("Of what is made anew, not of what is walked from one sound to another. As the bundle recommends, else 1.");
    private readonly Option<bool> _blind = new("--no-video") { Description = "Words alone decide what is made, not what the video shows." };
    private readonly Option<bool> _dry = new("--dry-run") { Description = "Only say what would be done." };
    private readonly Option<bool> _force = new("--force") { Description = "Replace an existing file." };
    private readonly Option<bool> _json = new("--json") { Description = "What was done as JSON on standard output." };
    private readonly Option<bool> _quiet = new("--quiet", "-q") { Description = "Warnings and errors only." };
    private readonly EngineArguments _engine = new();
    private readonly ReasonerArguments _reasoners = new(mayBeNone: true, mayWatch: false);

    public EditArguments(Command command, Option<bool> verbose)
    {
        command.Add(_input);
        command.Add(_instruction);
        foreach (Option option in (Option[])[_output, _range, _stem, _object, _caption, _strength, _seed, _steps, _cfg, _blind]) command.Add(option);
        _candidates.AddTo(command);
        _reasoners.AddTo(command);
        _engine.AddTo(command);
        foreach (Option option in (Option[])[_dry, _force, _json, _quiet, verbose]) command.Add(option);
        _range.Require(text => text is null || ParseRange(text) is not null, "--range is two times in seconds, the later one last, such as 2..4.5");
        _strength.Require(s => s is null or (> 0 and <= 1), "--strength is above 0, up to 1");
        _steps.Require(n => n is null or (>= 1 and <= 1000), "--steps is 1 to 1000");
        _cfg.Require(scale => scale is null || float.IsFinite(scale.Value), "--cfg is a number");
    }

    public EditRequest Read(ParseResult parsed)
    {
        string input = parsed.GetValue(_input)!;
        string? output = parsed.GetValue(_output);
        bool isProject = Directory.Exists(input), isDry = parsed.GetValue(_dry);
        if (!isProject && !File.Exists(input)) throw new ResourceNotFoundException($"{input}: no such file or project");
        if (isProject && output is not null) throw new UsageException("a project is changed itself; thinksound project render makes a file of it");
        if (isProject && parsed.GetValue(_caption) is not null) throw new UsageException("--caption is for a sound from elsewhere; a project knows what is heard in it");
        if (!isProject && output is null && !isDry) throw new UsageException("name the file to make: -o OUT");
        // A chat model that is set up reads free language; the grammar needs nobody.
        IReasoner? reasoner = _reasoners.Read(parsed, () => _engine.Read(parsed));
        if (reasoner is ReasonerChain chain) reasoner = chain.Accepts(new ReasoningRequest { Instruction = "add a bell" }) ? chain : null;
        return new EditRequest
        {
            Input = input, Instruction = parsed.GetValue(_instruction)!, Output = output, Description = parsed.GetValue(_caption) ?? "",
            Choices = new EditChoices
            {
                Range = parsed.GetValue(_range) is { } range ? ParseRange(range) : null, Track = Words(parsed, _stem), Object = Words(parsed, _object), Strength = parsed.GetValue(_strength),
            },
            Seed = parsed.GetValue(_seed), Steps = parsed.GetValue(_steps), Guidance = parsed.GetValue(_cfg), Candidates = _candidates.Asked(parsed), Watches = !parsed.GetValue(_blind),
            Reasoner = reasoner, Engine = () => _engine.Read(parsed),
            IsDry = isDry, Overwrite = parsed.GetValue(_force), IsJson = parsed.GetValue(_json), IsQuiet = parsed.GetValue(_quiet),
        };
    }

    private static string? Words(ParseResult parsed, Option<string?> option) => parsed.GetValue(option) is { Length: > 0 } words ? words : null;

    private static TimeRange? ParseRange(string text) =>
        NumberText.List(text, "..") is [var from, var to] && from >= 0 && to > from && to < 1e6 ? new TimeRange(TimeSpan.FromSeconds(from), TimeSpan.FromSeconds(to)) : null;
}
