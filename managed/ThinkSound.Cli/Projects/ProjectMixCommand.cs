using System.CommandLine;
using ThinkSound.Projects;

namespace ThinkSound.Cli;

/// <summary><c>project mix</c>: levels of one track.</summary>
internal static class ProjectMixCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("mix", "Sets gain, pan or mute of a track.");
        var arguments = new ProjectArguments();
        var track = new Option<string>("--track", "-t") { Description = "The track, as log names it: bed, object-3.", HelpName = "TRACK", Required = true };
        var gain = new Option<double?>("--gain") { Description = "Level, -120 to 24 dB.", HelpName = "DB" };
        var pan = new Option<double?>("--pan") { Description = "-1 (left) to 1 (right), from begin to end.", HelpName = "PAN" };
        var mute = new Option<bool?>("--mute") { Description = "Nothing is heard of it; --mute false has it heard again.", HelpName = "true|false" };
        arguments.AddFolderTo(command);
        foreach (Option option in (Option[])[track, gain, pan, mute]) command.Add(option);
        arguments.AddAnswerTo(command);
        gain.Require(db => db is null or (>= -120 and <= 24), "--gain is -120 to 24 dB");
        pan.Require(p => p is null or (>= -1 and <= 1), "--pan is -1 to 1");
        command.SetAction(async (parsed, cancel) =>
        {
            var change = new TrackMix { Track = parsed.GetValue(track)!, GainDb = parsed.GetValue(gain), Pan = parsed.GetValue(pan), IsMuted = parsed.GetValue(mute) };
            if (change is { GainDb: null, Pan: null, IsMuted: null }) throw new UsageException("there is nothing to change: give --gain, --pan or --mute");
            using Project project = arguments.Open(parsed, ProjectAccess.Write, terminal);
            Operation done = await project.ApplyAsync(new MixPayload { Changes = [change] }, null, new OperationRenderers(), null, null, cancel);
            arguments.Answer(parsed, terminal, project, $"operation {done.Id}, {done.Title}", done);
            return ExitCode.Done;
        });
        return command;
    }
}
