using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>What an engine has loaded.</summary>
public sealed record EngineInfo
{
    /// <summary>Of the bundle.</summary>
    public required string Name { get; init; }
    /// <summary>"cpu", "cuda:0".</summary>
    public required string Device { get; init; }
    /// <summary>Why "auto" chose that device.</summary>
    public required string DeviceChoice { get; init; }
    /// <summary>"f32", "bf16", "f16", "int8" or "fp8".</summary>
    public required string Precision { get; init; }
    /// <summary>What is loaded.</summary>
    public required BundleComponents Components { get; init; }
    /// <summary>Of all loaded networks together.</summary>
    public required long Parameters { get; init; }
    /// <summary>Memory of the weights, as packed for the device.</summary>
    public required long WeightsBytes { get; init; }
    /// <summary>Hz: 44 100.</summary>
    public required int SampleRate { get; init; }
    /// <summary>Samples per latent step: 2048.</summary>
    public required int Hop { get; init; }
    /// <summary>Channels of a latent: 64.</summary>
    public required int LatentDim { get; init; }
    /// <summary>Width of the features of CLIP frames; 0 if unknown.</summary>
    public required int ClipDim { get; init; }
    /// <summary>Width of sync features; 0 if unknown.</summary>
    public required int SyncDim { get; init; }
    /// <summary>Width of caption features; 0 if unknown.</summary>
    public required int TextDim { get; init; }
    /// <summary>Width of chain-of-thought features; 0 if unknown.</summary>
    public required int T5Dim { get; init; }
    /// <summary>Tokens of each text encoder: 77.</summary>
    public required int TextLength { get; init; }
    /// <summary>Frames per second that <see cref="ThinkSoundSession.EncodeClipFramesAsync"/> wants: 8.</summary>
    public required double ClipFps { get; init; }
    /// <summary>Frames per second that <see cref="ThinkSoundSession.EncodeSyncFramesAsync"/> wants: 25.</summary>
    public required double SyncFps { get; init; }
    /// <summary>Worker threads.</summary>
    public required int Threads { get; init; }
    /// <summary>What the recogniser tells apart, in the bundle's order; empty without one.</summary>
    public required IReadOnlyList<string> Classes { get; init; }
    /// <summary>The materials that the recogniser tells apart, in the bundle's order; empty without one.</summary>
    public required IReadOnlyList<string> Materials { get; init; }
    /// <summary>Probabilities of an onset for each row of sync features; 0 without a recogniser.</summary>
    public required int OnsetsPerStep { get; init; }

    internal static unsafe EngineInfo Of(ts_engine engine)
    {
        ts_engine_info info = ts_engine_info.create();
        Status.Check(Native.ts_engine_get_info(engine, &info));
        return new EngineInfo
        {
            Name = Utf8.Read(info.name, 64),
            Device = Utf8.Read(info.device, 32),
            DeviceChoice = Utf8.Read(info.device_choice, 256),
            Precision = Utf8.Read(info.precision, 8),
            Components = (BundleComponents)info.components,
            Parameters = (long)info.num_parameters,
            WeightsBytes = (long)info.weights_bytes,
            SampleRate = (int)info.sample_rate,
            Hop = (int)info.hop,
            LatentDim = (int)info.latent_dim,
            ClipDim = (int)info.clip_dim,
            SyncDim = (int)info.sync_dim,
            TextDim = (int)info.text_dim,
            T5Dim = (int)info.t5_dim,
            TextLength = (int)info.text_len,
            ClipFps = info.clip_fps,
            SyncFps = info.sync_fps,
            Threads = (int)info.num_threads,
            Classes = [.. Enumerable.Range(0, (int)info.num_classes).Select(i => Utf8.Read(Native.ts_class_name(engine, (uint)i)))],
            Materials = [.. Enumerable.Range(0, (int)info.num_materials).Select(i => Utf8.Read(Native.ts_material_name(engine, (uint)i)))],
            OnsetsPerStep = (int)info.onsets_per_step,
        };
    }
}
