using System.CommandLine;
using ThinkSound.Bundles;
using ThinkSound.Projects;

namespace ThinkSound.Cli;

/// <summary>How the model is used: the same options for every command that has a project's operation make sound.</summary>
/// <param name="recommended">How many candidates a bundle recommends for what is made; null for one.</param>
internal sealed class GenerationArguments(Func<BundleDescription, int>? recommended = null)
{
    private readonly Option<int?> _steps = new("--steps") { Description = "Steps of the sampler, 1 to 1000; as the bundle recommends, else 24.", HelpName = "N" };
    private readonly Option<float?> _cfg = new("--cfg")
    {
        Description = "How far to follow video and words; 1 turns guidance off and halves the work; as the bundle recommends, else 5.", HelpName = "SCALE",
    };
    private readonly Option<ulong> _seed = new("--seed") { Description = "Same seed, same sound.", DefaultValueFactory = _ => 42, HelpName = "N" };
    private readonly Option<string> _sampler = new Option<string>("--sampler") { Description = "How the flow is followed; midpoint and rk4 cost two and four evaluations a step.", DefaultValueFactory = _ => "euler" }
        .AcceptOnlyFromAmong("euler", "midpoint", "rk4", "v-ddim");

    private readonly CandidateArguments _candidates = new(recommended is null ? "Default: 1." : "As the bundle recommends, else 1.");

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_steps, _cfg, _seed, _sampler]) command.Add(option);
        _candidates.AddTo(command);
        _steps.Require(n => n is null or (>= 1 and <= 1000), "--steps is 1 to 1000");
        _cfg.Require(scale => scale is not { } given || float.IsFinite(given), "--cfg is a number");
    }

    public ulong Seed(ParseResult parsed) => parsed.GetValue(_seed);

    /// <summary>Several candidates are asked for, not only recommended.</summary>
    public bool MustChoose(ParseResult parsed) => _candidates.Asked(parsed) > 1;

    /// <param name="bundle">Whose recommendations stand for what is not given; null where nothing is made.</param>
    public GenerationSettings Read(ParseResult parsed, BundleDescription? bundle)
    {
        GenerationSettings own = Recommended(bundle);
        return own with
        {
            Steps = parsed.GetValue(_steps) ?? own.Steps, GuidanceScale = parsed.GetValue(_cfg) ?? own.GuidanceScale,
            Candidates = CandidateArguments.Of(_candidates.Asked(parsed), bundle, recommended),
            Sampler = parsed.GetValue(_sampler) switch { "midpoint" => Sampler.Midpoint, "rk4" => Sampler.RungeKutta4, "v-ddim" => Sampler.VDdim, _ => Sampler.Euler },
        };
    }

    /// <summary>What a bundle recommends; the defaults without one.</summary>
    public static GenerationSettings Recommended(BundleDescription? bundle) => bundle is null ? new GenerationSettings() : GenerationSettings.Of(bundle.Defaults);
}
