using System.Text.Json.Serialization;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>Stage three: an instruction, as the steps it came to. Nothing outside of their ranges changes.</summary>
public sealed record EditPayload : OperationPayload
{
    /// <summary>"edit".</summary>
    public const string KindName = "edit";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => KindName;

    /// <summary>As the user wrote it.</summary>
    public string Instruction { get; init; } = "";

    /// <summary>One after the other, each on what the one before left.</summary>
    public IReadOnlyList<EditStep> Steps { get; init; } = [];

    /// <summary>How the model is used.</summary>
    public GenerationSettings Generation { get; init; } = new();
}

/// <summary>One change.</summary>
public sealed record EditStep
{
    /// <summary>What is done.</summary>
    public EditAction Action { get; init; }

    /// <summary>The <see cref="Track.Id"/> it is done to; null leaves the choice to the renderer.</summary>
    public string? Track { get; init; }

    /// <summary>When; null is the whole sound. Under <see cref="EditAction.Extend"/> the part to be made.</summary>
    public TimeRange? Range { get; init; }

    /// <summary>The sound meant: "the hum of the fridge"; "" for whatever is heard.</summary>
    public string Target { get; init; } = "";

    /// <summary>What it becomes: the new sound of <see cref="EditAction.Replace"/>, the material, space or style.</summary>
    public string Replacement { get; init; } = "";

    /// <summary>What must not be heard in what is made: "voices, music".</summary>
    public string Avoid { get; init; } = "";

    /// <summary>Of <see cref="EditAction.Louder"/> and <see cref="EditAction.Softer"/>: dB, above 0.</summary>
    public double AmountDb { get; init; } = 6;

    /// <summary>Of <see cref="EditAction.Earlier"/> and <see cref="EditAction.Later"/>: how far, above 0.</summary>
    [JsonPropertyName("shift_s")]
    public TimeSpan Shift { get; init; }

    /// <summary>How far from what is there: 0 leaves it, 1 makes it anew.</summary>
    public double Strength { get; init; } = 0.5;
}

/// <summary>Kinds of change.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<EditAction>))]
public enum EditAction
{
    /// <summary>A further sound joins those that are there, as a track of its own.</summary>
    Add,
    /// <summary>A sound is taken out.</summary>
    Remove,
    /// <summary>A sound becomes another.</summary>
    Replace,
    /// <summary>The sound goes on past its end, or begins earlier.</summary>
    Extend,
    /// <summary>A stretch is made anew.</summary>
    Inpaint,
    /// <summary>Level up.</summary>
    Louder,
    /// <summary>Level down.</summary>
    Softer,
    /// <summary>Moved towards the begin.</summary>
    Earlier,
    /// <summary>Moved towards the end.</summary>
    Later,
    /// <summary>The same event of another material.</summary>
    Material,
    /// <summary>The same event in another space.</summary>
    Space,
    /// <summary>The same event in another manner.</summary>
    Style,
    /// <summary>Another take of the same.</summary>
    Variation,
}
