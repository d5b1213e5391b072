namespace ThinkSound.Rendering.Tests;

public sealed class OutputFormatTests
{
    [TestCase("a.MP4", "mp4")]
    [TestCase("a.b/c.m4v", "mp4")]
    [TestCase("a.oga", "ogg")]
    [TestCase("a.wave", "wav")]
    [TestCase("a.qt", "mov")]
    [TestCase("a.mkv.xyz", "xyz")]
    [TestCase("a", "")]
    public void Another_name_of_an_ending_is_the_same_format(string path, string format) => Assert.That(OutputFormat.OfPath(path), Is.EqualTo(format));
}
