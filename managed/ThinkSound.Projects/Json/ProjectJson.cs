using System.Text.Json.Serialization;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>How projects are written as JSON.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowOutOfOrderMetadataProperties = true, RespectNullableAnnotations = true,
    Converters = [typeof(SecondsConverter), typeof(TimeRangeConverter)])]
[JsonSerializable(typeof(ProjectDocument))]
[JsonSerializable(typeof(OperationPayload))]
[JsonSerializable(typeof(OperationResult))]
internal sealed partial class ProjectJson : JsonSerializerContext;
