using ThinkSound.Media;

namespace ThinkSound.Rendering.Foley;

/// <summary>What a job comes to, found out before anything is loaded: that its input can be used, that its outputs can be
/// written, and how long the sound is.</summary>
internal sealed record FoleyPlan(FoleyJob Job, MediaInfo? Media, TimeSpan Duration, IReadOnlyList<string> Warnings)
{
    /// <summary>What one piece can be, and the longest that is held in memory whole.</summary>
    public static readonly TimeSpan LongestPiece = TimeSpan.FromSeconds(60);

    /// <summary>The shortest sound.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Longest = TimeSpan.FromDays(1), WithoutVideo = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan Unnoticed = TimeSpan.FromMilliseconds(100); // of a held last frame

    /// <summary>Checks a job.</summary>
    /// <exception cref="InputException">The input has no video, or is too long.</exception>
    /// <exception cref="MediaException">The input cannot be read.</exception>
    /// <exception cref="ArgumentException">An output exists, or its format does not carry the video; the start is past the end.</exception>
    /// <exception cref="OutputException">An output cannot be written.</exception>
    public static Task<FoleyPlan> OfAsync(FoleyJob job, CancellationToken cancel) => Task.Run(() => Of(job, cancel), cancel);

    private static FoleyPlan Of(FoleyJob job, CancellationToken cancel)
    {
        ArgumentNullException.ThrowIfNull(job);
        foreach (FoleyOutput output in job.Outputs) CheckFormat(output, job.Video is not null);
        if (job.Duration is { } asked && (asked < Shortest || asked > Longest))
            throw new ArgumentException($"a sound is {Shortest.TotalSeconds} to {Longest.TotalSeconds} seconds long, not {asked.TotalSeconds}");
        CheckWindows(job);

        var warnings = new List<string>();
        MediaInfo? media = job.Video is null ? null : MediaInfo.Open(job.Video, cancel);
        TimeSpan duration = media is null ? job.Duration ?? WithoutVideo : VideoDuration(job, media, warnings);
        if (duration > LongestPiece && job.Outputs.FirstOrDefault(output => output.Picture is not null) is { Picture: { } picture })
            throw new ArgumentException($"{picture}: pictures show up to {LongestPiece.TotalSeconds} s, and this sound has {duration.TotalSeconds:0.##}; leave the picture out");
        foreach (string path in job.Outputs.SelectMany(output => new[] { output.Path, output.Picture }).OfType<string>())
            OutputPath.Check(path, job.Video, job.Overwrite);
        var plan = new FoleyPlan(job, media, duration, warnings);
        foreach (FoleyOutput output in job.Outputs.Where(output => OutputFormat.HasVideo(FormatOf(output))).DistinctBy(FormatOf)) CheckStreams(plan, output, cancel);
        return plan;
    }

    /// <summary>Begins the file and leaves it, because not every format carries every video.</summary>
    private static void CheckStreams(FoleyPlan plan, FoleyOutput output, CancellationToken cancel)
    {
        MediaWriterOptions options = SoundFile.WriterOptions(plan, output, FormatOf(output), []);
        if (output.Path is not { } path || OutputPath.IsDevice(path)) options = options with { Path = null, Output = Stream.Null };
        SoundFile.Attempt(output, () => MediaWriter.Create(options, cancel)).Dispose();
    }

    private static TimeSpan VideoDuration(FoleyJob job, MediaInfo media, List<string> warnings)
    {
        if (media.Video is not { } video)
            throw new InputException($"{media.Path}: no video in it" + (media.Audio is null ? "" : ", only sound; for a sound from words alone leave it out"));
        if (media.IsTruncated) warnings.Add($"{media.Path}: ends before its streams do, so it seems cut off; what is there is used");
        TimeSpan rest = video.Duration - job.Start;
        if (job.Start > TimeSpan.Zero && rest <= TimeSpan.Zero)
            throw new ArgumentException($"the start, {job.Start.TotalSeconds:0.###} s, is past the end of {media.Path} ({video.Duration.TotalSeconds:0.###} s)");
        if (job.Duration is null && rest > Longest)
            throw new InputException($"{media.Path}: lasts {rest.TotalHours:0.##} hours, more than the {Longest.TotalHours} that a sound can be; choose a part by a start and a duration");
        TimeSpan duration = job.Duration ?? (rest > Shortest ? rest : Shortest);
        if (duration - rest > Unnoticed)
            warnings.Add($"{media.Path}: the picture ends after {Math.Max(0, rest.TotalSeconds):0.##} s; its last frame stands for the rest of the {duration.TotalSeconds:0.##} s");
        return duration;
    }

    private static void CheckWindows(FoleyJob job)
    {
        if (job.Windows is not { } windows) return;
        if (windows.Length is { } length && (length < WindowOptions.Shortest || length > WindowOptions.Longest))
            throw new ArgumentException($"a window is {WindowOptions.Shortest.TotalSeconds} to {WindowOptions.Longest.TotalSeconds} seconds long, not {length.TotalSeconds}");
        if (windows.Overlap < TimeSpan.Zero || windows.Overlap > (windows.Length ?? WindowOptions.Longest) / 2)
            throw new ArgumentException($"windows overlap by 0 to half their length, not by {windows.Overlap.TotalSeconds} s");
    }

    private static void CheckFormat(FoleyOutput output, bool hasVideo)
    {
        if (output.Path is null == output.Stream is null) throw new ArgumentException("an output is either a path or a stream");
        string format = FormatOf(output);
        if (!OutputFormat.IsKnown(format))
            throw new ArgumentException($"{output.Name}: {(format.Length == 0 ? "no format is named" : $"format {format} is not known")}; known are {string.Join(", ", OutputFormat.Known)}");
        if (OutputFormat.HasVideo(format) && !hasVideo)
            throw new ArgumentException($"{output.Name}: {format} holds a video, and there is none; for a sound alone take wav, flac, ogg, opus, mp3 or m4a");
    }

    internal static string FormatOf(FoleyOutput output) => output.Format ?? (output.Path is null ? "" : OutputFormat.OfPath(output.Path));
}
