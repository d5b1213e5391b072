using ThinkSound.Media;

namespace ThinkSound.Rendering.Foley;

/// <summary>A finished sound into its file: loudness, container, tags, picture.</summary>
internal static class SoundFile
{
    public static FoleyResult Write(FoleyPlan plan, FoleyOutput output, AudioClip clip, ThinkSoundEngine engine, FoleyPicture picture, CancellationToken cancel)
    {
        FoleyJob job = plan.Job;
        float gain = clip.GainFor(job.Loudness);
        double loudness = clip.MeasureLoudness() + 20 * Math.Log10(gain);
        MediaWriteResult written = WriteMedia(plan, output, clip, gain, engine, cancel);
        if (output.Picture is not null) picture.Save(clip.WithGain(gain), output, engine, cancel);
        return ResultOf(plan, output, written, gain, loudness) with { Clip = clip, Samples = clip.Samples, SampleRate = clip.SampleRate };
    }

    public static FoleyResult ResultOf(FoleyPlan plan, FoleyOutput output, MediaWriteResult written, float gain, double loudness) => new()
    {
        Output = output, Generate = plan.Job.Generate with { Seed = output.Seed }, Gain = gain, LoudnessLufs = loudness, Bytes = written.NumBytes, Container = written.Container, Codec = written.Codec,
        Warnings = written.Warnings, Samples = 0, SampleRate = 1,
    };

    /// <summary>The sound's own length, rate and gain are still to be said.</summary>
    public static MediaWriterOptions WriterOptions(FoleyPlan plan, FoleyOutput output, string format, Dictionary<string, string> tags)
    {
        FoleyJob job = plan.Job;
        bool hasVideo = OutputFormat.HasVideo(format);
        return new MediaWriterOptions
        {
            Path = output.Path,
            Output = output.Stream,
            Format = format,
            Overwrite = job.Overwrite,
            Source = hasVideo ? job.Video : null,
            Start = hasVideo ? job.Start : TimeSpan.Zero,
            KeepAudio = hasVideo ? job.KeepAudio : KeepAudio.Replace,
            Tags = tags,
        };
    }

    /// <summary>Does what writes an output; what the system refuses is told with the output's name.</summary>
    public static T Attempt<T>(FoleyOutput output, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is FileAccessException or IOException or UnauthorizedAccessException)
        {
            throw new OutputException(e.Message.Contains(output.Name, StringComparison.Ordinal) ? e.Message : $"{output.Name}: {e.Message}", e);
        }
    }

    private static MediaWriteResult WriteMedia(FoleyPlan plan, FoleyOutput output, AudioClip clip, float gain, ThinkSoundEngine engine, CancellationToken cancel)
    {
        string format = FoleyPlan.FormatOf(output);
        Dictionary<string, string> tags = FoleyTags.Of(plan, output, engine);
        return Attempt(output, () => format == "wav" ? WriteWav(output, clip, gain, tags, plan.Job.Overwrite) : WriteEncoded(plan, output, format, clip, gain, tags, cancel));
    }

    /// <summary>WAV needs no encoder, so it works where there is no FFmpeg; samples are stored as the reference stores them.</summary>
    private static MediaWriteResult WriteWav(FoleyOutput output, AudioClip clip, float gain, Dictionary<string, string> tags, bool overwrite)
    {
        using var buffer = new MemoryStream();
        clip.WithGain(gain).WriteWav(buffer, new WavOptions { Loudness = Loudness.None, Comment = FoleyTags.ToComment(tags) });
        long bytes = buffer.Length;
        if (output.Path is { } path && !OutputPath.IsDevice(path))
        {
            OutputFile.Write(path, buffer.GetBuffer().AsMemory(0, (int)bytes), overwrite);
        }
        else
        {
            using Stream? device = output.Path is null ? null : new FileStream(output.Path, FileMode.Open, FileAccess.Write);
            Stream to = device ?? output.Stream!;
            buffer.WriteTo(to);
            to.Flush();
        }
        return new MediaWriteResult("wav", "pcm_s16le", bytes, clip.Samples, []);
    }

    private static MediaWriteResult WriteEncoded(FoleyPlan plan, FoleyOutput output, string format, AudioClip clip, float gain,
                                                 Dictionary<string, string> tags, CancellationToken cancel)
    {
        MediaWriterOptions options = WriterOptions(plan, output, format, tags) with
        {
            SampleRate = clip.SampleRate, NumChannels = clip.Channels, NumSamples = clip.Samples, Gain = gain,
        };
        using MediaWriter writer = MediaWriter.Create(options, cancel);
        writer.Write(clip.Planar.Span, clip.Channels);
        return writer.Finish();
    }
}
