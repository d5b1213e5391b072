using System.Text.Json.Serialization;
using ThinkSound.Reasoning;

namespace ThinkSound.Projects;

/// <summary>Stage two: the sound of one object, which becomes a track of its own. What was found in the picture is part of it, so
/// that rendering needs no segmenter.</summary>
public sealed record ObjectPayload : OperationPayload
{
    /// <summary>"object".</summary>
    public const string KindName = "object";

    /// <inheritdoc/>
    [JsonIgnore]
    public override string Kind => KindName;

    /// <summary>What was pointed at.</summary>
    public ObjectSelection Selection { get; init; } = new();

    /// <summary>Where the object is, frame by frame.</summary>
    public ObjectTrajectory Trajectory { get; init; } = new();

    /// <summary>How much of the surroundings stays in the region video, in fractions of the mask's size.</summary>
    public double Dilation { get; init; } = 0.1;

    /// <summary>How the object is shown to whoever thinks and to the model. See <see cref="RegionVideo"/>.</summary>
    public RegionView View { get; init; } = RegionView.Alone;

    /// <summary>What of the region video and of the reasoning's words the model is given; see <see cref="Bundles.BundleDescription.ObjectStreams"/>.
    /// The user's own words always are; where there is no caption among the words that are asked for, all of the video is.</summary>
    [JsonConverter(typeof(SnakeCaseEnumConverter<ConditionStreams>))]
    public ConditionStreams Streams { get; init; } = ConditionStreams.All;

    /// <summary>How far the level may fall with the object's size, in dB, up to 60: half the size is 6 dB; 0 keeps the level. See
    /// <see cref="ObjectPlacement"/>.</summary>
    public double LevelRangeDb { get; init; } = 6;

    /// <summary>Pan at the left and right edge of the picture, 0 (none) to 1 (hard).</summary>
    public double PanWidth { get; init; } = 0.7;

    /// <summary>What becomes of the bed.</summary>
    public BedTreatment Bed { get; init; } = BedTreatment.Keep;

    /// <summary>Under <see cref="BedTreatment.Duck"/>: by how much, in dB, above 0.</summary>
    public double DuckDb { get; init; } = 6;

    /// <summary>What guidance moves away from where no words say what must not be heard; null for nothing. See <see cref="ObjectRenderer.AvoidOf"/>.</summary>
    public string? Avoid { get; init; }

    /// <summary>How the model is used.</summary>
    public GenerationSettings Generation { get; init; } = new();

    /// <summary>The user's own words; null leaves them to the reasoning.</summary>
    public OwnWords? Words { get; init; }
}

/// <summary>What becomes of the bed when an object gets its own sound.</summary>
[JsonConverter(typeof(SnakeCaseEnumConverter<BedTreatment>))]
public enum BedTreatment
{
    /// <summary>It stays as it is.</summary>
    Keep,
    /// <summary>It is lowered while the object sounds.</summary>
    Duck,
    /// <summary>It is made anew without the object, inside of the object's time only.</summary>
    Regenerate,
}

/// <summary>An object as it was pointed at on one frame: by points, a box or a polygon, in fractions of the picture as shown.</summary>
public sealed record ObjectSelection
{
    /// <summary>Of the frame.</summary>
    [JsonPropertyName("time_s")]
    public TimeSpan Time { get; init; }

    /// <summary>Clicks on the object, and beside it.</summary>
    public IReadOnlyList<ClickPoint> Points { get; init; } = [];

    /// <summary>A box around it.</summary>
    public VideoRegion? Box { get; init; }

    /// <summary>Its outline, three points or more.</summary>
    public IReadOnlyList<PicturePoint> Polygon { get; init; } = [];

    /// <summary>When it is followed; null through the whole shot.</summary>
    public TimeRange? Range { get; init; }
}

/// <summary>A point in fractions of the picture, 0 to 1 from the left and from the top.</summary>
public readonly record struct PicturePoint(double X, double Y);

/// <summary>A click.</summary>
/// <param name="X">0 to 1 from the left.</param>
/// <param name="Y">0 to 1 from the top.</param>
/// <param name="IsOn">On the object; false for what does not belong to it.</param>
public readonly record struct ClickPoint(double X, double Y, bool IsOn = true);

/// <summary>An object followed through a shot.</summary>
public sealed record ObjectTrajectory
{
    /// <summary>Who followed it: "classical", or the segmenter's model and fingerprint.</summary>
    public string Segmenter { get; init; } = "";

    /// <summary>By time; frames where it is not seen are left out.</summary>
    public IReadOnlyList<ObjectPosition> Positions { get; init; } = [];

    /// <summary>When it was lost.</summary>
    public IReadOnlyList<TimeRange> Lost { get; init; } = [];

    /// <summary>Its masks, as <see cref="ObjectTrackFile"/> writes them; null if they are not kept, and boxes stand for them.</summary>
    public StoredBlob? Masks { get; init; }
}

/// <summary>Where an object is on one frame.</summary>
public sealed record ObjectPosition
{
    /// <summary>Of the frame.</summary>
    [JsonPropertyName("time_s")]
    public TimeSpan Time { get; init; }
    /// <summary>The box around its mask.</summary>
    public VideoRegion Box { get; init; }
    /// <summary>The mask's share of the picture, 0 to 1.</summary>
    public double Area { get; init; }
    /// <summary>How sure it is, 0 to 1.</summary>
    public double Confidence { get; init; } = 1;
}
