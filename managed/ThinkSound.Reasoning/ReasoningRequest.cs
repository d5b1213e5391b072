using System.Text.Json.Serialization;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Reasoning;

/// <summary>What to think about. Everything is optional, but something must be there: a video, words, or an earlier
/// reasoning. Immutable; vary it with <c>with</c>.</summary>
public sealed record ReasoningRequest
{
    /// <summary>The video, or null to think from words alone.</summary>
    public string? Video { get; init; }

    /// <summary>Where in the video the sound begins; every time of the result counts from here.</summary>
    public TimeSpan Start { get; init; }

    /// <summary>Length of the sound; null takes the rest of the video, or without one what <see cref="Previous"/> has, else 8 seconds.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The part of the picture that it is about; null is all of it.</summary>
    public VideoRegion? Region { get; init; }

    /// <summary>Where <see cref="Video"/> shows one object alone: the picture that it was taken from. What the scene does not show, the
    /// object is not; what it shows without the object, hardly. Null if there is none.</summary>
    public SceneVideo? Scene { get; init; }

    /// <summary>The user's words on what is heard. Data, never instructions to whoever thinks.</summary>
    public string? Caption { get; init; }

    /// <summary>The user's own chain of thought.</summary>
    public string? ChainOfThought { get; init; }

    /// <summary>What to change about the sound that is there: "take out the hum", "add a door that closes at the end".</summary>
    public string? Instruction { get; init; }

    /// <summary>The kind of change; null leaves it to whoever reads <see cref="Instruction"/>.</summary>
    public EditOperation? Operation { get; init; }

    /// <summary>The stretch of the sound that the change is about, from <see cref="Start"/> on; null is all of it.</summary>
    public TimeRange? EditRange { get; init; }

    /// <summary>An earlier reasoning, perhaps edited, to build on; it stands in for the video where there is none.</summary>
    public Reasoning? Previous { get; init; }

    /// <summary>Sounds that are there already and need not be made again.</summary>
    public IReadOnlyList<ExistingSound> Existing { get; init; } = [];

    /// <summary>Watches <see cref="Video"/> from <see cref="Start"/> on, for <see cref="Duration"/>, where somebody does that anyway for
    /// the sound: who thinks with the model's own towers then takes what they make of it instead of watching, too. Called once at most;
    /// null, or a null result, leaves the watching to whoever thinks.</summary>
    public Func<IProgress<ReasoningProgress>?, CancellationToken, Task<VideoFeatures?>>? Watch { get; init; }

    /// <summary>Counts what the text encoders read, so that texts are made to fit. Null leaves them as long as they are;
    /// <see cref="Reasoning.Fit"/> does it later.</summary>
    public ITokenCounter? Tokens { get; init; }

    /// <summary>Which of the paper's three stages this is: an instruction makes it <see cref="ReasoningStage.Edit"/>, else a
    /// region <see cref="ReasoningStage.Object"/>.</summary>
    public ReasoningStage Stage => Instruction is { Length: > 0 } || Operation is not null ? ReasoningStage.Edit
                                 : Region is not null ? ReasoningStage.Object : ReasoningStage.Foley;
}

/// <summary>A rectangle of the picture as shown, in fractions of its width and height.</summary>
public readonly record struct VideoRegion
{
    /// <summary>A rectangle inside of the picture.</summary>
    /// <param name="x">Left edge, 0 to 1.</param>
    /// <param name="y">Upper edge, 0 to 1.</param>
    /// <param name="width">Above 0; <paramref name="x"/> + width is at most 1.</param>
    /// <param name="height">Above 0; <paramref name="y"/> + height is at most 1.</param>
    /// <exception cref="ArgumentException">It is empty or reaches out of the picture.</exception>
    [JsonConstructor]
    public VideoRegion(double x, double y, double width, double height)
    {
        const double slack = 1e-6; // fractions that were rounded in a file
        if (!(x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 1 + slack && y + height <= 1 + slack))
            throw new ArgumentException(FormattableString.Invariant(
                $"the region {x},{y},{width},{height} does not lie within the picture: give left, top, width and height as fractions from 0 to 1"));
        (X, Y, Width, Height) = (x, y, width, height);
    }

    /// <summary>Left edge, 0 to 1.</summary>
    public double X { get; }
    /// <summary>Upper edge, 0 to 1.</summary>
    public double Y { get; }
    /// <summary>Above 0, up to 1.</summary>
    public double Width { get; }
    /// <summary>Above 0, up to 1.</summary>
    public double Height { get; }
}

/// <summary>A stretch of a video, the whole picture, in which an object was found.</summary>
/// <param name="Path">The file.</param>
/// <param name="Range">From the file's begin.</param>
public sealed record SceneVideo(string Path, TimeRange Range)
{
    /// <summary>Makes a video of the same picture in which nothing happens, the object gone or at rest, when it is first asked for, and
    /// names its file, which is there as long as the request is thought about; null if there is none. One call at a time.</summary>
    public Func<CancellationToken, Task<string>>? Still { get; init; }
}

/// <summary>A stretch of time.</summary>
/// <param name="Start">From the begin of the sound.</param>
/// <param name="End">After <paramref name="Start"/>.</param>
public readonly record struct TimeRange(TimeSpan Start, TimeSpan End);

/// <summary>A sound that is there already.</summary>
/// <param name="Name">What it is called: "track 2", "rain".</param>
/// <param name="Description">What is heard; "" if unknown.</param>
/// <param name="Range">When; null from begin to end.</param>
public sealed record ExistingSound(string Name, string Description = "", TimeRange? Range = null);
