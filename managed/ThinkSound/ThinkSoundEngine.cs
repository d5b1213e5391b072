using System.Text;
using ThinkSound.Bundles;
using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>One device and one bundle with its loaded weights. Any thread. Another model is another engine: load it in the
/// background, move over, dispose of the old one.</summary>
/// <example>
/// <code>
/// using var engine = await ThinkSoundEngine.LoadAsync("models/foley-small");
/// using var session = engine.CreateSession();
/// var clip = await session.GenerateAsync(new Conditions { Caption = "rain on a tin roof" });
/// clip.SaveWav("rain.wav");
/// </code>
/// </example>
public sealed class ThinkSoundEngine : IDisposable
{
    private readonly ts_engine _handle;
    private readonly Lazy<BundleDescription> _bundle;
    private int _users = 1; // the engine's owner and every session; the last to go takes the weights along
    private int _isDisposed;

    private ThinkSoundEngine(ts_engine handle, string? folder)
    {
        _handle = handle;
        Info = EngineInfo.Of(handle);
        Defaults = ReadDefaults(handle);
        _bundle = new Lazy<BundleDescription>(() => Describe(handle, folder));
    }

    /// <summary>What is loaded, and where.</summary>
    public EngineInfo Info { get; }

    /// <summary>What the bundle says about itself: licence, origin, the configuration of each network.</summary>
    public BundleDescription Bundle => _bundle.Value;

    /// <summary>What stands for what a caller leaves open: as the bundle recommends, or else as the reference has it.</summary>
    public GenerateOptions Defaults { get; }

    /// <summary>Options with nothing left open: <see cref="Defaults"/> stand for what is null.</summary>
    public GenerateOptions Complete(GenerateOptions? options = null) => (options ?? new GenerateOptions()).Or(Defaults);

    internal StageTimes StageTimes { get; } = new();

    /// <summary>Loads a bundle on the best device. See <see cref="LoadAsync(EngineOptions, IProgress{GenerateProgress}, CancellationToken)"/>.</summary>
    /// <param name="bundlePath">Folder with bundle.json.</param>
    /// <param name="progress">Told of each tensor, on the thread that loads.</param>
    /// <param name="cancellationToken">Stops within one tensor.</param>
    public static Task<ThinkSoundEngine> LoadAsync(string bundlePath, IProgress<GenerateProgress>? progress = null,
                                                   CancellationToken cancellationToken = default) =>
        LoadAsync(new EngineOptions { BundlePath = bundlePath }, progress, cancellationToken);

    /// <summary>Loads a bundle on a thread of its own; seconds for models of published size. Other engines go on meanwhile.</summary>
    /// <param name="options">What to load, and where.</param>
    /// <param name="progress">Told of each tensor, on the thread that loads: <see cref="GenerateStage.Load"/>, in thousandths
    /// of the parameters.</param>
    /// <param name="cancellationToken">Stops within one tensor; nothing of the model is left then.</param>
    /// <exception cref="NativeLibraryException">The native library is missing or does not fit.</exception>
    /// <exception cref="ResourceNotFoundException">The bundle, one of its files or the device is not there.</exception>
    /// <exception cref="FileAccessException">A file cannot be read.</exception>
    /// <exception cref="BundleException">bundle.json, a configuration or a tokenizer file is damaged.</exception>
    /// <exception cref="WeightsException">A weight file is damaged or does not fit its configuration.</exception>
    /// <exception cref="DeviceMemoryException">The weights do not fit.</exception>
    /// <exception cref="DeviceException">The device failed.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static async Task<ThinkSoundEngine> LoadAsync(EngineOptions options, IProgress<GenerateProgress>? progress = null,
                                                         CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        cancellationToken.ThrowIfCancellationRequested();
        return await NativeThread.Run(() => Load(options, progress, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Loads a bundle on the calling thread. See <see cref="LoadAsync(EngineOptions, IProgress{GenerateProgress}, CancellationToken)"/>.</summary>
    public static unsafe ThinkSoundEngine Load(EngineOptions options, IProgress<GenerateProgress>? progress = null,
                                               CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.BundlePath is null && options.Synthetic is null)
            throw new ArgumentException("name a bundle: set BundlePath to the folder that holds bundle.json (or Synthetic)", nameof(options));
        CoreLibrary.EnsureLoaded();
        cancellationToken.ThrowIfCancellationRequested();
        var clock = new ProgressClock(TimeProvider.System, new StageTimes(), [new PlannedStage(GenerateStage.Load, 1)]);
        using var run = new Run(progress, clock, () => false, cancellationToken);
        using var arguments = new NativeArguments();
        ts_engine_options native = ts_engine_options.create();
        native.precision = (ts_precision)options.Precision;
        native.bundle_path = arguments.String(options.BundlePath, nameof(EngineOptions.BundlePath));
        native.device = arguments.String(options.Device, nameof(EngineOptions.Device));
        native.num_threads = NativeConditions.ToUnsigned(options.Threads, nameof(EngineOptions.Threads));
        native.components = (ts_components)options.Components;
        native.memory_cap_bytes = options.MemoryCapBytes;
        native.synthetic = arguments.String(options.Synthetic, nameof(EngineOptions.Synthetic));
        native.progress = Run.OnProgress;
        native.user_data = run.UserData;
        run.Check(Native.ts_engine_create(&native, out ts_engine handle));
        return new ThinkSoundEngine(handle, options.BundlePath);
    }

    /// <summary>A session, cheap: one generation at a time. Several sessions may work at once.</summary>
    /// <exception cref="DeviceMemoryException">The memory cap is reached.</exception>
    /// <exception cref="ObjectDisposedException">The engine was disposed of.</exception>
    public ThinkSoundSession CreateSession()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isDisposed) != 0, this);
        Interlocked.Increment(ref _users);
        try
        {
            return new ThinkSoundSession(this, _handle);
        }
        catch
        {
            Release();
            throw;
        }
    }

    /// <summary>The lengths that belong to a duration.</summary>
    /// <exception cref="ArgumentException">The duration is not within 1 to 60 seconds.</exception>
    public unsafe ClipLengths GetLengths(TimeSpan duration, LengthRule rule = LengthRule.Exact)
    {
        ts_lengths lengths = ts_lengths.create();
        Status.Check(Native.ts_get_lengths(_handle, duration.TotalSeconds, (ts_length_rule)rule, &lengths));
        return new ClipLengths((int)lengths.latent_len, (int)lengths.clip_len, (int)lengths.sync_len, (int)lengths.num_sync_frames,
                               (long)lengths.num_samples);
    }

    /// <summary>The memory that a generation needs. Exact: the code that runs is the code that plans.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public unsafe MemoryPlan PlanMemory(GenerateOptions? options = null)
    {
        ts_generate_options native = NativeConditions.Of(Complete(options));
        ts_memory_plan plan = ts_memory_plan.create();
        Status.Check(Native.ts_plan_memory(_handle, &native, &plan));
        return new MemoryPlan((long)plan.weights_bytes, (long)plan.arena_bytes, (long)plan.text_bytes, (long)plan.sample_bytes,
                              (long)plan.decode_bytes, (long)plan.vision_bytes, (long)plan.recognise_bytes, (long)plan.total_bytes);
    }

    /// <summary>Samples of decoded sound that depend on some of its latent steps; all others are the same bit for bit whatever
    /// those steps are.</summary>
    /// <param name="begin">First latent step.</param>
    /// <param name="end">The step after the last.</param>
    /// <param name="length">Steps of the whole latent.</param>
    /// <returns>From Begin up to End. With a codec that finds phases (type "mel") up to the end of the sound: its waveform changes
    /// from there on, though its spectrum does not. So to edit a part, cross-fade from the old sound to the new and back inside it.</returns>
    /// <exception cref="ArgumentException">The range is empty or not within the latent.</exception>
    /// <exception cref="UnsupportedException">No decoder is loaded.</exception>
    public unsafe (long Begin, long End) DecodedRange(int begin, int end, int length)
    {
        ulong first = 0, after = 0;
        Status.Check(Native.ts_decoded_range(_handle, NativeConditions.ToUnsigned(begin, nameof(begin)), NativeConditions.ToUnsigned(end, nameof(end)),
                                             NativeConditions.ToUnsigned(length, nameof(length)), &first, &after));
        return ((long)first, (long)after);
    }

    /// <summary>Latent steps of encoded sound that depend on some of its samples.</summary>
    /// <param name="begin">First sample, at <see cref="EngineInfo.SampleRate"/>.</param>
    /// <param name="end">The sample after the last.</param>
    /// <param name="samples">Samples of the whole sound.</param>
    /// <returns>From Begin up to End.</returns>
    /// <exception cref="ArgumentException">The range is empty or not within the sound.</exception>
    /// <exception cref="UnsupportedException">No encoder is loaded.</exception>
    public unsafe (int Begin, int End) EncodedRange(long begin, long end, long samples)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(begin);
        ArgumentOutOfRangeException.ThrowIfLessThan(end, begin);
        ArgumentOutOfRangeException.ThrowIfLessThan(samples, end);
        uint first = 0, after = 0;
        Status.Check(Native.ts_encoded_range(_handle, (ulong)begin, (ulong)end, (ulong)samples, &first, &after));
        return ((int)first, (int)after);
    }

    /// <summary>A text as its encoder receives it, and how much of it was kept.</summary>
    /// <exception cref="UnsupportedException">The bundle has no such tokenizer.</exception>
    public unsafe Tokens Tokenize(TextEncoder encoder, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        using var arguments = new NativeArguments();
        var ids = new int[Info.TextLength];
        uint count = 0;
        ulong keptBytes = 0;
        byte* utf8 = arguments.String(text, nameof(text));
        fixed (int* first = ids)
            Status.Check(Native.ts_tokenize(_handle, (ts_text_encoder)encoder, utf8, first, (uint)ids.Length, &count, &keptBytes));
        int keptChars = System.Text.Encoding.UTF8.GetCharCount(utf8, (int)keptBytes);
        return new Tokens(ids, (int)count, text[..Math.Min(keptChars, text.Length)], count > ids.Length);
    }

    private static unsafe GenerateOptions ReadDefaults(ts_engine handle)
    {
        ts_generate_options native = ts_generate_options.create();
        Status.Check(Native.ts_get_generate_defaults(handle, &native));
        return new GenerateOptions
        {
            Steps = (int)native.num_steps, GuidanceScale = native.cfg_scale, GuidanceRescale = native.scale_phi,
            Candidates = (int)native.num_candidates, Jumps = (int)native.num_jumps, JumpLength = (int)native.jump_length,
        };
    }

    private static unsafe BundleDescription Describe(ts_engine handle, string? path)
    {
        string json = Utf8.Read(Native.ts_engine_description(handle));
        string? folder = path is null ? null : Path.GetFullPath(Directory.Exists(path) ? path : Path.GetDirectoryName(path)!);
        return BundleDescription.Parse(Encoding.UTF8.GetBytes(json), path ?? "synthetic bundle", folder);
    }

    /// <summary>Gives up the engine. Sessions that still exist go on and keep the weights until they are disposed of.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0) Release();
    }

    /// <summary>The owner or a session needs it no more.</summary>
    internal void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) _handle.Dispose();
    }
}
