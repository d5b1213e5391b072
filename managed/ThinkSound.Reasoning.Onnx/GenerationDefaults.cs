using ThinkSound.Reasoning.Onnx.Sampling;

namespace ThinkSound.Reasoning.Onnx;

/// <summary>How a model's authors draw from it, of generation_config.json: greedily unless they say otherwise.</summary>
internal sealed record GenerationDefaults(float Temperature, float TopP, int TopK, float RepetitionPenalty)
{
    public static GenerationDefaults Of(ConfigFile? file)
    {
        if (file is not { } config) return new GenerationDefaults(0, 1, 0, 1);
        bool draws = config.Flag("do_sample", false);
        var defaults = new GenerationDefaults(draws ? (float)config.Number("temperature", 1) : 0, (float)config.Number("top_p", 1),
            config.Int("top_k", 0), (float)config.Number("repetition_penalty", 1));
        try { defaults.With(new GenerationOptions()).Check(); }
        catch (ArgumentException e) { throw new ReasoningModelException($"{config.Path}: {e.Message}", e); }
        return defaults;
    }

    public TokenSampler Sampler(GenerationOptions options)
    {
        options = With(options);
        return new TokenSampler(options.Temperature!.Value, options.TopP!.Value, options.TopK!.Value, options.RepetitionPenalty!.Value, options.Seed);
    }

    private GenerationOptions With(GenerationOptions options) => options with
    {
        Temperature = options.Temperature ?? Temperature,
        TopP = options.TopP ?? TopP,
        TopK = options.TopK ?? TopK,
        RepetitionPenalty = options.RepetitionPenalty ?? RepetitionPenalty,
    };
}
