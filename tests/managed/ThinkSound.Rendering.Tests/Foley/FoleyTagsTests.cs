using ThinkSound.Media;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Rendering.Tests.Foley;

public class FoleyTagsTests
{
    [Test]
    public async Task Every_format_gives_back_how_its_sound_came_about()
    {
        Parts.Require();
        string folder = Directory.CreateTempSubdirectory("ts-tags").FullName;
        try
        {
            using var pipeline = new FoleyPipeline(new EngineOptions { BundlePath = Parts.Bundle, Device = "cpu" });
            var job = new FoleyJob
            {
                Duration = TimeSpan.FromSeconds(1), Conditions = new Conditions { Caption = "rain: on a \"tin\" roof – ü" }, Generate = new GenerateOptions { Steps = 1 },
                Outputs = [.. OutputFormat.Known.Where(format => !OutputFormat.HasVideo(format)).Select(format => new FoleyOutput { Path = Path.Combine(folder, "a." + format), Seed = 7 })],
            };
            await foreach (FoleyResult result in pipeline.RunAsync(job))
            {
                MediaInfo media = MediaInfo.Open(result.Output.Path!);
                Assert.Multiple(() =>
                {
                    Assert.That(FoleyTags.Find(media, FoleyTags.Caption), Is.EqualTo("rain: on a \"tin\" roof – ü"), result.Container);
                    Assert.That(FoleyTags.Find(media, FoleyTags.Seed), Is.EqualTo("7"), result.Container);
                    Assert.That(FoleyTags.Find(media, FoleyTags.ChainOfThought), Is.Null, result.Container);
                });
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
