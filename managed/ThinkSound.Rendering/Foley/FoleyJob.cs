using ThinkSound.Media;

namespace ThinkSound.Rendering.Foley;

/// <summary>One video or prompt and the sounds to make for it. Immutable; vary it with <c>with</c>.</summary>
public sealed record FoleyJob
{
    /// <summary>The video that gets a sound; null makes a sound from words alone.</summary>
    public string? Video { get; init; }

    /// <summary>Where in the video the sound begins.</summary>
    public TimeSpan Start { get; init; }

    /// <summary>Length of the sound, a second to a day; null takes the whole rest of the video, or 8 seconds without one.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>What of the video is watched for the model, as far as the bundle has the towers for it.</summary>
    public ConditionStreams Streams { get; init; } = ConditionStreams.Video;

    /// <summary>What should be heard, and what not. Features of the video are added to it.</summary>
    public Conditions Conditions { get; init; } = new();

    /// <summary>Steps, guidance, candidates, sampler and lengths; its duration and seed are set by the job and its outputs. In windows
    /// each has candidates of its own, where its words have a caption.</summary>
    public GenerateOptions Generate { get; init; } = new();

    /// <summary>How the sound is made in windows, where it is longer than one. Without a <see cref="WindowOptions.Length"/> it is one
    /// piece up to 60 seconds; null takes the defaults.</summary>
    public WindowOptions? Windows { get; init; }

    /// <summary>The words for a window of a long sound; null takes those of <see cref="Conditions"/> for all. Features of the video
    /// are added to them.</summary>
    public Func<FoleyWindow, Conditions>? WordsFor { get; init; }

    /// <summary>How loud the files are made, each by itself.</summary>
    public Loudness Loudness { get; init; } = Loudness.Peak;

    /// <summary>What becomes of the video's own sound.</summary>
    public KeepAudio KeepAudio { get; init; } = KeepAudio.Replace;

    /// <summary>Existing files are replaced.</summary>
    public bool Overwrite { get; init; }

    /// <summary>A sound each: with several, variations by their seeds.</summary>
    public IReadOnlyList<FoleyOutput> Outputs { get; init; } = [];
}

/// <summary>One sound to make and where it goes.</summary>
public sealed record FoleyOutput
{
    /// <summary>The file. Its ending names the format: mp4, mov, mkv and webm get the video with the sound; wav, flac, ogg, opus,
    /// mp3 and m4a the sound alone. Null sends it to <see cref="Stream"/>.</summary>
    public string? Path { get; init; }

    /// <summary>Takes the bytes when there is no path.</summary>
    public Stream? Stream { get; init; }

    /// <summary>The format, if not by the ending of the path; needed for a stream.</summary>
    public string? Format { get; init; }

    /// <summary>Same seed, same sound.</summary>
    public ulong Seed { get; init; } = 42;

    /// <summary>PNG file of the video's frames, onsets, waveform and spectrogram, of up to 60 seconds; null draws none.</summary>
    public string? Picture { get; init; }

    /// <summary>What to call it in messages.</summary>
    public string Name => Path ?? "standard output";
}

/// <summary>A sound that was made and written.</summary>
public sealed record FoleyResult
{
    /// <summary>What was asked for.</summary>
    public required FoleyOutput Output { get; init; }
    /// <summary>How it was generated, nothing left open.</summary>
    public required GenerateOptions Generate { get; init; }
    /// <summary>The sound, without gain; null beyond 60 seconds, where it never was in memory whole.</summary>
    public AudioClip? Clip { get; init; }
    /// <summary>Samples per channel.</summary>
    public required long Samples { get; init; }
    /// <summary>Hz.</summary>
    public required int SampleRate { get; init; }
    /// <summary>Length of the sound.</summary>
    public TimeSpan Duration => TimeSpan.FromSeconds((double)Samples / SampleRate);
    /// <summary>The windows that it was made in; empty where it was one piece.</summary>
    public IReadOnlyList<FoleyWindow> Windows { get; init; } = [];
    /// <summary>What was chosen among candidates, in each window of a sound in windows; empty where one was made.</summary>
    public IReadOnlyList<CandidateFits> Candidates { get; init; } = [];
    /// <summary>Factor that was applied for the file's loudness.</summary>
    public required float Gain { get; init; }
    /// <summary>Integrated loudness of the file's new sound, in LUFS; −infinity for silence.</summary>
    public required double LoudnessLufs { get; init; }
    /// <summary>Bytes of the file.</summary>
    public required long Bytes { get; init; }
    /// <summary>Format of the file: "mp4".</summary>
    public required string Container { get; init; }
    /// <summary>How the sound is stored in it: "aac".</summary>
    public required string Codec { get; init; }
    /// <summary>Seconds that each stage took; what was done for several outputs counts for the first.</summary>
    public IReadOnlyDictionary<FoleyStage, double> Seconds { get; init; } = new Dictionary<FoleyStage, double>();
    /// <summary>The vision features came out of the cache, all of them.</summary>
    public bool FeaturesFromCache { get; init; }
    /// <summary>What else to know.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
