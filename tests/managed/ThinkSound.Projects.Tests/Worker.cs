using System.Diagnostics;
using System.Runtime.InteropServices;

namespace ThinkSound.Projects.Tests;

/// <summary>Another process that works on a project: this very program, called by the tests.</summary>
internal static partial class Worker
{
    private const int FileTooLarge = 25; // SIGXFSZ, which would end the process

    /// <summary>Starts it; it says "ready" when it has the project open.</summary>
    public static Process Start(params string[] arguments)
    {
        string[] program = [Path.Combine(AppContext.BaseDirectory, "ThinkSound.Projects.Tests.dll"), .. arguments];
        Process process = Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", program)
        {
            RedirectStandardOutput = true, RedirectStandardInput = true,
            Environment = { ["DOTNET_EnableWriteXorExecute"] = "0" }, // or code would be kept in files that a limit is for, too
        })!;
        string? first = process.StandardOutput.ReadLine();
        return first == "ready" ? process : throw new InvalidOperationException($"the worker says {first}");
    }

    public static async Task<int> Main(string[] arguments)
    {
        using var project = Project.Open(arguments[1]);
        Say("ready");
        switch (arguments[0])
        {
            case "hold":
                Console.In.ReadLine();
                return 0;
            case "work":
                await Work(project);
                return 0;
            case "limited":
                await WorkWithLimit(project, ulong.Parse(arguments[2]));
                return 0;
            default:
                return 2;
        }
    }

    /// <summary>One operation after the other, now and then taken back and done again, and a line before and after each.</summary>
    private static async Task Work(Project project)
    {
        var renderers = new OperationRenderers(new NoiseRenderer());
        for (int i = 0; ; i++)
        {
            switch (i % 5)
            {
                case 2 when project.ToUndo is not null:
                    Say("try undo");
                    await project.UndoAsync();
                    break;
                case 3 when project.ToRedo is not null:
                    Say("try redo");
                    await project.RedoAsync();
                    break;
                case 4 when project.State.Tracks.Count > 0:
                    Say("try mix");
                    await project.ApplyAsync(new MixPayload { Changes = [new TrackMix { Track = Track.Bed, GainDb = -(i % 60) }] }, null, renderers);
                    break;
                default:
                    Say("try foley");
                    await project.ApplyAsync(new FoleyPayload { Seed = (ulong)project.Document.Operations.Count }, null, renderers);
                    break;
            }
            Say($"done {project.Document.Operations.Count} {project.Document.Head}");
        }
    }

    /// <summary>As on a full disk: no file may grow beyond <paramref name="bytes"/>.</summary>
    private static async Task WorkWithLimit(Project project, ulong bytes)
    {
        Signal(FileTooLarge, 1); // ignored: writing fails instead
        var limit = new Limit { Soft = bytes, Hard = bytes };
        if (SetLimit(1, in limit) != 0) throw new InvalidOperationException("the limit was refused");
        try
        {
            await project.ApplyAsync(new FoleyPayload { Seed = 99 }, null, new OperationRenderers(new NoiseRenderer()));
            Say("applied");
        }
        catch (ProjectException e)
        {
            Say($"{e.Failure}: {e.Message}");
            Say($"{project.Document.Operations.Count} {project.Document.Head}");
        }
    }

    private static void Say(string line)
    {
        Console.Out.WriteLine(line);
        Console.Out.Flush();
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft, Hard;
    }

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial nint Signal(int signal, nint handler);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);
}
