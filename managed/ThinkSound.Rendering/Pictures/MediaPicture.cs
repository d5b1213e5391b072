using System.Globalization;
using ThinkSound.Media;
using ThinkSound.Rendering.Analysis;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Pictures;

/// <summary>Which file is looked at, and where its picture goes.</summary>
public sealed record MediaPictureOptions
{
    /// <summary>A sound file, or a video with sound.</summary>
    public required string Input { get; init; }
    /// <summary>The PNG file to make.</summary>
    public required string Output { get; init; }
    /// <summary>Where in the file the picture begins.</summary>
    public TimeSpan Start { get; init; }
    /// <summary>How much of the file it shows, up to <see cref="MediaPicture.Longest"/>; null is the whole rest.</summary>
    public TimeSpan? Duration { get; init; }
    /// <summary>When things happen that should be heard, from <see cref="Start"/> on: marked too, and compared with the onsets.
    /// Null compares nothing.</summary>
    public IReadOnlyList<TimeSpan>? Events { get; init; }
    /// <summary>An existing picture is replaced.</summary>
    public bool Overwrite { get; init; }
}

/// <summary>What was measured while a file was drawn.</summary>
public sealed record MediaPictureResult
{
    /// <summary>Length of the sound that was drawn.</summary>
    public required TimeSpan Duration { get; init; }
    /// <summary>Samples per channel.</summary>
    public required int NumSamples { get; init; }
    /// <summary>Hz, as stored.</summary>
    public required int SampleRate { get; init; }
    /// <summary>Channels, as stored.</summary>
    public required int NumChannels { get; init; }
    /// <summary>There is a film strip in the picture.</summary>
    public required bool HasVideo { get; init; }
    /// <summary>The largest sample in dB below full scale; −infinity for silence.</summary>
    public required double PeakDbfs { get; init; }
    /// <summary>Integrated loudness after ITU-R BS.1770-4; −infinity for silence or less than 0.4 s.</summary>
    public required double LoudnessLufs { get; init; }
    /// <summary>Where sounds begin, from <see cref="MediaPictureOptions.Start"/> on.</summary>
    public required IReadOnlyList<TimeSpan> Onsets { get; init; }
    /// <summary>The onsets held against the events that were given; null without.</summary>
    public required OnsetMatch? Match { get; init; }
}

/// <summary>Pictures of files that exist already: frames where there is video, onsets, waveform and spectrogram.</summary>
public static class MediaPicture
{
    /// <summary>The longest stretch that is drawn: the whole of it is held in memory, and more would not be seen on a picture.</summary>
    public static TimeSpan Longest { get; } = TimeSpan.FromMinutes(10);

    /// <summary>Draws a file and measures its sound.</summary>
    /// <param name="options">What and where to.</param>
    /// <param name="cancellationToken">Stops within a packet.</param>
    /// <exception cref="ResourceNotFoundException">No such file.</exception>
    /// <exception cref="MediaException">It cannot be read.</exception>
    /// <exception cref="InputException">It has no sound, or is too long.</exception>
    /// <exception cref="ArgumentException">The picture exists already, or the start is past the end of the file.</exception>
    /// <exception cref="OutputException">The picture cannot be written.</exception>
    public static MediaPictureResult Draw(MediaPictureOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        MediaInfo media = MediaInfo.Open(options.Input, cancellationToken);
        TimeSpan duration = Duration(options, media);
        OutputPath.Check(options.Output, options.Input, options.Overwrite);

        AudioClip clip = AudioFile.Read(options.Input, new AudioReadOptions { Start = options.Start, Duration = duration }, cancellationToken);
        IReadOnlyList<TimeSpan> onsets = OnsetDetector.Detect(clip);
        var picture = new PictureOptions { Title = Title(media), Subtitle = Subtitle(media), Marks = Marks(onsets, options.Events) };
        if (HasPicture(media, options.Start))
            picture = picture with { Frames = FilmStrip.Read(options.Input, media.Video!, options.Start, clip.Duration, picture, cancellationToken) };
        cancellationToken.ThrowIfCancellationRequested();
        SoundPicture.Save(clip, options.Output, picture);
        return new MediaPictureResult
        {
            Duration = clip.Duration, NumSamples = clip.Samples, SampleRate = clip.SampleRate, NumChannels = clip.Channels, HasVideo = picture.Frames.Count > 0,
            PeakDbfs = 20 * Math.Log10(clip.Peak()), LoudnessLufs = clip.MeasureLoudness(), Onsets = onsets,
            Match = options.Events is null ? null : OnsetMatch.Of(onsets, options.Events),
        };
    }

    private static TimeSpan Duration(MediaPictureOptions options, MediaInfo media)
    {
        if (media.Audio is null) throw new InputException($"{media.Path}: has no sound to draw");
        TimeSpan rest = media.Duration - options.Start;
        if (options.Start > TimeSpan.Zero && rest <= TimeSpan.Zero)
            throw new ArgumentException($"the start, {options.Start.TotalSeconds:0.###} s, is past the end of {media.Path} ({media.Duration.TotalSeconds:0.###} s)");
        if ((options.Duration ?? rest) > Longest)
            throw new InputException($"{media.Path}: {(options.Duration ?? rest).TotalSeconds:0.##} s are more than the {Longest.TotalSeconds} s that one picture shows; choose a part by a start and a duration");
        return options.Duration ?? TimeSpan.Zero; // zero reads to the end
    }

    /// <summary>The sound may go on where the video has ended, and then there is nothing to begin a strip with.</summary>
    private static bool HasPicture(MediaInfo media, TimeSpan start) => media.Video is { } video && (start == TimeSpan.Zero || start < video.Start + video.Duration);

    private static PictureMarks[] Marks(IReadOnlyList<TimeSpan> onsets, IReadOnlyList<TimeSpan>? events) =>
        events is null ? [new("onsets", onsets)] : [new("events", events), new("onsets", onsets)];

    private static string Title(MediaInfo media)
    {
        string name = Path.GetFileName(media.Path);
        return (FoleyTags.Find(media, FoleyTags.Caption) ?? FoleyTags.Find(media, FoleyTags.ChainOfThought)) is { } words ? $"{name} · {words}" : name;
    }

    /// <summary>How the sound was made, if the file says so, else how it is stored.</summary>
    private static string Subtitle(MediaInfo media)
    {
        if (FoleyTags.Find(media, FoleyTags.Model) is { } model)
            return $"{model} · seed {FoleyTags.Find(media, FoleyTags.Seed)} · {FoleyTags.Find(media, FoleyTags.Settings)}";
        StreamInfo audio = media.Audio!;
        return string.Create(CultureInfo.InvariantCulture, $"{media.ContainerName} · {audio.Codec} · {audio.SampleRate} Hz · {audio.ChannelLayout}");
    }
}
