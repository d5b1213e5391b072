using System.Text.Json.Serialization;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Reasoning;

/// <summary>What a reasoner came to: the sound to make, as data and as the two texts that the model reads. Immutable; vary it
/// with <c>with</c>. Times count from the begin of the sound. As JSON it is described by reasoning.schema.json; see
/// <see cref="ReasoningFile"/>.</summary>
public sealed record Reasoning
{
    /// <summary>The version of the format that is written.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Version of the format.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>Which of the paper's stages it belongs to.</summary>
    public ReasoningStage Stage { get; init; }

    /// <summary>Who thought: <see cref="IReasoner.Provider"/>.</summary>
    public string Provider { get; init; } = "";

    /// <summary>The model that thought, as its provider calls it; "" if there was none.</summary>
    public string Model { get; init; } = "";

    /// <summary>What it was thought about.</summary>
    public ReasoningSubject Subject { get; init; } = new();

    /// <summary>The thoughts that led to it.</summary>
    public Thoughts Thoughts { get; init; } = new();

    /// <summary>What is to be heard, by its begin.</summary>
    public IReadOnlyList<SoundEvent> Events { get; init; } = [];

    /// <summary>Where it is heard.</summary>
    public AcousticSpace Space { get; init; } = new();

    /// <summary>Groups of events that are mixed together; every <see cref="SoundEvent.Layer"/> is one of them.</summary>
    public IReadOnlyList<SoundLayer> Layers { get; init; } = [];

    /// <summary>What must not be heard: "music", "speech".</summary>
    public IReadOnlyList<string> Avoid { get; init; } = [];

    /// <summary>The change to make; of <see cref="ReasoningStage.Edit"/> only.</summary>
    public EditPlan? Edit { get; init; }

    /// <summary>For CLIP: what is heard, in a few words.</summary>
    public string Caption { get; init; } = "";

    /// <summary>For T5: what happens, in which order, how it sounds.</summary>
    public string ChainOfThought { get; init; } = "";

    /// <summary>The texts that had to be shortened for the model, and what was left out.</summary>
    public IReadOnlyList<Shortening> Shortened { get; init; } = [];

    /// <summary>What was mended in the model's answer, a sentence each.</summary>
    public IReadOnlyList<string> Repairs { get; init; } = [];

    /// <summary>As data; see <see cref="ReasoningFile"/>.</summary>
    public string ToJson() => ReasoningFile.Write(this);

    /// <summary>The same with texts that the encoders read to their ends: whole sentences and clauses are left out, the least
    /// important first, and <see cref="Shortened"/> says which. A text that was shortened before is taken whole again first. A text
    /// that is empty is written from <see cref="Events"/>, so emptying it is how to have an edited reasoning put into words.</summary>
    /// <param name="tokens">Of the model that will read them.</param>
    public Reasoning Fit(ITokenCounter tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        return TextFitter.Fit(TextComposer.Complete(this), tokens);
    }

    /// <summary>What it says of a part of the time: the events that reach into it, their times counted from its begin, and words for
    /// them alone. The user's own caption stays; so do all words where there are no events to tell the parts apart.</summary>
    /// <param name="part">Ends after it begins.</param>
    public Reasoning Within(TimeRange part) => ReasoningPart.Of(this, part);

    /// <summary>What a generation takes: the caption and the chain of thought. Features of the video are the caller's to add.</summary>
    /// <param name="avoidAsNegative">Guidance moves away from <see cref="Avoid"/>, too; an extension of ours, as
    /// <see cref="Conditions.NegativeCaption"/> is.</param>
    public Conditions ToConditions(bool avoidAsNegative = false) => new()
    {
        Caption = Caption is { Length: > 0 } ? Caption : null,
        ChainOfThought = ChainOfThought is { Length: > 0 } ? ChainOfThought : null,
        NegativeCaption = avoidAsNegative && Avoid.Count > 0 ? string.Join(", ", Avoid) : null,
    };
}

/// <summary>What a reasoning was about. Of the video its name is kept and not its folder.</summary>
public sealed record ReasoningSubject
{
    /// <summary>File name of the video; null if there was none.</summary>
    public string? Video { get; init; }

    /// <summary>Where in the video the sound begins.</summary>
    [JsonPropertyName("start_s"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan Start { get; init; }

    /// <summary>Length of the sound.</summary>
    [JsonPropertyName("duration_s"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>The part of the picture; null for all of it.</summary>
    public VideoRegion? Region { get; init; }

    /// <summary>The user's words.</summary>
    public string? Caption { get; init; }

    /// <summary>What was to be changed.</summary>
    public string? Instruction { get; init; }
}

/// <summary>The steps of a thought, in order; "" where one was not thought.</summary>
public sealed record Thoughts
{
    /// <summary>What is seen.</summary>
    public string Seen { get; init; } = "";
    /// <summary>When things happen.</summary>
    public string Timing { get; init; } = "";
    /// <summary>What each of them sounds like.</summary>
    public string Sound { get; init; } = "";
    /// <summary>The space in which it is heard.</summary>
    public string Space { get; init; } = "";
    /// <summary>What must not be heard.</summary>
    public string Avoid { get; init; } = "";
    /// <summary>Levels and order.</summary>
    public string Mix { get; init; } = "";

    internal IEnumerable<(ReasoningStepKind Kind, string Text)> InOrder =>
    [
        (ReasoningStepKind.Seen, Seen), (ReasoningStepKind.Timing, Timing), (ReasoningStepKind.Sound, Sound),
        (ReasoningStepKind.Space, Space), (ReasoningStepKind.Avoid, Avoid), (ReasoningStepKind.Mix, Mix),
    ];
}

/// <summary>Something that is heard.</summary>
public sealed record SoundEvent
{
    /// <summary>When it begins.</summary>
    [JsonPropertyName("start_s"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan Start { get; init; }

    /// <summary>When it ends, after <see cref="Start"/>.</summary>
    [JsonPropertyName("end_s"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan End { get; init; }

    /// <summary>What makes the sound: "rubber ball".</summary>
    public string Object { get; init; } = "";

    /// <summary>What it does: "bounces on the floor".</summary>
    public string Action { get; init; } = "";

    /// <summary>What the parts are made of: "rubber on wood"; "" if unknown.</summary>
    public string Material { get; init; } = "";

    /// <summary>How that sounds: "short, dull thuds".</summary>
    public string Sound { get; init; } = "";

    /// <summary>How loud it is among the others, 0 (hardly heard) to 1 (the loudest).</summary>
    public double Intensity { get; init; } = 0.5;

    /// <summary>The <see cref="SoundLayer.Name"/> of its layer.</summary>
    public string Layer { get; init; } = SoundLayer.Foley;

    /// <summary>How sure the reasoner is, 0 to 1.</summary>
    public double Confidence { get; init; } = 1;
}

/// <summary>Where sounds are heard.</summary>
public sealed record AcousticSpace
{
    /// <summary>"a small room with a wooden floor", "open field"; "" if unknown.</summary>
    public string Place { get; init; } = "";

    /// <summary>Time in which reverberation falls by 60 dB, in seconds, 0 to 20; null if unknown.</summary>
    [JsonPropertyName("reverberation_s")]
    public double? Reverberation { get; init; }

    /// <summary>How near the sources are: "close", "a few metres away"; "" if unknown.</summary>
    public string Distance { get; init; } = "";
}

/// <summary>Events that are mixed together.</summary>
public sealed record SoundLayer
{
    /// <summary>The layer of sounds without end: wind, room, traffic.</summary>
    public const string Ambience = "ambience";
    /// <summary>The layer of sounds that go with what is seen.</summary>
    public const string Foley = "foley";

    /// <summary>Its name, small letters.</summary>
    public string Name { get; init; } = Foley;
    /// <summary>What is in it.</summary>
    public string Description { get; init; } = "";
    /// <summary>Decibels below the loudest layer, −60 to 0.</summary>
    public double LevelDb { get; init; }
}

/// <summary>A change to a sound that is there.</summary>
public sealed record EditPlan
{
    /// <summary>The kind of change.</summary>
    public EditOperation Operation { get; init; }

    /// <summary>What is added, taken out, extended or made anew: "the hum of the fridge".</summary>
    public string Target { get; init; } = "";

    /// <summary>Where it begins.</summary>
    [JsonPropertyName("start_s"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan Start { get; init; }

    /// <summary>Where it ends.</summary>
    [JsonPropertyName("end_s"), JsonConverter(typeof(SecondsConverter))]
    public TimeSpan End { get; init; }
}

/// <summary>A text that was too long for the model.</summary>
public sealed record Shortening
{
    /// <summary>The encoder that reads it: <see cref="TextEncoder.Clip"/> the caption, <see cref="TextEncoder.T5"/> the chain of thought.</summary>
    [JsonConverter(typeof(SnakeCaseEnumConverter<TextEncoder>))]
    public TextEncoder Encoder { get; init; }

    /// <summary>The whole text.</summary>
    public string Original { get; init; } = "";

    /// <summary>Sentences and clauses that were left out, the first to go first.</summary>
    public IReadOnlyList<string> Omitted { get; init; } = [];

    /// <summary>Pieces of the whole text.</summary>
    public int Pieces { get; init; }

    /// <summary>Pieces that the encoder reads.</summary>
    public int Limit { get; init; }
}
