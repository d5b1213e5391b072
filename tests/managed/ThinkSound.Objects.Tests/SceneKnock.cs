using ThinkSound.Projects;
using ThinkSound.Reasoning;

namespace ThinkSound.Objects.Tests;

/// <summary>Where the fist of samples/scene-knock.mp4 is, by the program that drew it: the ellipse's middle in every twelfth picture,
/// camera shake included.</summary>
internal static class SceneKnock
{
    private const int Step = 12;

    private static readonly double[] X = [0.522, 0.369, 0.495, 0.424, 0.522, 0.522, 0.522, 0.381, 0.449, 0.502, 0.522, 0.489, 0.493, 0.522];
    private static readonly double[] Y = [0.445, 0.407, 0.439, 0.421, 0.445, 0.445, 0.445, 0.410, 0.427, 0.440, 0.445, 0.437, 0.438, 0.445];

    /// <summary>A box around the fist, 0.12 wide and 0.108 high, in picture 24.</summary>
    public static ObjectSelection Selection { get; } = new() { Time = TimeSpan.FromSeconds(1), Box = new VideoRegion(0.42, 0.37, 0.15, 0.135) };

    public static void Check(ObjectTrack track)
    {
        for (int i = 0; i < X.Length; i++)
        {
            TrackedFrame frame = track.Frames[Step * i - track.FirstFrame];
            Assert.That((frame.X, frame.Y), Is.EqualTo((X[i], Y[i])).Within(0.025), $"picture {Step * i}");
        }
    }
}
