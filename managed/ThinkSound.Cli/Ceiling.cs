using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace ThinkSound.Cli;

/// <summary>The best matrix product that this machine reaches, in 10⁹ operations a second: what percentages are of.</summary>
internal sealed partial record Ceiling(double BFloat16, double Float32)
{
    public double For(string precision) => precision == "bf16" ? BFloat16 : Float32;

    /// <summary>The better of two measurements.</summary>
    public Ceiling Or(Ceiling? other) => other is null ? this : new(Math.Max(BFloat16, other.BFloat16), Math.Max(Float32, other.Float32));

    /// <summary>What the caller says, or what the native benchmark measures now; null without either.</summary>
    /// <param name="wanted">A number, a program, or null to look for one.</param>
    /// <param name="threads">Worker threads; 0 = one per core.</param>
    /// <param name="terminal">Told when the program is there and does not answer.</param>
    public static Ceiling? Find(string? wanted, int threads, Terminal terminal)
    {
        if (TryNumber(wanted, out double gflops)) return new Ceiling(gflops, gflops);
        string? program = wanted ?? Programs().FirstOrDefault(File.Exists);
        if (program is null) return null;
        Ceiling? measured = Measure(program, threads);
        if (measured is null) terminal.Warn($"{program} did not tell its best product; no percentages");
        return measured;
    }

    public static bool MakesSense(string? wanted) => wanted is null || TryNumber(wanted, out _) || File.Exists(wanted);

    private static bool TryNumber(string? text, out double number) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number) && number > 0 && double.IsFinite(number);

    /// <summary>The benchmarks of a checkout, as its presets build them.</summary>
    private static IEnumerable<string> Programs()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            foreach (string preset in (string[])["bench", "cpu", "cuda"])
                yield return Path.Combine(folder.FullName, "build", preset, "bin", "ts_bench");
    }

    private static Ceiling? Measure(string program, int threads)
    {
        // Without a benchmark of that name it measures the product alone.
        var start = new ProcessStartInfo(program, ["--threads", threads.ToString(CultureInfo.InvariantCulture), "the-product-alone"]) { RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        Match match = BestProduct().Match(process.StandardOutput.ReadToEnd());
        process.WaitForExit();
        return match.Success ? new Ceiling(Number("bf16"), Number("f32")) : null;

        double Number(string group) => double.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"best oneDNN product .*: bf16 (?<bf16>[0-9.]+), f32 (?<f32>[0-9.]+) GFLOP/s")]
    private static partial Regex BestProduct();
}
