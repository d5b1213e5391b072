using ThinkSound.Bundles;
using ThinkSound.Media;

namespace ThinkSound.Projects;

/// <summary>Finds a project's video again.</summary>
internal static class VideoLink
{
    /// <summary>Looks at a video for a project in <paramref name="folder"/>.</summary>
    /// <exception cref="ThinkSoundException">It is not there, cannot be read, or has no picture.</exception>
    public static ProjectVideo Of(string video, string folder, CancellationToken cancel)
    {
        MediaInfo media = MediaInfo.Open(video, cancel);
        if (media.Video is not { } picture) throw new Rendering.InputException($"{video}: no video in it" + (media.Audio is null ? "" : ", only sound; a project is about a video"));
        string full = Path.GetFullPath(video);
        return new ProjectVideo
        {
            Path = PathFrom(folder, full), Fingerprint = FileFingerprint.Of(full), Duration = picture.Duration, Width = picture.Width, Height = picture.Height,
            FramesPerSecond = picture.FramesPerSecond, FoundAt = full,
        };
    }

    /// <summary>The same with the place where it was found, or the reason why it was not.</summary>
    public static ProjectVideo Find(ProjectVideo video, string folder)
    {
        string path = Path.GetFullPath(video.Path, folder);
        string remedy = $"\"thinksound project relink {folder} --video VIDEO\" says where it is now";
        try
        {
            if (!File.Exists(path)) return video with { FoundAt = null, Problem = $"{path}: the project's video is not there; {remedy}" };
            return !IsEmpty(path) && FileFingerprint.Of(path) == video.Fingerprint ? video with { FoundAt = path, Problem = null }
                : video with { FoundAt = null, Problem = $"{path}: is not the video that the project was made with; {remedy}" };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return video with { FoundAt = null, Problem = $"{path}: the project's video cannot be read: {e.Message}" };
        }
    }

    /// <summary>Also of pipes and devices, which may not end.</summary>
    private static bool IsEmpty(string path) => ((FileInfo?)File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)).Length == 0;

    /// <summary>Relative where project and video have a folder in common that is not the root, so that both can be moved together.</summary>
    private static string PathFrom(string folder, string video)
    {
        string relative = Path.GetRelativePath(folder, video);
        int ups = relative.Split(Path.DirectorySeparatorChar).Count(part => part == "..");
        int depth = Path.GetFullPath(folder).Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).Length;
        return ups < depth ? relative : video;
    }
}
