using System.CommandLine;
using ThinkSound.Rendering;
using ThinkSound.Rendering.Foley;

namespace ThinkSound.Cli;

/// <summary><c>thinksound generate</c>: a video with its sound, a sound from words, a folder of videos.</summary>
internal static class GenerateCommand
{
    public const string Examples =
        """
        Examples:
          thinksound generate video.mp4 --caption "a ball bounces on a wooden floor" -o with-sound.mp4
          thinksound generate --caption "rain on a tin roof" --duration 8 -o rain.wav
          thinksound generate clips/ -o clips-with-sound/ --variations 3 --plot
          thinksound generate video.mp4 -o - --format wav | play -

        """;

    public static Command Create(Terminal terminal, Option<bool> verbose)
    {
        var command = new Command("generate", "Makes the sound of a video, or of words alone.");
        var arguments = new GenerateArguments(command, verbose);
        command.SetAction((parsed, cancellationToken) =>
        {
            GenerateRequest request = arguments.Read(parsed);
            return new GenerateRun(terminal, request, cancellationToken).RunAsync();
        });
        return command;
    }
}
