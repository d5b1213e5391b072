using System.Globalization;
using ThinkSound.Media;
using ThinkSound.Rendering.Pictures;

namespace ThinkSound.Rendering.Foley;

/// <summary>A finished sound into its file: loudness, container, tags, picture.</summary>
internal static class SoundFile
{
    public static FoleyResult Write(FoleyPlan plan, FoleyOutput output, AudioClip clip, ThinkSoundEngine engine, CancellationToken cancel)
    {
        FoleyJob job = plan.Job;
        float gain = clip.GainFor(job.Loudness);
        double loudness = clip.MeasureLoudness() + 20 * Math.Log10(gain);
        MediaWriteResult written = WriteMedia(plan, output, clip, gain, engine, cancel);
        if (output.Picture is { } picture)
            SoundPicture.Save(clip.WithGain(gain), picture, new PictureOptions { Title = Title(plan, output), Subtitle = Subtitle(plan, output, engine) });
        return new FoleyResult
        {
            Output = output, Clip = clip, Gain = gain, LoudnessLufs = loudness, Bytes = written.NumBytes, Container = written.Container,
            Codec = written.Codec, Warnings = written.Warnings, Seconds = new Dictionary<FoleyStage, double>(), FeaturesFromCache = false,
        };
    }

    private static MediaWriteResult WriteMedia(FoleyPlan plan, FoleyOutput output, AudioClip clip, float gain, ThinkSoundEngine engine, CancellationToken cancel)
    {
        string format = FoleyPlan.FormatOf(output);
        Dictionary<string, string> tags = Tags(plan, output, engine);
        try
        {
            return format == "wav" ? WriteWav(output, clip, gain, tags) : WriteEncoded(plan, output, format, clip, gain, tags, cancel);
        }
        catch (Exception e) when (e is FileAccessException or IOException or UnauthorizedAccessException)
        {
            throw new OutputException(e.Message.Contains(output.Name, StringComparison.Ordinal) ? e.Message : $"{output.Name}: {e.Message}", e);
        }
    }

    /// <summary>WAV needs no encoder, so it works where there is no FFmpeg; samples are stored as the reference stores them.</summary>
    private static MediaWriteResult WriteWav(FoleyOutput output, AudioClip clip, float gain, Dictionary<string, string> tags)
    {
        var options = new WavOptions { Loudness = Loudness.None, Comment = string.Join('\n', tags.Select(tag => $"{tag.Key}: {tag.Value}")) };
        AudioClip scaled = clip.WithGain(gain);
        long bytes;
        if (output.Path is { } path && !FoleyPlan.IsDevice(path))
        {
            scaled.SaveWav(path, options);
            bytes = new FileInfo(path).Length;
        }
        else
        {
            using var buffer = new MemoryStream();
            scaled.WriteWav(buffer, options);
            bytes = buffer.Length;
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
        FoleyJob job = plan.Job;
        bool hasVideo = OutputFormat.HasVideo(format);
        using MediaWriter writer = MediaWriter.Create(new MediaWriterOptions
        {
            Path = output.Path,
            Output = output.Stream,
            Format = format,
            Overwrite = job.Overwrite,
            SampleRate = clip.SampleRate,
            NumChannels = clip.Channels,
            Gain = gain,
            Source = hasVideo ? job.Video : null,
            Start = hasVideo ? job.Start : TimeSpan.Zero,
            KeepAudio = hasVideo ? job.KeepAudio : KeepAudio.Replace,
            NumSamples = clip.Samples,
            Tags = tags,
        }, cancel);
        writer.Write(clip.Planar.Span, clip.Channels);
        return writer.Finish();
    }

    /// <summary>How the sound came about, for whoever finds the file.</summary>
    private static Dictionary<string, string> Tags(FoleyPlan plan, FoleyOutput output, ThinkSoundEngine engine)
    {
        FoleyJob job = plan.Job;
        GenerateOptions generate = job.Generate;
        var tags = new Dictionary<string, string>
        {
            ["thinksound_version"] = ThinkSoundRuntime.Version,
            ["thinksound_model"] = engine.Info.Name,
            ["thinksound_seed"] = output.Seed.ToString(CultureInfo.InvariantCulture),
            ["thinksound_settings"] = string.Create(CultureInfo.InvariantCulture,
                $"steps={generate.Steps} cfg={generate.GuidanceScale} sampler={generate.Sampler} lengths={generate.Lengths} start={job.Start.TotalSeconds:0.######} duration={plan.Duration.TotalSeconds:0.######} loudness={job.Loudness} precision={engine.Info.Precision}"),
        };
        foreach (var (key, text) in (IEnumerable<(string, string?)>)
                 [
                     ("thinksound_caption", job.Conditions.Caption), ("thinksound_cot", job.Conditions.ChainOfThought),
                     ("thinksound_negative", job.Conditions.NegativeCaption), ("thinksound_negative_cot", job.Conditions.NegativeChainOfThought),
                     ("thinksound_license", engine.Bundle.License),
                 ])
            if (!string.IsNullOrEmpty(text)) tags[key] = text;
        return tags;
    }

    private static string Title(FoleyPlan plan, FoleyOutput output)
    {
        string? words = plan.Job.Conditions.Caption ?? plan.Job.Conditions.ChainOfThought;
        string name = Path.GetFileName(plan.Job.Video ?? output.Path ?? "sound");
        return words is null ? name : $"{name} · {words}";
    }

    private static string Subtitle(FoleyPlan plan, FoleyOutput output, ThinkSoundEngine engine) => string.Create(CultureInfo.InvariantCulture,
        $"{engine.Info.Name} · seed {output.Seed} · {plan.Job.Generate.Steps} steps · guidance {plan.Job.Generate.GuidanceScale} · loudness {plan.Job.Loudness}");
}
