using System.Diagnostics;

namespace ThinkSound.Benchmarks;

/// <summary>One generation, in seconds, as its progress and its blocks of sound tell.</summary>
internal sealed class GenerationTimes
{
    public required IReadOnlyList<double> Steps { get; init; }
    public required double Loop { get; init; }
    public required double Decode { get; init; }
    public required double FirstSound { get; init; }
    public required double Total { get; init; }

    public static async Task<GenerationTimes> Measure(ThinkSoundSession session, Conditions conditions, GenerateOptions options, CancellationToken cancel)
    {
        var marks = new Marks();
        double first = 0;
        long began = Stopwatch.GetTimestamp();
        await foreach (PcmBlock _ in session.StreamAsync(conditions, options, null, marks, cancel).ConfigureAwait(false))
            if (first == 0) first = Stopwatch.GetElapsedTime(began).TotalSeconds;
        double total = Stopwatch.GetElapsedTime(began).TotalSeconds;

        List<long> sample = marks.Of(GenerateStage.Sample), decode = marks.Of(GenerateStage.Decode);
        // Preparation (conditions, noise) lies between the stage's begin and its first step, and belongs to the loop.
        return new GenerationTimes
        {
            Steps = [.. sample.Skip(1).Zip(sample.Skip(2), static (from, to) => Stopwatch.GetElapsedTime(from, to).TotalSeconds) is var later &&
                       later.Any() ? later : [Stopwatch.GetElapsedTime(sample[0], sample[^1]).TotalSeconds]],
            Loop = Stopwatch.GetElapsedTime(sample[0], sample[^1]).TotalSeconds,
            Decode = Stopwatch.GetElapsedTime(sample[^1], decode[^1]).TotalSeconds,
            FirstSound = first,
            Total = total,
        };
    }

    /// <summary>When each step of each stage was done.</summary>
    private sealed class Marks : IProgress<GenerateProgress>
    {
        private readonly List<(GenerateStage Stage, long At)> _marks = [];

        public void Report(GenerateProgress value) => _marks.Add((value.Stage, Stopwatch.GetTimestamp()));

        public List<long> Of(GenerateStage stage) => [.. _marks.Where(mark => mark.Stage == stage).Select(mark => mark.At)];
    }
}
