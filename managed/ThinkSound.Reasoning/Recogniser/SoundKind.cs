namespace ThinkSound.Reasoning.Recogniser;

/// <summary>What is known of a sound besides its kind.</summary>
/// <param name="Material">As the recogniser calls it; "" if unknown.</param>
/// <param name="Direction">1 where it travels to the right, −1 to the left, 0 neither or unknown.</param>
/// <param name="Rate">Events a second; null if unknown.</param>
internal readonly record struct Look(string Material = "", int Direction = 0, double? Rate = null);

/// <summary>A class of the recogniser in the words that the embedded model was trained on.</summary>
internal sealed record SoundKind
{
    /// <summary>The class.</summary>
    public required string Name { get; init; }

    /// <summary>Words by which a user names it. One that ends in * is the begin of a word, one that begins with ? counts only where
    /// nothing else is named.</summary>
    public required string[] Words { get; init; }

    /// <summary>Kinds that its own descriptions mention: a knock has a door.</summary>
    public string[] Absorbs { get; init; } = [];

    /// <summary>A sentence without its end: "a bell rings".</summary>
    public required Func<Look, string> Clause { get; init; }

    /// <summary>What the picture shows: "a bell swinging to and fro".</summary>
    public required Func<Look, string> Seen { get; init; }

    /// <summary>How it sounds: "a clear tone with a long decay".</summary>
    public required Func<Look, string> Sound { get; init; }

    /// <summary>What makes it: "bell".</summary>
    public required string Object { get; init; }

    /// <summary>What that does: "rings".</summary>
    public required string Action { get; init; }

    /// <summary>One moment of it and several: "strike", "strikes"; "" where it has no moments but goes on.</summary>
    public (string One, string Many) Moment { get; init; } = ("", "");

    /// <summary>How long one moment is heard.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(0.3);

    /// <summary>Materials that it can be of.</summary>
    public string[] Materials { get; init; } = [];

    /// <summary>What it is always made of; "" if that varies.</summary>
    public string Always { get; init; } = "";

    /// <summary>What is easily mistaken for it, and must not be heard.</summary>
    public string[] Absent { get; init; } = [];

    /// <summary>It has moments at which it strikes; else it goes on.</summary>
    public bool Strikes => Moment.One.Length > 0;

    /// <summary>What strikes where no class is sure: it has moments and no name, so no caption tells of it.</summary>
    public static readonly SoundKind Something = Unknown("unknown", "something strikes", "something that moves") with { Action = "strikes", Moment = ("strike", "strikes") };

    /// <summary>Something that has no words here, called what it is called: a class of another model, or the user's own words.</summary>
    public static SoundKind Unknown(string name, string clause, string thing) => new()
    {
        Name = name, Words = [], Clause = _ => clause, Seen = _ => thing, Sound = _ => "", Object = thing, Action = "is heard", Moment = ("sound", "sounds"),
        Absent = ["music"],
    };
}
