// What length costs, and whether windows are heard: the real clips of samples/ joined to videos of some minutes, through the
// command line program, with the peak of its memory; then its sound is held against itself (SeamMeter). Last, five minutes of rain from
// words alone: no picture changes there, so nothing hides a seam.
//
//   dotnet run -c Release --project bench/managed/ThinkSound.LongForm.Bench -- PROGRAM RESULTS.json [MINUTES]… [-- OPTION…]
//
// PROGRAM is thinksound, a .dll or a program; MINUTES are 1 5 10 by default; OPTIONs go to `generate`. Linux: the peak is
// VmHWM of /proc/PID/status.

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ThinkSound;
using ThinkSound.Media;
using ThinkSound.Rendering.Analysis;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string[] clips = ["flower.mp4", "friday.mp4", "stream-of-water.mp4", "wet-hawk.mp4", "big-buck-bunny-0-30.webm"];
int separator = Array.IndexOf(args, "--");
string[] own = separator < 0 ? args : args[..separator], options = separator < 0 ? [] : args[(separator + 1)..];
if (own.Length < 2) throw new ArgumentException("PROGRAM RESULTS.json [MINUTES]… [-- OPTION…]");
double[] minutes = own.Length > 2 ? [.. own[2..].Select(double.Parse)] : [1, 5, 10];

string folder = Directory.CreateTempSubdirectory("ts-long-bench").FullName;
try
{
    string once = Path.Combine(folder, "once.mp4");
    Join(once);
    var results = new JsonArray();
    var report = new JsonObject { ["clips"] = new JsonArray([.. clips.Select(clip => (JsonNode)clip)]), ["options"] = string.Join(' ', options), ["results"] = results };
    foreach (double length in minutes)
    {
        string video = Path.Combine(folder, $"{length}.mp4");
        Run("ffmpeg", ["-v", "error", "-stream_loop", "-1", "-i", once, "-t", $"{60 * length}", "-c", "copy", video]);
        Keep(Row($"{length} minutes of video", [video]));
    }
    Keep(Row("5 minutes of rain", ["--caption", "rain falls on the ground", "--duration", "300"]));

    void Keep(JsonObject row)
    {
        results.Add(row);
        Console.WriteLine(row.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        File.WriteAllText(own[1], report.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}

JsonObject Row(string name, string[] what)
{
    string sound = Path.Combine(folder, "sound.flac");
    var clock = Stopwatch.StartNew();
    var (json, peak) = Measured(own[0], ["generate", .. what, "-o", sound, "--loudness", "none", "--no-cache", "--quiet", "--json", .. options]);
    double seconds = clock.Elapsed.TotalSeconds;
    JsonNode result = JsonNode.Parse(json)!["results"]![0]!;
    var windows = result["windows"]!.AsArray().Select(w => (Start: (double)w!["start_s"]!, Known: (double)w["known_s"]!)).ToArray();
    TimeSpan[] joints = [.. windows.Where(w => w.Known > 0).Select(w => TimeSpan.FromSeconds(w.Start + w.Known))];
    TimeSpan[] cuts = [.. windows.Skip(1).Where(w => w.Known == 0).Select(w => TimeSpan.FromSeconds(w.Start))];
    var row = new JsonObject
    {
        ["what"] = name, ["duration_s"] = (double)result["duration_s"]!, ["peak_rss_mb"] = Math.Round(peak / 1e6, 1), ["wall_s"] = Math.Round(seconds, 1),
        ["windows"] = windows.Length, ["joints"] = joints.Length, ["joints_at_cuts"] = cuts.Length,
    };
    if (joints.Length > 0)
    {
        var seams = new JsonObject();
        foreach (var (measure, seam) in SeamMeter.Compare([AudioFile.Read(sound)], joints, cuts))
        {
            seams[measure] = new JsonObject
            {
                ["median_at_joints_db"] = Math.Round(seam.MedianAtJoints, 2), ["median_inside_db"] = Math.Round(seam.MedianInside, 2),
                ["largest_at_joints_db"] = Math.Round(seam.LargestAtJoints, 2), ["largest_inside_db"] = Math.Round(seam.LargestInside, 2),
                ["mean_rank"] = Math.Round(seam.MeanRank, 3), ["rank_limit"] = Math.Round(seam.RankLimit, 3), ["unheard"] = seam.IsUnheard,
            };
        }
        row["seams"] = seams;
    }
    File.Delete(sound);
    return row;
}

void Join(string path)
{
    var arguments = new List<string> { "-v", "error" };
    foreach (string clip in clips) arguments.AddRange(["-i", Path.Combine(Samples(), clip)]);
    string each = string.Concat(clips.Select((_, i) => $"[{i}:v]scale=640:360:force_original_aspect_ratio=decrease,pad=640:360:-1:-1,setsar=1,fps=24[v{i}];"));
    string all = string.Concat(clips.Select((_, i) => $"[v{i}]"));
    Run("ffmpeg", [.. arguments, "-filter_complex", $"{each}{all}concat=n={clips.Length}", "-an", "-preset", "veryfast", "-g", "48", path]);
}

static string Samples()
{
    for (string? at = Environment.CurrentDirectory; at is not null; at = Path.GetDirectoryName(at))
        if (Directory.Exists(Path.Combine(at, "samples"))) return Path.Combine(at, "samples");
    throw new DirectoryNotFoundException("samples/: run this in the repository");
}

static void Run(string program, string[] arguments)
{
    using Process process = Process.Start(program, arguments);
    process.WaitForExit();
    if (process.ExitCode != 0) throw new InvalidOperationException($"{program} failed ({process.ExitCode})");
}

// The output of a program, and the most memory that it had, in bytes.
static (string Output, long Peak) Measured(string program, string[] arguments)
{
    bool isDll = program.EndsWith(".dll", StringComparison.Ordinal);
    using Process process = Process.Start(new ProcessStartInfo(isDll ? "dotnet" : program, isDll ? [program, .. arguments] : arguments) { RedirectStandardOutput = true })!;
    Task<string> output = process.StandardOutput.ReadToEndAsync();
    long peak = 0;
    while (!process.WaitForExit(100))
    {
        try
        {
            string? line = File.ReadLines($"/proc/{process.Id}/status").FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
            if (line is not null) peak = Math.Max(peak, 1024 * long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1]));
        }
        catch (IOException)
        {
            break; // over since
        }
    }
    process.WaitForExit();
    return process.ExitCode == 0 ? (output.Result, peak) : throw new InvalidOperationException($"{program} failed ({process.ExitCode})");
}
