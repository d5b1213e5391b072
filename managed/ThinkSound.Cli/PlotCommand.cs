using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ThinkSound.Rendering.Analysis;
using ThinkSound.Rendering.Pictures;

namespace ThinkSound.Cli;

/// <summary><c>thinksound plot FILE</c>: a file that exists already, as a picture and in figures.</summary>
internal static class PlotCommand
{
    public static Command Create(Terminal terminal)
    {
        var input = new Argument<string>("FILE") { Description = "A sound file, or a video with sound." };
        var output = new Option<string?>("--output", "-o") { Description = "The picture, a PNG file. Default: beside FILE.", HelpName = "OUT.png" };
        var start = new Option<double>("--start") { Description = "Where in the file the picture begins.", HelpName = "SECONDS" };
        var duration = new Option<double?>("--duration") { Description = "How much of the file it shows, up to 600 s. Default: the rest.", HelpName = "SECONDS" };
        var events = new Option<string?>("--events")
        {
            Description = "Seconds at which something should be heard, such as \"0.4, 1.25\": marked too, and compared with the onsets that are found.", HelpName = "LIST",
        };
        var force = new Option<bool>("--force") { Description = "Replace an existing picture." };
        var json = new Option<bool>("--json") { Description = "The figures as JSON on standard output." };
        var command = new Command("plot", "Draws an existing file: the video's frames, onsets, waveform and spectrogram.") { input, output, start, duration, events, force, json };
        output.Require(file => file is null || file.EndsWith(".png", StringComparison.OrdinalIgnoreCase), "--output: pictures end in .png");
        start.Require(s => s is >= 0 and <= 1e6, "--start is seconds from the begin of the file");
        duration.Require(s => s is null or (> 0 and <= 600), "--duration is seconds, up to 600");
        events.Require(list => list is null || ParseTimes(list) is not null, "--events is seconds, 0 or more, separated by commas or spaces");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string file = parsed.GetValue(input)!;
            if (Directory.Exists(file)) throw new UsageException($"{file} is a folder; name a file in it");
            var options = new MediaPictureOptions
            {
                Input = file,
                Output = parsed.GetValue(output) ?? Path.ChangeExtension(file, ".png"),
                Start = TimeSpan.FromSeconds(parsed.GetValue(start)),
                Duration = parsed.GetValue(duration) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                Events = parsed.GetValue(events) is { } list ? ParseTimes(list) : null,
                Overwrite = parsed.GetValue(force),
            };
            MediaPictureResult result = await Task.Run(() => MediaPicture.Draw(options, cancellationToken), cancellationToken);
            terminal.WriteResult(parsed.GetValue(json) ? ToJson(options, result) : ToText(options, result));
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>"0.4, 1.25 2"; null for what is no list of times. An empty list says that nothing happens.</summary>
    internal static TimeSpan[]? ParseTimes(string list)
    {
        var times = new List<TimeSpan>();
        foreach (string text in list.Split([',', ';', ' ', '\n', '\t'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) || seconds is not (>= 0 and <= 1e6)) return null;
            times.Add(TimeSpan.FromSeconds(seconds));
        }
        return [.. times.Order()];
    }

    private static string ToText(MediaPictureOptions options, MediaPictureResult result)
    {
        string level = double.IsFinite(result.PeakDbfs) ? $"peak {Units.Decibels(result.PeakDbfs)} dBFS, " + (double.IsFinite(result.LoudnessLufs) ? $"{Units.Decibels(result.LoudnessLufs)} LUFS" : "too quiet for LUFS") : "silent";
        string line = string.Create(CultureInfo.InvariantCulture, $"{options.Output}: {result.Duration.TotalSeconds:0.00} s of sound, {level}, onsets: {result.Onsets.Count}");
        return result.Match is null ? line : line + Environment.NewLine + Compare(result.Match);
    }

    private static string Compare(OnsetMatch match)
    {
        string line = $"{match.Hits} of {match.Events.Count} events have an onset within {OnsetMatch.Tolerance.TotalMilliseconds:0} ms";
        if (match.MedianError is { } median) line += string.Create(CultureInfo.InvariantCulture, $" (median error {median.TotalMilliseconds:0} ms)");
        return line + $"; further onsets: {match.Found.Count - match.Hits}";
    }

    private static string ToJson(MediaPictureOptions options, MediaPictureResult result) => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("version", CommandLine.Version);
        json.WriteString("input", options.Input);
        json.WriteString("picture", options.Output);
        json.WriteNumber("start_s", options.Start.TotalSeconds);
        json.WriteNumber("duration_s", result.Duration.TotalSeconds);
        json.WriteNumber("num_samples", result.NumSamples);
        json.WriteNumber("sample_rate", result.SampleRate);
        json.WriteNumber("num_channels", result.NumChannels);
        json.WriteBoolean("has_video", result.HasVideo);
        WriteLevel(json, "peak_dbfs", result.PeakDbfs);
        WriteLevel(json, "loudness_lufs", result.LoudnessLufs);
        WriteTimes(json, "onsets_s", result.Onsets);
        if (result.Match is { } match)
        {
            WriteTimes(json, "events_s", match.Events);
            json.WriteNumber("hits", match.Hits);
            json.WriteNumber("tolerance_s", OnsetMatch.Tolerance.TotalSeconds);
            if (match.MedianError is { } median) json.WriteNumber("median_error_s", median.TotalSeconds);
            else json.WriteNull("median_error_s");
        }
        json.WriteEndObject();
    });

    private static void WriteLevel(Utf8JsonWriter json, string name, double level)
    {
        if (double.IsFinite(level)) json.WriteNumber(name, Math.Round(level, 2));
        else json.WriteNull(name);
    }

    private static void WriteTimes(Utf8JsonWriter json, string name, IReadOnlyList<TimeSpan> times)
    {
        json.WriteStartArray(name);
        foreach (TimeSpan time in times) json.WriteNumberValue(time.TotalSeconds);
        json.WriteEndArray();
    }
}
