using ThinkSound.Media;

namespace ThinkSound.Reasoning;

/// <summary>What a request comes to once its video has been looked at.</summary>
/// <param name="Subject">What is kept of it in the result.</param>
/// <param name="Media">The video; null if there is none.</param>
internal sealed record RequestSubject(ReasoningSubject Subject, MediaInfo? Media)
{
    private static readonly TimeSpan WithoutVideo = TimeSpan.FromSeconds(8), Shortest = TimeSpan.FromSeconds(0.01);

    /// <summary>How much of the sound has a picture.</summary>
    public TimeSpan Watched => Media?.Video is { } video && video.Duration - Subject.Start is var rest && rest < Subject.Duration ? rest : Subject.Duration;

    /// <exception cref="ResourceNotFoundException">The video is not there.</exception>
    /// <exception cref="MediaException">It cannot be read, or has no picture.</exception>
    /// <exception cref="ArgumentException">A time makes no sense.</exception>
    public static async Task<RequestSubject> OfAsync(ReasoningRequest request, CancellationToken cancel)
    {
        if (request.Start < TimeSpan.Zero) throw new ArgumentException("the start is a time in the video, from 0 on");
        if (request.Duration is { } asked && asked < Shortest) throw new ArgumentException($"a sound of {asked.TotalSeconds:0.###} s is too short");
        MediaInfo? media = request.Video is null ? null : await VideoFile.ProbeAsync(request.Video, cancel).ConfigureAwait(false);
        if (media is not null && media.Video is null) throw new MediaException($"{media.Path}: no video in it" + (media.Audio is null ? "" : ", only sound"));
        TimeSpan? rest = media?.Video!.Duration - request.Start;
        if (request.Start > TimeSpan.Zero && rest <= TimeSpan.Zero)
            throw new ArgumentException($"the start, {request.Start.TotalSeconds:0.###} s, is past the end of {media!.Path} ({media.Video!.Duration.TotalSeconds:0.###} s)");
        TimeSpan duration = request.Duration ?? rest ?? request.Previous?.Subject.Duration ?? WithoutVideo;
        return new RequestSubject(new ReasoningSubject
        {
            Video = request.Video is null ? request.Previous?.Subject.Video : Path.GetFileName(request.Video),
            Start = request.Video is null ? request.Previous?.Subject.Start ?? request.Start : request.Start,
            Duration = duration < Shortest ? Shortest : duration,
            Region = request.Region ?? (request.Video is null ? request.Previous?.Subject.Region : null),
            Caption = request.Caption ?? request.Previous?.Subject.Caption,
            Instruction = request.Instruction,
        }, media);
    }
}
