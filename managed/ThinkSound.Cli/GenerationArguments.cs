using System.CommandLine;
using ThinkSound.Projects;

namespace ThinkSound.Cli;

/// <summary>How the model is used: the same options for every command that has a project's operation make sound.</summary>
internal sealed class GenerationArguments
{
    private readonly Option<int> _steps = new("--steps") { Description = "Steps of the sampler, 1 to 1000.", DefaultValueFactory = _ => 24, HelpName = "N" };
    private readonly Option<float> _cfg = new("--cfg") { Description = "How far to follow video and words; 1 turns guidance off and halves the work.", DefaultValueFactory = _ => 5, HelpName = "SCALE" };
    private readonly Option<ulong> _seed = new("--seed") { Description = "Same seed, same sound.", DefaultValueFactory = _ => 42, HelpName = "N" };
    private readonly Option<string> _sampler = new Option<string>("--sampler") { Description = "How the flow is followed; midpoint and rk4 cost two and four evaluations a step.", DefaultValueFactory = _ => "euler" }
        .AcceptOnlyFromAmong("euler", "midpoint", "rk4", "v-ddim");

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_steps, _cfg, _seed, _sampler]) command.Add(option);
        _steps.Require(n => n is >= 1 and <= 1000, "--steps is 1 to 1000");
        _cfg.Require(float.IsFinite, "--cfg is a number");
    }

    public ulong Seed(ParseResult parsed) => parsed.GetValue(_seed);

    public GenerationSettings Read(ParseResult parsed) => new()
    {
        Steps = parsed.GetValue(_steps), GuidanceScale = parsed.GetValue(_cfg),
        Sampler = parsed.GetValue(_sampler) switch { "midpoint" => Sampler.Midpoint, "rk4" => Sampler.RungeKutta4, "v-ddim" => Sampler.VDdim, _ => Sampler.Euler },
    };
}
