using System.Text.Json.Serialization;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>What an operation is asked to do: everything its renderer needs to know beside the project itself, so that rendering
/// it again gives the same samples. Immutable; kept as JSON with its <see cref="Kind"/>.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind", UnknownDerivedTypeHandling = JsonUnknownDerivedTypeHandling.FailSerialization)]
[JsonDerivedType(typeof(FoleyPayload), FoleyPayload.KindName)]
[JsonDerivedType(typeof(ObjectPayload), ObjectPayload.KindName)]
[JsonDerivedType(typeof(EditPayload), EditPayload.KindName)]
[JsonDerivedType(typeof(MixPayload), MixPayload.KindName)]
public abstract record OperationPayload
{
    /// <summary>In one word: which <see cref="IOperationRenderer"/> renders it.</summary>
    [JsonIgnore]
    public abstract string Kind { get; }

    /// <summary>Same seed, same samples.</summary>
    public ulong Seed { get; init; } = 42;
}

/// <summary>How the model is used by an operation; see <see cref="GenerateOptions"/>, whose defaults these are, and <see cref="Of"/>.</summary>
public sealed record GenerationSettings
{
    /// <summary>Steps of the sampler, 1 to 1000.</summary>
    public int Steps { get; init; } = 24;
    /// <summary>How far to move past the conditions; 1 turns guidance off.</summary>
    public float GuidanceScale { get; init; } = 5;
    /// <summary>Share of the standard-deviation rescale after guidance, 0 to 1.</summary>
    public float GuidanceRescale { get; init; }
    /// <summary>How many sounds are sampled, 1 to 64, to keep the one that fits its caption best; see <see cref="GenerateOptions.Candidates"/>.
    /// What is made without a caption is made once, and so is what was kept before there were candidates: 0 stands for 1.</summary>
    public int Candidates { get; init => field = value == 0 ? 1 : value; } = 1; // the serialiser gives 0 where nothing is said
    /// <summary>How the flow is followed.</summary>
    [JsonConverter(typeof(SnakeCaseEnumConverter<Sampler>))]
    public Sampler Sampler { get; init; } = Sampler.Euler;
    /// <summary>Guidance moves away from what the reasoning says must not be heard.</summary>
    public bool AvoidAsNegative { get; init; }

    /// <summary>What a model was measured best with; the defaults where it says nothing.</summary>
    /// <param name="recommended">See <see cref="Bundles.BundleDescription.Defaults"/>.</param>
    public static GenerationSettings Of(GenerateOptions recommended)
    {
        ArgumentNullException.ThrowIfNull(recommended);
        var own = new GenerationSettings();
        return own with
        {
            Steps = recommended.Steps ?? own.Steps, GuidanceScale = recommended.GuidanceScale ?? own.GuidanceScale, GuidanceRescale = recommended.GuidanceRescale ?? own.GuidanceRescale,
        };
    }

    /// <summary>As options of a generation.</summary>
    /// <param name="duration">Length of the sound.</param>
    /// <param name="seed">Of the noise.</param>
    public GenerateOptions ToOptions(TimeSpan duration, ulong seed) => new()
    {
        Duration = duration, Seed = seed, Steps = Steps, GuidanceScale = GuidanceScale, GuidanceRescale = GuidanceRescale, Candidates = Candidates, Sampler = Sampler,
    };
}

/// <summary>Words of the user's own, which stand before those of the reasoning.</summary>
public sealed record OwnWords
{
    /// <summary>Instead of <see cref="Conditions.Caption"/> of the reasoning.</summary>
    public string? Caption { get; init; }
    /// <summary>Instead of <see cref="Conditions.ChainOfThought"/> of the reasoning.</summary>
    public string? ChainOfThought { get; init; }
    /// <summary>Instead of <see cref="Conditions.NegativeCaption"/> of the reasoning.</summary>
    public string? NegativeCaption { get; init; }

    /// <summary>What a generation takes, without features of the video.</summary>
    /// <param name="words">The user's own; may be null.</param>
    /// <param name="reasoning">Fills what they leave open; may be null.</param>
    /// <param name="avoidAsNegative">See <see cref="GenerationSettings.AvoidAsNegative"/>.</param>
    public static Conditions Over(OwnWords? words, Reasoning.Reasoning? reasoning, bool avoidAsNegative)
    {
        Conditions thought = reasoning?.ToConditions(avoidAsNegative) ?? new Conditions();
        return words is null ? thought : thought with
        {
            Caption = words.Caption ?? thought.Caption,
            ChainOfThought = words.ChainOfThought ?? thought.ChainOfThought,
            NegativeCaption = words.NegativeCaption ?? thought.NegativeCaption,
        };
    }
}
