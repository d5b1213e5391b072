namespace ThinkSound.Interop;

/// <summary>Records as the structs that native code reads. What the library cannot check, because it sees addresses only,
/// is checked here: that each array is as long as the library will read it.</summary>
internal static unsafe class NativeConditions
{
    public static ts_conditions Of(Conditions conditions, EngineInfo engine, int latentLength, NativeArguments arguments)
    {
        ts_conditions native = ts_conditions.create();
        native.caption = arguments.String(conditions.Caption, nameof(Conditions.Caption));
        native.cot = arguments.String(conditions.ChainOfThought, nameof(Conditions.ChainOfThought));
        native.negative_caption = arguments.String(conditions.NegativeCaption, nameof(Conditions.NegativeCaption));
        native.negative_cot = arguments.String(conditions.NegativeChainOfThought, nameof(Conditions.NegativeChainOfThought));
        native.clip_features = Pin(conditions.ClipFeatures, engine.ClipDim, nameof(Conditions.ClipFeatures), arguments);
        native.num_clip = (uint)(conditions.ClipFeatures?.Rows ?? 0);
        native.sync_features = Pin(conditions.SyncFeatures, engine.SyncDim, nameof(Conditions.SyncFeatures), arguments);
        native.num_sync = (uint)(conditions.SyncFeatures?.Rows ?? 0);
        native.text_features = Pin(conditions.TextFeatures, engine.TextDim, nameof(Conditions.TextFeatures), arguments);
        native.num_text = (uint)(conditions.TextFeatures?.Rows ?? 0);
        native.t5_features = Pin(conditions.T5Features, engine.T5Dim, nameof(Conditions.T5Features), arguments);
        RequireRows(conditions.T5Features, engine.TextLength, nameof(Conditions.T5Features));
        native.global_text_feature = Pin(conditions.GlobalTextFeature, engine.TextDim, nameof(Conditions.GlobalTextFeature), arguments);
        RequireRows(conditions.GlobalTextFeature, 1, nameof(Conditions.GlobalTextFeature));
        native.masked_latent = Pin(conditions.MaskedLatent, engine, latentLength, nameof(Conditions.MaskedLatent), arguments);
        return native;
    }

    /// <summary>Without the latents: enough for plans. What is null is as the header has it.</summary>
    public static ts_generate_options Of(GenerateOptions options)
    {
        ts_generate_options native = ts_generate_options.create();
        native.num_steps = ToUnsigned(options.Steps, native.num_steps, nameof(GenerateOptions.Steps));
        native.cfg_scale = options.GuidanceScale ?? native.cfg_scale;
        native.scale_phi = options.GuidanceRescale ?? native.scale_phi;
        native.duration_s = options.Duration.TotalSeconds;
        native.seed = options.Seed;
        native.sampler = (ts_sampler)options.Sampler;
        native.lengths = (ts_length_rule)options.Lengths;
        native.sigma_max = options.SigmaMax;
        native.decode_chunk = ToUnsigned(options.DecodeChunk, nameof(GenerateOptions.DecodeChunk));
        native.num_jumps = ToUnsigned(options.Jumps, native.num_jumps, nameof(GenerateOptions.Jumps));
        native.jump_length = ToUnsigned(options.JumpLength, native.jump_length, nameof(GenerateOptions.JumpLength));
        native.num_candidates = ToUnsigned(options.Candidates, native.num_candidates, nameof(GenerateOptions.Candidates));
        return native;
    }

    public static ts_generate_options Of(GenerateOptions options, EngineInfo engine, int latentLength, NativeArguments arguments)
    {
        ts_generate_options native = Of(options);
        native.noise = Pin(options.Noise, engine, latentLength, nameof(GenerateOptions.Noise), arguments);
        native.init_latent = Pin(options.InitialLatent, engine, latentLength, nameof(GenerateOptions.InitialLatent), arguments);
        native.known_latent = Pin(options.KnownLatent, engine, latentLength, nameof(GenerateOptions.KnownLatent), arguments);
        native.known_mask = PinMask(options.KnownMask, latentLength, nameof(GenerateOptions.KnownMask), arguments);
        return native;
    }

    public static ts_edit_options Of(EditOptions options, EngineInfo engine, int latentLength, NativeArguments arguments)
    {
        ts_edit_options native = ts_edit_options.create();
        native.num_steps = ToUnsigned(options.Steps, native.num_steps, nameof(EditOptions.Steps));
        native.num_edit_steps = ToUnsigned(options.EditSteps, native.num_edit_steps, nameof(EditOptions.EditSteps));
        native.num_target_steps = ToUnsigned(options.TargetSteps, nameof(EditOptions.TargetSteps));
        native.num_averages = ToUnsigned(options.Averages, nameof(EditOptions.Averages));
        native.source_cfg_scale = options.SourceGuidanceScale;
        native.target_cfg_scale = options.GuidanceScale ?? native.target_cfg_scale;
        native.lengths = (ts_length_rule)options.Lengths;
        native.duration_s = options.Duration.TotalSeconds;
        native.seed = options.Seed;
        native.source_latent = Pin(options.Source, engine, latentLength, nameof(EditOptions.Source), arguments);
        native.known_mask = PinMask(options.KnownMask, latentLength, nameof(EditOptions.KnownMask), arguments);
        return native;
    }

    public static uint ToUnsigned(int value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value, name);
        return (uint)value;
    }

    private static uint ToUnsigned(int? value, uint otherwise, string name) => value is { } given ? ToUnsigned(given, name) : otherwise;

    /// <summary>The address of the rows, each <paramref name="width"/> wide.</summary>
    public static float* Pin(Features? features, int width, string name, NativeArguments arguments)
    {
        if (features is null) return null;
        // Width 0 is a network that is not loaded: the library then says so itself.
        if (width != 0 && features.Width != width)
            throw new ArgumentException($"{name} are {features.Width} wide, this model's are {width}", name);
        return arguments.Pin(features.Data);
    }

    private static void RequireRows(Features? features, int rows, string name)
    {
        if (features is not null && rows != 0 && features.Rows != rows)
            throw new ArgumentException($"{name} has {features.Rows} rows, the model wants {rows}", name);
    }

    private static float* PinMask(ReadOnlyMemory<float> mask, int length, string name, NativeArguments arguments)
    {
        if (mask.IsEmpty) return null;
        if (mask.Length != length) throw new ArgumentException($"{name} has {mask.Length} steps, this duration needs {length}", name);
        return arguments.Pin(mask);
    }

    private static float* Pin(Latent? latent, EngineInfo engine, int length, string name, NativeArguments arguments)
    {
        if (latent is null) return null;
        if (latent.Channels != engine.LatentDim || latent.Length != length)
            throw new ArgumentException($"{name} is {latent.Channels} × {latent.Length}, this duration needs " +
                                        $"{engine.LatentDim} × {length}", name);
        return arguments.Pin(latent.Data);
    }
}
