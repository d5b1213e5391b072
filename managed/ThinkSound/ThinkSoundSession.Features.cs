using ThinkSound.Interop;

namespace ThinkSound;

// Single steps of the pipeline, for those who build their own. Errors as for GenerateAsync.
public sealed partial class ThinkSoundSession
{
    /// <summary>Frames at <see cref="EngineInfo.ClipFps"/> to features for <see cref="Conditions.ClipFeatures"/>, one row a
    /// frame. Frames are independent, so any number may be given at a time.</summary>
    public unsafe Task<Features> EncodeClipFramesAsync(VideoFrames frames, IProgress<GenerateProgress>? progress = null,
                                                CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(frames);
        return EncodeFrames(frames, GenerateStage.ClipVision, frames.Count, Engine.Info.ClipDim, progress, cancellationToken);
    }

    /// <summary>Frames at <see cref="EngineInfo.SyncFps"/>, at least 16, to features for <see cref="Conditions.SyncFeatures"/>,
    /// 8 rows for each 16 frames, every 8. To go on after a call, repeat its last 8 frames.</summary>
    public unsafe Task<Features> EncodeSyncFramesAsync(VideoFrames frames, IProgress<GenerateProgress>? progress = null,
                                                CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(frames);
        if (frames.Count < 16) throw new ArgumentException($"sync features need at least 16 frames, not {frames.Count}", nameof(frames));
        return EncodeFrames(frames, GenerateStage.Synchformer, 8 * ((frames.Count - 16) / 8 + 1), Engine.Info.SyncDim, progress,
                            cancellationToken);
    }

    private unsafe Task<Features> EncodeFrames(VideoFrames frames, GenerateStage stage, int rows, int width,
                                        IProgress<GenerateProgress>? progress, CancellationToken cancellationToken) =>
        Work([new PlannedStage(stage, rows)], run =>
        {
            using var arguments = new NativeArguments();
            ts_frames native = ts_frames.create();
            native.num_frames = (uint)frames.Count;
            native.pixels = arguments.Pin(frames.Pixels);
            native.width = (uint)frames.Width;
            native.height = (uint)frames.Height;
            native.row_bytes = (ulong)frames.RowBytes;
            native.frame_bytes = (ulong)frames.FrameBytes;
            native.format = (ts_pixel_format)frames.Format;
            if (frames.Format == PixelFormat.Nv12)
            {
                native.color = (ts_yuv_color)frames.Color;
                native.chroma = arguments.Pin(frames.Chroma);
                native.chroma_row_bytes = (ulong)frames.ChromaRowBytes;
                native.chroma_frame_bytes = (ulong)frames.ChromaFrameBytes;
            }
            var features = new float[checked(rows * width)];
            fixed (float* first = features)
                run.Check(stage == GenerateStage.ClipVision
                    ? Native.ts_encode_clip_frames(_handle, &native, Run.OnProgress, run.UserData, first, (ulong)features.Length)
                    : Native.ts_encode_sync_frames(_handle, &native, Run.OnProgress, run.UserData, first, (ulong)features.Length));
            return new Features(rows, width, features);
        }, progress, cancellationToken);

    /// <summary>Text to features for <see cref="Conditions.TextFeatures"/> or <see cref="Conditions.T5Features"/>: one row a
    /// token, padding included, because the model reads it.</summary>
    public unsafe Task<Features> EncodeTextAsync(TextEncoder encoder, string text, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        int rows = Engine.Info.TextLength;
        int width = encoder == TextEncoder.T5 ? Engine.Info.T5Dim : Engine.Info.TextDim;
        return Work([], run =>
        {
            using var arguments = new NativeArguments();
            var features = new float[checked(rows * width)];
            fixed (float* first = features)
                run.Check(Native.ts_encode_text(_handle, (ts_text_encoder)encoder, arguments.String(text, nameof(text)), first,
                                                (ulong)features.Length));
            return new Features(rows, width, features);
        }, null, cancellationToken);
    }

    /// <summary>Features of a video to what makes its sound, of what material, and when it strikes.</summary>
    /// <param name="clip">From <see cref="EncodeClipFramesAsync"/>, a row at least.</param>
    /// <param name="sync">From <see cref="EncodeSyncFramesAsync"/>, a row at least; onsets are counted from its first.</param>
    /// <param name="cancellationToken">Stops within one layer.</param>
    /// <exception cref="ArgumentException">The features have other widths, or hold a NaN or an infinity.</exception>
    /// <exception cref="UnsupportedException">The bundle has no recogniser: <see cref="EngineInfo.Classes"/> is empty.</exception>
    public unsafe Task<Recognition> RecogniseAsync(Features clip, Features sync, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clip);
        ArgumentNullException.ThrowIfNull(sync);
        EngineInfo info = Engine.Info;
        return Work([], run =>
        {
            using var arguments = new NativeArguments();
            float* clipRows = NativeConditions.Pin(clip, info.ClipDim, nameof(clip), arguments);
            float* syncRows = NativeConditions.Pin(sync, info.SyncDim, nameof(sync), arguments);
            var classes = new float[info.Classes.Count];
            var materials = new float[info.Materials.Count];
            var onsets = new float[checked(sync.Rows * info.OnsetsPerStep)];
            fixed (float* toClasses = classes, toMaterials = materials, toOnsets = onsets)
                run.Check(Native.ts_recognise(_handle, clipRows, (uint)clip.Rows, syncRows, (uint)sync.Rows, toClasses, (ulong)classes.Length,
                                              toMaterials, (ulong)materials.Length, toOnsets, (ulong)onsets.Length));
            return new Recognition
            {
                Classes = Recognition.Rank(info.Classes, classes),
                Materials = Recognition.Rank(info.Materials, materials),
                OnsetTrack = onsets,
                OnsetRate = info.SyncFps * info.OnsetsPerStep,
                OnsetThreshold = Engine.Bundle.OnsetThreshold,
            };
        }, null, cancellationToken);
    }

    /// <summary>Conditions to a latent, without decoding it.</summary>
    public unsafe Task<Latent> SampleAsync(Conditions conditions, GenerateOptions? options = null,
                                    IProgress<GenerateProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(conditions);
        options = Engine.Complete(options);
        int length = Engine.GetLengths(options.Duration, options.Lengths).LatentLength;
        return Work(Plan(options, length)[..2], run =>
        {
            using var arguments = new NativeArguments();
            ts_conditions from = NativeConditions.Of(conditions, Engine.Info, length, arguments);
            ts_generate_options how = NativeConditions.Of(options, Engine.Info, length, arguments);
            var latent = new float[checked(Engine.Info.LatentDim * length)];
            fixed (float* first = latent)
                run.Check(Native.ts_sample(_handle, &from, &how, Run.OnProgress, run.UserData, first, (ulong)latent.Length));
            return new Latent(Engine.Info.LatentDim, length, latent);
        }, progress, cancellationToken);
    }

    /// <summary>How well a caption says what is heard in a latent: 0 to 1.</summary>
    /// <param name="latent">From <see cref="SampleAsync"/>, <see cref="EditAsync"/> or <see cref="EncodeAudioAsync"/>.</param>
    /// <param name="caption">What is heard, in a few words.</param>
    /// <param name="cancellationToken">Stops within one layer.</param>
    /// <exception cref="UnsupportedException">The bundle has no listener.</exception>
    public unsafe Task<float> ListenAsync(Latent latent, string caption, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(latent);
        ArgumentNullException.ThrowIfNull(caption);
        RequireChannels(latent);
        return Work([], run =>
        {
            using var arguments = new NativeArguments();
            float fit = 0;
            run.Check(Native.ts_listen(_handle, arguments.Pin(latent.Data), (uint)latent.Length, arguments.String(caption, nameof(caption)), &fit));
            return fit;
        }, null, cancellationToken);
    }

    /// <summary>Edits a latent: what <paramref name="source"/> and <paramref name="target"/> agree on stays, what differs moves.
    /// Decode it with <see cref="DecodeAsync"/>.</summary>
    /// <param name="source">What the sound is.</param>
    /// <param name="target">What it should be, usually the same video with another text.</param>
    /// <param name="options">What to edit, and how far.</param>
    /// <param name="progress">Told of each step, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one evaluation of the model.</param>
    /// <exception cref="ArgumentException">An option or the shape of an input is out of range.</exception>
    public unsafe Task<Latent> EditAsync(Conditions source, Conditions target, EditOptions options,
                                         IProgress<GenerateProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(options);
        options = options.Or(Engine.Defaults);
        int length = Engine.GetLengths(options.Duration, options.Lengths).LatentLength;
        int halves = (options.SourceGuidanceScale == 1 ? 1 : 2) + (options.GuidanceScale == 1 ? 1 : 2);
        PlannedStage[] plan =
        [
            new PlannedStage(GenerateStage.Text, 1),
            new PlannedStage(GenerateStage.Sample, (double)length * options.EditSteps!.Value * options.Averages * halves),
        ];
        return Work(plan, run =>
        {
            using var arguments = new NativeArguments();
            ts_conditions from = NativeConditions.Of(source, Engine.Info, length, arguments), to = NativeConditions.Of(target, Engine.Info, length, arguments);
            ts_edit_options how = NativeConditions.Of(options, Engine.Info, length, arguments);
            var latent = new float[checked(Engine.Info.LatentDim * length)];
            fixed (float* first = latent)
                run.Check(Native.ts_edit_latent(_handle, &from, &to, &how, Run.OnProgress, run.UserData, first, (ulong)latent.Length));
            return new Latent(Engine.Info.LatentDim, length, latent);
        }, progress, cancellationToken);
    }

    /// <summary>A latent to sound: <see cref="EngineInfo.Hop"/> samples a step, not cut to a duration.</summary>
    /// <param name="latent">From <see cref="SampleAsync"/>, <see cref="EditAsync"/> or <see cref="EncodeAudioAsync"/>.</param>
    /// <param name="decodeChunk">Latent steps at a time; 0 suits the device. The result is the same.</param>
    /// <param name="progress">Told of each chunk, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one chunk.</param>
    public unsafe Task<AudioClip> DecodeAsync(Latent latent, int decodeChunk = 0, IProgress<GenerateProgress>? progress = null,
                                       CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(latent);
        uint chunk = NativeConditions.ToUnsigned(decodeChunk, nameof(decodeChunk));
        RequireChannels(latent);
        return Work([new PlannedStage(GenerateStage.Decode, latent.Length)], run =>
        {
            using var arguments = new NativeArguments();
            var audio = new float[checked(2 * Engine.Info.Hop * latent.Length)];
            fixed (float* first = audio)
                run.Check(Native.ts_decode(_handle, arguments.Pin(latent.Data), (uint)latent.Length, chunk, Run.OnProgress, null,
                                           run.UserData, first, (ulong)audio.Length));
            return new AudioClip(2, Engine.Info.SampleRate, audio);
        }, progress, cancellationToken);
    }

    /// <summary>Begins a sound whose latents come piece by piece. Any number may be open in a session.</summary>
    /// <param name="decodeChunk">Latent steps at a time; 0 suits the device.</param>
    /// <exception cref="UnsupportedException">The bundle has no decoder.</exception>
    public DecodeStream OpenDecodeStream(int decodeChunk = 0)
    {
        Status.Check(Native.ts_decode_stream_create(_handle, NativeConditions.ToUnsigned(decodeChunk, nameof(decodeChunk)), out ts_decode_stream stream));
        return new DecodeStream(this, stream);
    }

    internal unsafe Task<AudioClip> PushAsync(ts_decode_stream stream, Latent? latent, bool isLast, IProgress<GenerateProgress>? progress,
                                              CancellationToken cancellationToken)
    {
        if (latent is not null) RequireChannels(latent);
        return Work([new PlannedStage(GenerateStage.Decode, latent?.Length ?? 1)], run =>
        {
            using var arguments = new NativeArguments();
            run.Pcm = new PcmGatherer();
            run.Check(Native.ts_decode_stream_push(stream, latent is null ? null : arguments.Pin(latent.Data), (uint)(latent?.Length ?? 0),
                                                   isLast ? 1 : 0, Run.OnProgress, Run.OnPcm, run.UserData));
            return run.Pcm.ToClip(Engine.Info.SampleRate);
        }, progress, cancellationToken);
    }

    /// <summary>Sound to a latent, resampled to the model's rate. Mono is doubled, channels after the second are dropped, the
    /// end is padded with silence to a whole step.</summary>
    /// <param name="audio">Any rate and number of channels.</param>
    /// <param name="seed">0 takes the mean of the posterior, anything else draws from it.</param>
    /// <param name="progress">Told of each step, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one step.</param>
    public unsafe Task<Latent> EncodeAudioAsync(AudioClip audio, ulong seed = 0, IProgress<GenerateProgress>? progress = null,
                                         CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(audio);
        return Work([new PlannedStage(GenerateStage.EncodeAudio, audio.Duration.TotalSeconds)], run =>
        {
            using var arguments = new NativeArguments();
            float* samples = arguments.Pin(audio.Planar);
            var (channels, count, rate) = ((uint)audio.Channels, (ulong)audio.Samples, (uint)audio.SampleRate);
            uint length = 0;
            run.Check(Native.ts_encode_audio(_handle, samples, channels, count, rate, seed, null, null, null, 0, &length));
            var latent = new float[checked(Engine.Info.LatentDim * (int)length)];
            fixed (float* first = latent)
                run.Check(Native.ts_encode_audio(_handle, samples, channels, count, rate, seed, Run.OnProgress, run.UserData, first,
                                                 (ulong)latent.Length, &length));
            return new Latent(Engine.Info.LatentDim, (int)length, latent);
        }, progress, cancellationToken);
    }

    private void RequireChannels(Latent latent)
    {
        if (latent.Channels != Engine.Info.LatentDim)
            throw new ArgumentException($"the latent has {latent.Channels} channels, this model's have {Engine.Info.LatentDim}", nameof(latent));
    }
}
