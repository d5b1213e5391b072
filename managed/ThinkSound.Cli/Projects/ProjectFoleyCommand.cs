using System.CommandLine;
using ThinkSound.Bundles;
using ThinkSound.Projects;
using ThinkSound.Reasoning;

namespace ThinkSound.Cli;

/// <summary><c>project new</c> and <c>project foley</c>: stage one, with or without a project that is there.</summary>
internal static class ProjectFoleyCommand
{
    public static Command CreateNew(Terminal terminal, Option<bool> verbose)
    {
        var command = new Command("new", "Makes a project for a video, and its soundscape.");
        var video = new Argument<string>("VIDEO") { Description = "The video; it stays where it is." };
        var folder = new Option<string>("--output", "-o") { Description = "The project's folder: new, or empty.", HelpName = "FOLDER", Required = true };
        var empty = new Option<bool>("--empty") { Description = "No sound yet." };
        var arguments = new FoleyArguments();
        command.Add(video);
        command.Add(folder);
        command.Add(empty);
        arguments.AddTo(command, verbose);
        command.SetAction(async (parsed, cancel) =>
        {
            string path = parsed.GetValue(video)!;
            if (!File.Exists(path)) throw new ResourceNotFoundException($"{path}: no such file");
            // All that can be known to be wrong, before there is a folder.
            EngineOptions? engine = parsed.GetValue(empty) ? null : arguments.Engine.Read(parsed);
            using Project project = await Project.CreateAsync(parsed.GetValue(folder)!, path, cancel);
            if (engine is null)
            {
                arguments.Common.Answer(parsed, terminal, project, $"{project.Folder}: a project of {Units.Seconds(project.State.Timeline.Duration.TotalSeconds)}, without sound yet");
                return ExitCode.Done;
            }
            try
            {
                return await arguments.ApplyAsync(parsed, terminal, project, engine, cancel);
            }
            catch (Exception)
            {
                terminal.EndLive();
                terminal.WriteLine($"{project.Folder}: the project is there, without sound; \"thinksound project foley\" makes it");
                throw;
            }
        });
        return command;
    }

    public static Command CreateFoley(Terminal terminal, Option<bool> verbose)
    {
        var command = new Command("foley", "Makes the soundscape of the whole video, or another one: with another seed, other words.");
        var arguments = new FoleyArguments();
        arguments.Common.AddFolderTo(command);
        arguments.AddTo(command, verbose);
        command.SetAction(async (parsed, cancel) =>
        {
            EngineOptions engine = arguments.Engine.Read(parsed);
            using Project project = arguments.Common.Open(parsed, ProjectAccess.Write, terminal);
            return await arguments.ApplyAsync(parsed, terminal, project, engine, cancel);
        });
        return command;
    }

    /// <summary>How a soundscape is made.</summary>
    private sealed class FoleyArguments
    {
        private readonly Option<string?> _caption = new("--caption") { Description = "What is heard, in a few words.", HelpName = "TEXT" };
        private readonly Option<string?> _cot = new("--cot") { Description = "The chain of thought: what happens, in which order, how it sounds.", HelpName = "TEXT" };
        private readonly Option<string?> _negative = new("--negative") { Description = "What should not be heard.", HelpName = "TEXT" };
        private readonly Option<string?> _reasoning = new("--reasoning") { Description = "A result of reason -o, perhaps edited, instead of thinking.", HelpName = "FILE" };
        private readonly GenerationArguments _generation = new();
        private readonly ReasonerArguments _reasoners = new(mayBeNone: true);

        public ProjectArguments Common { get; } = new();

        public EngineArguments Engine { get; } = new();

        public void AddTo(Command command, Option<bool> verbose)
        {
            foreach (Option option in (Option[])[_caption, _cot, _negative, _reasoning]) command.Add(option);
            _generation.AddTo(command);
            _reasoners.AddTo(command);
            Engine.AddTo(command);
            Common.AddAnswerTo(command);
            command.Add(verbose);
        }

        public async Task<int> ApplyAsync(ParseResult parsed, Terminal terminal, Project project, EngineOptions engine, CancellationToken cancel)
        {
            string? caption = Words(parsed, _caption), cot = Words(parsed, _cot), negative = Words(parsed, _negative);
            Reasoning.Reasoning? reasoning = await ThinkAsync(parsed, terminal, project, engine, caption, cot, cancel);
            bool isManual = reasoning?.Provider == ManualReasoner.Name; // which made the user's own words fit
            var payload = new FoleyPayload
            {
                Seed = _generation.Seed(parsed),
                Generation = _generation.Read(parsed, BundleDescription.Read(engine.BundlePath!)),
                Words = (isManual ? null : caption ?? cot) is null && negative is null ? null
                    : new OwnWords { Caption = isManual ? null : caption, ChainOfThought = isManual ? null : cot, NegativeCaption = negative },
            };
            using var renderers = new ProjectRenderers(engine);
            ProjectProgressLines? progress = Common.Progress(parsed, terminal);
            Operation done = await project.ApplyAsync(payload, reasoning, renderers.All, null, progress, cancel);
            progress?.End();
            Common.Answer(parsed, terminal, project, $"{project.Folder}: operation {done.Id}, {done.Title}, seed {payload.Seed}{CandidateArguments.Describe(done.Result.Candidates)}", done);
            return ExitCode.Done;
        }

        private async Task<Reasoning.Reasoning?> ThinkAsync(ParseResult parsed, Terminal terminal, Project project, EngineOptions engine, string? caption, string? cot, CancellationToken cancel)
        {
            var about = new ReasoningRequest
            {
                Video = project.FindVideo().RequirePath(), Duration = project.State.Timeline.Duration, Caption = caption, ChainOfThought = cot,
                Previous = parsed.GetValue(_reasoning) is { } file ? await ReasoningFile.LoadAsync(file, cancel) : null,
            };
            // Somebody who was named is asked even where there is a thought already; by itself nobody is.
            IReasoner? reasoner = _reasoners.IsNamed(parsed) || (cot is null && about.Previous is null) ? _reasoners.Read(parsed, () => engine)
                : about.Previous is null ? null : new ManualReasoner();
            if (reasoner is null || (reasoner is ReasonerChain && !reasoner.Accepts(about))) return null;
            return await ReasoningLines.ThinkAsync(reasoner, about with { Tokens = ReasonerArguments.Tokens(engine.BundlePath, terminal) }, terminal, Common.IsQuiet(parsed), cancel);
        }

        /// <summary>An empty text is none, as scripts pass it.</summary>
        private static string? Words(ParseResult parsed, Option<string?> option) => parsed.GetValue(option) is { Length: > 0 } words ? words : null;
    }
}
