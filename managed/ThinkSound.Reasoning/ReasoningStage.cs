using System.Text.Json;
using System.Text.Json.Serialization;

namespace ThinkSound.Reasoning;

/// <summary>The three stages of the paper.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<ReasoningStage>))]
public enum ReasoningStage
{
    /// <summary>The whole soundscape of a video, or of words.</summary>
    Foley,
    /// <summary>The sound of one object in it.</summary>
    Object,
    /// <summary>A change to sound that is there, by an instruction.</summary>
    Edit,
}

/// <summary>Kinds of change.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<EditOperation>))]
public enum EditOperation
{
    /// <summary>A further sound joins those that are there.</summary>
    Add,
    /// <summary>A sound is taken out, the others stay.</summary>
    Remove,
    /// <summary>The sound goes on past its end, or begins earlier.</summary>
    Extend,
    /// <summary>A stretch of the sound is made anew.</summary>
    Inpaint,
}

internal sealed class SnakeCaseEnumConverter<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
