using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ThinkSound.Projects.Tests;

/// <summary>Another process that works on a project: this very program, called by the tests.</summary>
internal static partial class Worker
{
    private const int FileTooLarge = 25; // SIGXFSZ, which would end the process

    /// <summary>Starts it; it says "ready" when it has the project open.</summary>
    public static Process Start(params string[] arguments) => StartBy([], arguments);

    /// <summary>Has another program start it.</summary>
    public static Process StartBy(string[] starter, params string[] arguments)
    {
        string[] program = [.. starter, Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "ThinkSound.Projects.Tests.dll"), .. arguments];
        Process process = Process.Start(new ProcessStartInfo(program[0], program[1..])
        {
            RedirectStandardOutput = true, RedirectStandardInput = true,
            Environment = { ["DOTNET_EnableWriteXorExecute"] = "0" }, // or code would be kept in files that a limit is for, too
        })!;
        string? first = process.StandardOutput.ReadLine();
        return first == "ready" ? process : throw new InvalidOperationException($"the worker says {first}");
    }

    public static async Task<int> Main(string[] arguments)
    {
        using Project project = Project.Open(arguments[1]);
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
            case "full":
                await WorkWithoutSpace(project, int.Parse(arguments[2]));
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

    /// <summary>On a file system that has <paramref name="left"/> bytes left over, and then more.</summary>
    private static async Task WorkWithoutSpace(Project project, int left)
    {
        string ballast = Path.Combine(project.Folder, "..", "ballast");
        string[] before = Contents(project.Folder);
        Fill(ballast, left);
        try
        {
            await Apply();
            Say("applied");
        }
        catch (ProjectException e)
        {
            Say($"{e.Failure}: {e.Message}");
        }
        Say($"{(Contents(project.Folder).SequenceEqual(before) ? "same" : "other")} files, {project.Document.Operations.Count} {project.Document.Head}");
        File.Delete(ballast);
        Say($"applied {(await Apply()).Id}");
        project.Dispose();
        using Project again = Project.Open(project.Folder);
        Say($"reopened {again.Document.Operations.Count}, {(await again.VerifyAsync()).Count} damaged");

        Task<Operation> Apply() => project.ApplyAsync(new FoleyPayload { Seed = 99 }, null, new OperationRenderers(new NoiseRenderer()));
    }

    /// <summary>Writes a file until no more than <paramref name="left"/> bytes can be written.</summary>
    private static void Fill(string path, int left)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            for (var page = new byte[4096]; ;) file.Write(page);
        }
        catch (IOException)
        {
            file.SetLength(file.Length - left);
        }
    }

    /// <summary>Every file of a project with its bytes; who had the lock, and the copy from before, do not count.</summary>
    public static string[] Contents(string folder) => [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(file => !file.Contains("lock") && !file.Contains("previous"))
        .Order(StringComparer.Ordinal).Select(file => $"{file} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}")];

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
