using ThinkSound.Interop;
using ThinkSound.Media.Interop;

namespace ThinkSound.Media;

/// <summary>What a stream carries.</summary>
public enum StreamKind
{
    /// <summary>Moving pictures.</summary>
    Video = 0,
    /// <summary>Sound.</summary>
    Audio = 1,
    /// <summary>Text over the picture.</summary>
    Subtitle = 2,
    /// <summary>Cover art or a thumbnail; not video.</summary>
    Picture = 3,
    /// <summary>Timecode, attachments, data.</summary>
    Other = 4,
}

/// <summary>One stream of a file. Times are on the file's clock, whose 0 is the first video frame that is shown.</summary>
public sealed record StreamInfo
{
    /// <summary>Its place in the file.</summary>
    public int Index { get; init; }
    /// <summary>What it carries.</summary>
    public required StreamKind Kind { get; init; }
    /// <summary>FFmpeg's name: "h264", "aac".</summary>
    public required string Codec { get; init; }
    /// <summary>"eng"; empty if not said.</summary>
    public required string Language { get; init; }
    /// <summary>First frame or sample that is shown or heard.</summary>
    public required TimeSpan Start { get; init; }
    /// <summary>From <see cref="Start"/> to the end of the last frame or sample.</summary>
    public required TimeSpan Duration { get; init; }
    /// <summary>The file marks it as the one to play.</summary>
    public bool IsDefault { get; init; }
    /// <summary>Tags of the stream; keys are looked up whatever their case.</summary>
    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();
    /// <summary>Pixels as shown: turned, and square. 0 for sound.</summary>
    public int Width { get; init; }
    /// <summary>Pixels as shown. 0 for sound.</summary>
    public int Height { get; init; }
    /// <summary>Pixels across as stored. 0 for sound.</summary>
    public int CodedWidth { get; init; }
    /// <summary>Pixels down as stored. 0 for sound.</summary>
    public int CodedHeight { get; init; }
    /// <summary>Width to height of a stored pixel; 1 if not said.</summary>
    public double SampleAspectRatio { get; init; } = 1;
    /// <summary>Clockwise turn to show it: 0, 90, 180, 270.</summary>
    public int RotationDegrees { get; init; }
    /// <summary>Flipped left to right before the turn.</summary>
    public bool IsMirrored { get; init; }
    /// <summary>Average frames per second; 0 if unknown.</summary>
    public double FramesPerSecond { get; init; }
    /// <summary>As the container says, else an estimate.</summary>
    public long NumFrames { get; init; }
    /// <summary>Bits per component: 8, 10, 12. 0 for sound.</summary>
    public int BitDepth { get; init; }
    /// <summary>PQ or HLG, tone-mapped when read.</summary>
    public bool IsHdr { get; init; }
    /// <summary>Hz; 0 for pictures.</summary>
    public int SampleRate { get; init; }
    /// <summary>Channels; 0 for pictures.</summary>
    public int NumChannels { get; init; }
    /// <summary>"mono", "stereo", "5.1"; empty for pictures.</summary>
    public string ChannelLayout { get; init; } = "";
}

/// <summary>What a media file says about itself.</summary>
public sealed record MediaInfo
{
    /// <summary>The file.</summary>
    public required string Path { get; init; }
    /// <summary>FFmpeg's names of the format: "mov,mp4,m4a,3gp,3g2,mj2".</summary>
    public required string Container { get; init; }
    /// <summary>The format for people: "QuickTime / MOV".</summary>
    public string ContainerName { get; init; } = "";
    /// <summary>From time 0 to the end of the longest stream.</summary>
    public required TimeSpan Duration { get; init; }
    /// <summary>Size of the file.</summary>
    public required long NumBytes { get; init; }
    /// <summary>The file ends before the streams that its header promises.</summary>
    public required bool IsTruncated { get; init; }
    /// <summary>Chapters.</summary>
    public int NumChapters { get; init; }
    /// <summary>All streams, in the file's order.</summary>
    public required IReadOnlyList<StreamInfo> Streams { get; init; }
    /// <summary>The stream that is taken for the video, or null.</summary>
    public required StreamInfo? Video { get; init; }
    /// <summary>The stream that is taken for the sound, or null.</summary>
    public required StreamInfo? Audio { get; init; }
    /// <summary>Tags of the file as a whole.</summary>
    public required IReadOnlyDictionary<string, string> Tags { get; init; }

    /// <summary>Reads what a file says about itself; decodes one frame and looks at its end for exact durations.</summary>
    /// <exception cref="ResourceNotFoundException">No such file.</exception>
    /// <exception cref="MediaException">Empty, truncated, not a video or sound.</exception>
    public static unsafe MediaInfo Open(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        MediaLibrary.EnsureLoaded();
        using var arguments = new NativeArguments();
        using var cancel = new MediaLibrary.CancelSource(cancellationToken);
        MediaLibrary.Check(NativeMedia.tsm_media_open(arguments.String(path, nameof(path)), MediaLibrary.CancelSource.Callback, cancel.UserData, out tsm_media media), cancellationToken);
        using (media)
        {
            tsm_media_info info = tsm_media_info.create();
            MediaLibrary.Check(NativeMedia.tsm_media_get_info(media, &info));
            var streams = new StreamInfo[info.num_streams];
            for (uint i = 0; i < info.num_streams; i++) streams[i] = ReadStream(media, i);
            return new MediaInfo
            {
                Path = path,
                Container = Utf8.Read(info.container, 64),
                ContainerName = Utf8.Read(info.container_name, 64),
                NumChapters = (int)info.num_chapters,
                Duration = TimeSpan.FromSeconds(Math.Max(0, info.duration_s)),
                NumBytes = (long)info.num_bytes,
                IsTruncated = info.is_truncated != 0,
                Streams = streams,
                Video = info.video_stream >= 0 ? streams[info.video_stream] : null,
                Audio = info.audio_stream >= 0 ? streams[info.audio_stream] : null,
                Tags = ReadTags(media, -1, info.num_tags),
            };
        }
    }

    private static unsafe Dictionary<string, string> ReadTags(tsm_media media, int stream, uint count)
    {
        var tags = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (uint i = 0; i < count; i++)
        {
            byte* key, value;
            MediaLibrary.Check(NativeMedia.tsm_media_get_tag(media, stream, i, &key, &value));
            tags[Utf8.Read(key)] = Utf8.Read(value);
        }
        return tags;
    }

    private static unsafe StreamInfo ReadStream(tsm_media media, uint index)
    {
        tsm_stream_info info = tsm_stream_info.create();
        MediaLibrary.Check(NativeMedia.tsm_media_get_stream(media, index, &info));
        return new StreamInfo
        {
            Index = (int)index,
            Kind = (StreamKind)info.kind,
            Codec = Utf8.Read(info.codec, 32),
            Language = Utf8.Read(info.language, 16),
            Start = TimeSpan.FromSeconds(info.start_s),
            Duration = TimeSpan.FromSeconds(Math.Max(0, info.duration_s)),
            IsDefault = info.is_default != 0,
            Tags = ReadTags(media, (int)index, info.num_tags),
            Width = (int)info.width,
            Height = (int)info.height,
            CodedWidth = (int)info.coded_width,
            CodedHeight = (int)info.coded_height,
            SampleAspectRatio = info.sample_aspect_den == 0 ? 1 : (double)info.sample_aspect_num / info.sample_aspect_den,
            RotationDegrees = info.rotation_deg,
            IsMirrored = info.is_mirrored != 0,
            BitDepth = (int)info.bit_depth,
            FramesPerSecond = info.fps_den == 0 ? 0 : (double)info.fps_num / info.fps_den,
            NumFrames = (long)info.num_frames,
            IsHdr = info.is_hdr != 0,
            SampleRate = (int)info.sample_rate,
            NumChannels = (int)info.num_channels,
            ChannelLayout = Utf8.Read(info.channel_layout, 32),
        };
    }
}
