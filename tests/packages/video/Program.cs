// Gives a video its sound.
//
//   video BUNDLE IN.mp4 OUT.mp4
using ThinkSound;
using ThinkSound.Media;
using ThinkSound.Rendering.Foley;

NativeLibraryProbe media = MediaLibrary.Probe();
if (!media.IsUsable)
{
    Console.WriteLine(media.Problem);
    return 4;
}
using var pipeline = new FoleyPipeline(new EngineOptions { BundlePath = args[0] });
var job = new FoleyJob
{
    Video = args[1], Duration = TimeSpan.FromSeconds(1), Generate = new GenerateOptions { Steps = 2 },
    Outputs = [new FoleyOutput { Path = args[2], Picture = Path.ChangeExtension(args[2], ".png") }],
};
await foreach (FoleyResult result in pipeline.RunAsync(job)) Console.WriteLine($"{result.Container} {result.Codec} {result.Samples}");
return 0;
