using ThinkSound.Media;

namespace ThinkSound.Rendering.Foley;

/// <summary>A sound that is never in memory whole, into its file: written as it is made where its gain is known beforehand, else
/// once its loudness is. Under a temporary name until it is complete; disposed of before, it leaves nothing.</summary>
internal sealed class LongSoundFile : IDisposable
{
    private const long LargestWav = uint.MaxValue - (1 << 20); // room for tags

    private readonly FoleyPlan _plan;
    private readonly FoleyOutput _output;
    private readonly LoudnessMeter _meter;
    private readonly MediaWriterOptions _options;
    private readonly CancellationToken _cancel;
    private readonly Stream? _device;
    private readonly SoundSpool? _spool;
    private MediaWriter? _writer;

    /// <exception cref="ArgumentException">The format cannot hold so much.</exception>
    /// <exception cref="OutputException">The folder cannot be written.</exception>
    public LongSoundFile(FoleyPlan plan, FoleyOutput output, ThinkSoundEngine engine, CancellationToken cancel)
    {
        (_plan, _output, _cancel) = (plan, output, cancel);
        int rate = engine.Info.SampleRate;
        Samples = WindowGrid.Of(engine).Samples(plan.Duration);
        string format = FoleyPlan.FormatOf(output);
        if (format == "wav" && 4 * Samples > LargestWav)
            throw new ArgumentException($"{output.Name}: {plan.Duration} of sound does not fit into a WAV file, which ends at 4 GiB; take flac");
        _meter = new LoudnessMeter(2, rate);
        try
        {
            bool isDevice = output.Path is { } path && OutputPath.IsDevice(path);
            _device = isDevice ? Attempt(() => new FileStream(output.Path!, FileMode.Open, FileAccess.Write)) : null;
            _options = SoundFile.WriterOptions(plan, output, format, FoleyTags.Of(plan, output, engine)) with
            {
                Path = isDevice ? null : output.Path, Output = isDevice ? _device : output.Stream, SampleRate = rate, NumSamples = Samples,
            };
            if (plan.Job.Loudness.Rule == LoudnessRule.None) _writer = Attempt(() => MediaWriter.Create(_options, cancel));
            else _spool = Attempt(() => new SoundSpool(isDevice || output.Path is null ? Path.GetTempPath() : Path.GetDirectoryName(Path.GetFullPath(output.Path))!));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Samples per channel of the whole.</summary>
    public long Samples { get; }

    /// <summary>Takes the next samples.</summary>
    /// <exception cref="OutputException">The disk is full.</exception>
    public void Write(AudioClip piece) => Attempt(() =>
    {
        _meter.Push(piece);
        if (_spool is not null) _spool.Write(piece);
        else _writer!.Write(piece.Planar.Span, piece.Channels);
        return true;
    });

    /// <summary>Completes the file and gives it its name.</summary>
    /// <exception cref="OutputException">The disk is full.</exception>
    public FoleyResult Finish() => Attempt(() =>
    {
        float gain = _meter.GainFor(_plan.Job.Loudness);
        if (_spool is not null)
        {
            _writer = MediaWriter.Create(_options with { Gain = gain }, _cancel);
            foreach (ReadOnlyMemory<float> block in _spool.Read(_options.NumChannels)) _writer.WriteInterleaved(block.Span, _options.NumChannels);
        }
        MediaWriteResult written = _writer!.Finish();
        return SoundFile.ResultOf(_plan, _output, written, gain, _meter.MeasureLoudness() + 20 * Math.Log10(gain)) with
        {
            Samples = Samples, SampleRate = _options.SampleRate,
        };
    });

    public void Dispose()
    {
        _writer?.Dispose();
        _spool?.Dispose();
        _device?.Dispose();
        _meter.Dispose();
    }

    private T Attempt<T>(Func<T> work) => SoundFile.Attempt(_output, work);
}
