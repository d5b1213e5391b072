using ThinkSound.Media;
using ThinkSound.Rendering;

namespace ThinkSound.Projects;

/// <summary>Files made of a project. Sound is mixed and written block by block, so that length costs no memory.</summary>
public static class ProjectExport
{
    private const int BlockSamples = 1 << 14;

    /// <summary>Writes the video with the mix, or the mix alone; the ending of the path names the format.</summary>
    /// <param name="project">Any access.</param>
    /// <param name="path">The file to make: mp4, mov, mkv and webm get the video.</param>
    /// <param name="options">How; null takes the defaults.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops within one block, and leaves nothing.</param>
    /// <exception cref="ArgumentException">The format is not known, or the file exists already.</exception>
    /// <exception cref="ProjectException">There is no sound to render, the video is missing, or a stem is damaged.</exception>
    /// <exception cref="ThinkSoundException">The file cannot be written.</exception>
    public static Task<ExportedFile> RenderAsync(Project project, string path, ExportOptions? options = null,
                                                 IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(project);
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new ExportOptions();
        return Task.Run(() =>
        {
            string format = OutputFormat.OfPath(path);
            if (!OutputFormat.IsKnown(format)) throw new ArgumentException($"{path}: its ending does not name a format; known are {string.Join(", ", OutputFormat.Known)}");
            string? video = OutputFormat.HasVideo(format) ? project.FindVideo().RequirePath() : null;
            OutputPath.Check(path, video, options.Overwrite);
            ProjectState state = WithSound(project);
            var writer = new MediaWriterOptions { Path = path, Source = video, KeepAudio = video is null ? KeepAudio.Replace : options.KeepAudio, Tags = TagsOf(project) };
            return Write(state, project.Stems, writer, options, progress, "writing", cancellationToken);
        }, cancellationToken);
    }

    /// <summary>Writes each track as a WAV file of 32-bit floats as long as the video, as it goes into the mix, or as it was made; with the
    /// former also <c>mix.wav</c>, which is their sum.</summary>
    /// <param name="project">Any access.</param>
    /// <param name="folder">Made if need be.</param>
    /// <param name="options">How; null takes the defaults. The loudness rule counts for the mix and goes to every stem as the same gain.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Stops within one block; files that are complete stay.</param>
    public static Task<IReadOnlyList<ExportedFile>> StemsAsync(Project project, string folder, ExportOptions? options = null,
                                                               IProgress<ProjectProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(project);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options ??= new ExportOptions();
        return Task.Run(() =>
        {
            ProjectState state = WithSound(project);
            var files = new List<(string Path, ProjectState State)>();
            foreach (Track track in state.Tracks) files.Add((Path.Combine(folder, track.Id + ".wav"), options.IsRaw ? Raw(state, track) : Alone(state, track)));
            if (!options.IsRaw) files.Add((Path.Combine(folder, "mix.wav"), state));
            MakeFolder(folder);
            foreach (var (path, _) in files) OutputPath.Check(path, null, options.Overwrite);
            float gain = options.IsRaw ? 1 : GainOf(state, project.Stems, options.Loudness, progress, cancellationToken).Gain;
            return (IReadOnlyList<ExportedFile>)[.. files.Select(file => Write(file.State, project.Stems, new MediaWriterOptions { Path = file.Path, Bits = 32, Tags = TagsOf(project) },
                options with { Loudness = Loudness.None }, progress, $"writing {Path.GetFileName(file.Path)}", cancellationToken, gain))];
        }, cancellationToken);
    }

    private static ProjectState WithSound(Project project) => project.State is { Tracks.Count: > 0 } state ? state
        : throw new ProjectException(ProjectFailure.NothingThere, $"{project.Folder}: has no sound yet at operation {project.Document.Head}; make some first");

    /// <summary>One track as it goes into the mix: the others are there for its ducks, and silent.</summary>
    private static ProjectState Alone(ProjectState state, Track track) => state with { Tracks = [.. state.Tracks.Select(other => other.Id == track.Id ? other : other with { GainDb = Silent })] };

    private const double Silent = double.NegativeInfinity; // a factor of exactly 0

    private static ProjectState Raw(ProjectState state, Track track) => state with { Tracks = [new Track { Id = track.Id, Audio = track.Audio }] };

    private static ExportedFile Write(ProjectState state, IStemStore stems, MediaWriterOptions writer, ExportOptions options, IProgress<ProjectProgress>? progress,
                                      string activity, CancellationToken cancel, float extraGain = 1)
    {
        var (gain, peak) = GainOf(state, stems, options.Loudness, progress, cancel);
        Timeline timeline = state.Timeline;
        writer = writer with
        {
            SampleRate = timeline.SampleRate, NumChannels = timeline.Channels, NumSamples = timeline.NumSamples, Gain = gain * extraGain, Overwrite = options.Overwrite,
        };
        try
        {
            using MediaWriter file = MediaWriter.Create(writer, cancel);
            EachBlock(state, stems, progress, activity, cancel, block => file.WriteInterleaved(block, timeline.Channels));
            MediaWriteResult written = file.Finish();
            return new ExportedFile(writer.Path!, written.Container, written.Codec, written.NumBytes, timeline.NumSamples, writer.Gain, peak * writer.Gain, written.Warnings);
        }
        catch (FileAccessException e) when (e.Message.StartsWith(writer.Path!, StringComparison.Ordinal)) // the file, and not the video
        {
            throw new OutputException(e.Message, e);
        }
    }

    private static (float Gain, float Peak) GainOf(ProjectState state, IStemStore stems, Loudness loudness, IProgress<ProjectProgress>? progress, CancellationToken cancel)
    {
        Timeline timeline = state.Timeline;
        using LoudnessMeter? meter = loudness.Rule == LoudnessRule.Lufs ? new(timeline.Channels, timeline.SampleRate) : null;
        float peak = 0;
        EachBlock(state, stems, progress, "measuring", cancel, block =>
        {
            foreach (float sample in block) peak = Math.Max(peak, Math.Abs(sample));
            meter?.Push(Interleaving.ToClip(block, timeline));
        });
        return (loudness.GainOf(peak, () => meter!.MeasureLoudness()), peak);
    }

    private static void EachBlock(ProjectState state, IStemStore stems, IProgress<ProjectProgress>? progress, string activity, CancellationToken cancel, SoundBlock take)
    {
        using Mixer mixer = Mixer.Open(state, stems);
        Timeline timeline = state.Timeline;
        var block = new float[BlockSamples * timeline.Channels];
        for (long at = 0; at < timeline.NumSamples; at += BlockSamples)
        {
            cancel.ThrowIfCancellationRequested();
            Span<float> part = block.AsSpan(0, (int)Math.Min(BlockSamples, timeline.NumSamples - at) * timeline.Channels);
            mixer.Read(at, part);
            take(part);
            progress?.Report(new(activity, (double)at / timeline.NumSamples));
        }
    }

    private static Dictionary<string, string> TagsOf(Project project)
    {
        ProjectDocument document = project.Document;
        var tags = new Dictionary<string, string> { ["thinksound_version"] = ThinkSoundRuntime.Version, ["thinksound_operation"] = FormattableString.Invariant($"{document.Head} on {document.Branch}") };
        string[] models = [.. document.PathTo(document.Head).Select(operation => operation.Result.Model?.Name).OfType<string>().Distinct()];
        if (models.Length > 0) tags["thinksound_model"] = string.Join(", ", models);
        if (project.State.Find(Track.Bed)?.Description is { Length: > 0 } caption) tags["thinksound_caption"] = caption;
        return tags;
    }

    private static void MakeFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"{folder}: cannot be made: {e.Message}", e);
        }
    }
}
