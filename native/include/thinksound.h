/* ThinkSound: video, text or sound in, 44.1 kHz stereo sound out.
 *
 * This is the whole public interface of the native library, in C11. A first program:
 *
 *   ts_engine_options eo; ts_engine_options_init(&eo); eo.bundle_path = "models/foley-small";
 *   ts_engine* engine = NULL;             if (ts_engine_create(&eo, &engine)) puts(ts_last_error());
 *   ts_session* session = NULL;           ts_session_create(engine, &session);
 *   ts_conditions in; ts_conditions_init(&in); in.caption = "rain on a tin roof";
 *   ts_generate_options o; ts_generate_options_init(&o); o.duration_s = 8;
 *   uint64_t n = 0;                       ts_generate(session, &in, &o, NULL, NULL, NULL, 0, &n);
 *   float* pcm = malloc(2 * n * sizeof *pcm);
 *   ts_generate(session, &in, &o, NULL, NULL, pcm, 2 * n, &n);
 *
 * Rules that hold everywhere
 *   Strings    UTF-8, NUL-terminated, owned by the caller, copied where kept. Paths are UTF-8 on every system.
 *   Handles    opaque; freed by their own _destroy, which accepts NULL. A session keeps its engine alive and a job
 *              its session, so any order of destruction is safe.
 *   Structs    begin with struct_size and are filled by their _init, which writes every default; they only grow at
 *              the end. A longer struct of a newer caller is accepted if all that this library does not know is zero.
 *              An _init writes the struct of the version it first appeared in, for ever: when a struct grows, this
 *              header maps its _init to a new symbol, so that old programs keep their size.
 *   Errors     every function that can fail returns a ts_status; ts_last_error() is the sentence for a human.
 *   Safety     no exception, print, exit or abort crosses this border. Callbacks must not throw or call back into
 *              the same handle; a non-zero return cancels at the next step.
 *   Threads    said per function. "Any thread" means concurrent calls are allowed.
 *   Layouts    tensors are contiguous, slowest axis first; features are [tokens, width], latents [64, N] (channel,
 *              time), audio planar [2, num_samples].
 */
#ifndef THINKSOUND_H
#define THINKSOUND_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define TS_API __declspec(dllexport)
#else
#define TS_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a function changes or goes. Compare with ts_abi_version() after loading. */
#define TS_ABI_VERSION 1

typedef int32_t ts_status;
enum {
  TS_OK = 0,
  TS_INVALID_ARGUMENT = 1, /* an argument, shape, length or option is out of range         */
  TS_BUFFER_TOO_SMALL = 2, /* the needed size has been written to the size argument        */
  TS_NOT_FOUND = 3,        /* a file, component or device is not there                     */
  TS_IO_ERROR = 4,         /* the system refused to read or write                          */
  TS_BAD_WEIGHTS = 5,      /* a weight file is damaged or does not fit its configuration   */
  TS_BAD_BUNDLE = 6,       /* bundle.json, a configuration or a tokenizer file is damaged  */
  TS_BAD_MEDIA = 7,        /* a video or sound cannot be decoded or encoded                */
  TS_OUT_OF_MEMORY = 8,    /* the system or the engine's memory cap refused                */
  TS_DEVICE_ERROR = 9,     /* the device is missing, lost or failed                        */
  TS_CANCELLED = 10,       /* cancelled by the caller; nothing is wrong                    */
  TS_UNSUPPORTED = 11,     /* valid, but this bundle, device or build cannot do it         */
  TS_INTERNAL = 12         /* a fault of ours: please report it with the sentence          */
};

/* The ABI version this library was built with. Any thread. */
TS_API uint32_t ts_abi_version(void);
/* "0.1.0"; lives as long as the library. Any thread. */
TS_API const char* ts_version(void);
/* What went wrong in this thread's last failing call, "" if nothing; valid until this thread's next call. */
TS_API const char* ts_last_error(void);
/* "TS_BAD_WEIGHTS" for TS_BAD_WEIGHTS; "unknown status" for others. Any thread. */
TS_API const char* ts_status_name(ts_status status);

/* ---- Logging ------------------------------------------------------------------------------------------------- */

typedef int32_t ts_log_level;
enum { TS_LOG_DEBUG = 0, TS_LOG_INFO = 1, TS_LOG_WARNING = 2, TS_LOG_ERROR = 3 };

/* One line without newline, valid during the call. May be called from any thread, one at a time. */
typedef void (*ts_log_fn)(void* user_data, ts_log_level level, const char* message);
/* Sends log lines of `level` and above to `log`; NULL turns them off (the default). When it returns, the previous
 * callback is no longer running. Any thread. */
TS_API void ts_set_log(ts_log_fn log, void* user_data, ts_log_level level);

/* ---- Devices ------------------------------------------------------------------------------------------------- */

typedef struct ts_device_info {
  uint32_t struct_size;
  int32_t  available;       /* 1 if an engine can be created on it                                             */
  char     id[32];          /* "cpu", "cpu:plain", "cuda:0"                                                    */
  char     name[128];       /* processor or card as the system names it                                        */
  char     detail[512];     /* backend and instruction sets; or, when not available, why and what to do        */
  uint64_t memory_bytes;    /* installed memory of the device, 0 if unknown                                    */
  uint32_t num_threads;     /* worker threads that "0 = automatic" stands for; 0 for other devices than CPUs   */
  int32_t  has_bf16;        /* 1 if products of bf16 are faster than f32 here                                  */
} ts_device_info;
TS_API void ts_device_info_init(ts_device_info* info);

/* Number of devices that are known to this build, available or not. Any thread. */
TS_API uint32_t ts_device_count(void);
/* Describes device `index` < ts_device_count(). Errors TS_INVALID_ARGUMENT. Any thread. */
TS_API ts_status ts_device_get(uint32_t index, ts_device_info* info);

/* ---- Progress ------------------------------------------------------------------------------------------------ */

typedef int32_t ts_stage;
enum {
  TS_STAGE_LOAD = 0,        /* reading and packing weights: thousandths of their parameters, told after each tensor */
  TS_STAGE_CLIP_VISION = 1, /* frames → CLIP features       */
  TS_STAGE_SYNCHFORMER = 2, /* frames → sync features       */
  TS_STAGE_TEXT = 3,        /* caption and chain of thought */
  TS_STAGE_SAMPLE = 4,      /* steps of the flow, of all candidates together */
  TS_STAGE_DECODE = 5,      /* chunks of the VAE            */
  TS_STAGE_ENCODE_AUDIO = 6
};
/* `step` of `num_steps` steps of `stage` are done (0 at its begin; never fewer than before). Called on the thread that works.
 * Returns 0 to go on, anything else to cancel. */
typedef int32_t (*ts_progress_fn)(void* user_data, ts_stage stage, uint32_t step, uint32_t num_steps);
/* A block of finished sound as the decoder delivers it: planar, `left` and `right` of num_samples each, starting at
 * sample `offset`; valid during the call; no gain applied. Returns 0 to go on, anything else to cancel. */
typedef int32_t (*ts_pcm_fn)(void* user_data, const float* left, const float* right, uint64_t offset, uint64_t num_samples);

/* ---- Engine: one device, one bundle, its loaded weights ------------------------------------------------------ */

typedef struct ts_engine ts_engine;

typedef int32_t ts_precision;
enum {
  TS_PRECISION_AUTO = 0, /* bf16 where weights are stored in 16 bits and the device has bf16 products, else f32 */
  TS_PRECISION_F32 = 1,
  TS_PRECISION_BF16 = 2, /* weights and inputs of products in bf16; accumulation, residuals, norms in f32       */
  TS_PRECISION_F16 = 3,  /* the same in f16: three bits finer than bf16, but no more than ±65504, to which what is
                            stored for a product is cut off. Devices "cuda" and "cpu:plain"                     */
  TS_PRECISION_INT8 = 4, /* as bf16, but weights of products and convolutions in 8-bit integers with a scale for each
                            output, a quarter of the memory of f32. Devices "cuda" and "cpu:plain"              */
  TS_PRECISION_FP8 = 5   /* as bf16, but in the blocks of the DiT and of the towers both sides of linear layers become
                            8-bit floats (e4m3), weights with a scale for each output, inputs for each row. Device
                            "cuda" of compute capability 8.9 or later                                           */
};

/* Components of a bundle, as bits. */
typedef uint32_t ts_components;
enum {
  TS_COMPONENT_MMDIT = 1,
  TS_COMPONENT_VAE_DECODER = 2,
  TS_COMPONENT_VAE_ENCODER = 4,
  TS_COMPONENT_T5 = 8,
  TS_COMPONENT_CLIP_TEXT = 16,
  TS_COMPONENT_CLIP_VISION = 32,
  TS_COMPONENT_SYNCHFORMER = 64,
  TS_COMPONENT_RECOGNISER = 128,
  TS_COMPONENT_LISTENER = 256,
  TS_COMPONENT_ALL = 511
};

typedef struct ts_engine_options {
  uint32_t      struct_size;
  ts_precision  precision;        /* default TS_PRECISION_AUTO                                                  */
  const char*   bundle_path;      /* folder with bundle.json; required unless synthetic                         */
  const char*   device;           /* "auto" (default), "cpu", "cpu:plain", "cuda", "cuda:<index>" or "cuda:GPU-<uuid>" */
  uint32_t      num_threads;      /* workers of the CPU device; 0 = one per physical core available to us       */
  ts_components components;       /* what to load, default all that the bundle has; a missing one fails when used */
  uint64_t      memory_cap_bytes; /* weights and arenas of all sessions together; 0 = no cap                    */
  const char*   synthetic;        /* "published" or a path of a bundle.json without weights: seeded random
                                     weights of those sizes in memory, for speed tests; NULL = use bundle_path  */
  ts_progress_fn progress;        /* told of TS_STAGE_LOAD while the engine is created; NULL                     */
  void*         user_data;        /* handed to progress                                                         */
} ts_engine_options;
#define ts_engine_options_init ts_engine_options_init_2 /* the plain symbol knows nothing beyond `synthetic` */
TS_API void ts_engine_options_init(ts_engine_options* options);

/* Loads a bundle. Takes seconds for published sizes; may run while other engines work, so a new model can be loaded
 * in the background and swapped in by the caller. With a memory cap, what all weights need is asked before any is read.
 * Cancelled by options->progress it ends within one tensor, and nothing of it is left.
 * Errors   TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_BUNDLE, TS_BAD_WEIGHTS, TS_OUT_OF_MEMORY, TS_DEVICE_ERROR, TS_CANCELLED
 * Threads  any */
TS_API ts_status ts_engine_create(const ts_engine_options* options, ts_engine** engine);
/* Gives up the caller's reference; sessions and jobs that still run keep the weights until they are gone. Any thread. */
TS_API void ts_engine_destroy(ts_engine* engine);

typedef struct ts_engine_info {
  uint32_t      struct_size;
  ts_components components;        /* loaded                                                                    */
  char          name[64];          /* of the bundle                                                             */
  char          device[32];
  char          device_choice[256];/* why "auto" chose it                                                       */
  char          precision[8];      /* "f32", "bf16", "f16", "int8" or "fp8"                                     */
  uint64_t      num_parameters;
  uint64_t      weights_bytes;     /* resident, packed                                                          */
  uint32_t      sample_rate;       /* Hz                                                                        */
  uint32_t      hop;               /* samples per latent step                                                   */
  uint32_t      latent_dim;
  uint32_t      clip_dim;          /* width of CLIP vision features; 0 if unknown                               */
  uint32_t      sync_dim;          /* width of Synchformer features                                             */
  uint32_t      text_dim;          /* width of CLIP text features                                               */
  uint32_t      t5_dim;            /* width of T5 features                                                      */
  uint32_t      text_len;          /* tokens of each text encoder: 77                                           */
  double        clip_fps;          /* frames per second that the CLIP tower is given: 8                         */
  double        sync_fps;          /* frames per second that Synchformer is given: 25                           */
  uint32_t      num_threads;
  uint32_t      num_classes;       /* that the recogniser tells apart; 0 without one, as the next two           */
  uint32_t      num_materials;
  uint32_t      onsets_per_step;   /* onset probabilities of one sync feature                                   */
} ts_engine_info;
#define ts_engine_info_init ts_engine_info_init_2 /* the plain symbol knows nothing beyond `num_threads` */
TS_API void ts_engine_info_init(ts_engine_info* info);
/* Errors TS_INVALID_ARGUMENT. Any thread. */
TS_API ts_status ts_engine_get_info(ts_engine* engine, ts_engine_info* info);
/* bundle.json as it was read, of a synthetic engine the sizes it was made of; "" for NULL. UTF-8, lives as long as the
 * engine. Any thread. */
TS_API const char* ts_engine_description(ts_engine* engine);
/* What the recogniser calls class `index` < num_classes: "door"; "" beyond, and for NULL. UTF-8, lives as long as the
 * engine. Any thread. */
TS_API const char* ts_class_name(ts_engine* engine, uint32_t index);
/* The same of material `index` < num_materials. */
TS_API const char* ts_material_name(ts_engine* engine, uint32_t index);

/* ---- Session: one generation at a time ----------------------------------------------------------------------- */

typedef struct ts_session ts_session;

/* Cheap: activation memory is taken when first needed and kept for the next call.
 * Errors TS_OUT_OF_MEMORY. Any thread. */
TS_API ts_status ts_session_create(ts_engine* engine, ts_session** session);
/* Cancels and waits for a synchronous call that still runs in another thread. Any thread. */
TS_API void ts_session_destroy(ts_session* session);
/* Asks whatever runs in this session to stop within one step. Any thread, also while a call runs. */
TS_API void ts_session_cancel(ts_session* session);

/* ---- What a sound is made from ------------------------------------------------------------------------------- */

/* Everything is optional; absent modalities are replaced by the learned empties (spec: any combination). Features
 * take precedence over the text they would be computed from. Pointers are read during the call only (a job copies). */
typedef struct ts_conditions {
  uint32_t     struct_size;
  uint32_t     num_clip;            /* rows of clip_features                                                     */
  const float* clip_features;       /* [num_clip, clip_dim] from ts_encode_clip_frames                           */
  const float* sync_features;       /* [num_sync, sync_dim] from ts_encode_sync_frames                           */
  uint32_t     num_sync;            /* rows of sync_features                                                     */
  uint32_t     num_text;            /* rows of text_features, at most text_len                                   */
  const char*  caption;             /* for the CLIP text tower                                                   */
  const char*  cot;                 /* chain of thought, for T5; the first 76 pieces count                       */
  const char*  negative_caption;    /* our extension: replaces the learned empty caption in the null branch      */
  const char*  negative_cot;        /* the same for the chain of thought                                         */
  const float* text_features;       /* [num_text, text_dim] instead of `caption`                                 */
  const float* t5_features;         /* [text_len, t5_dim] instead of `cot`                                       */
  const float* global_text_feature; /* [text_dim]; the published model is never given one                        */
  const float* masked_latent;       /* [64, N] for checkpoints with use_inpaint, 0 where sound is to be made     */
} ts_conditions;
TS_API void ts_conditions_init(ts_conditions* conditions);

typedef int32_t ts_sampler;
enum {
  TS_SAMPLER_EULER = 0,    /* the reference: one evaluation a step                                               */
  TS_SAMPLER_MIDPOINT = 1, /* two                                                                                */
  TS_SAMPLER_RK4 = 2,      /* four                                                                               */
  TS_SAMPLER_V_DDIM = 3    /* for checkpoints of the v objective, eta 0                                          */
};

typedef int32_t ts_length_rule;
enum {
  TS_LENGTHS_EXACT = 0,    /* N = ceil(D·rate/hop), C = max(1, round(8·D)), S = 8·max(1, round(3·D)); the sound is cut
                              to exactly round(D·rate) samples with a fade of 5 ms                               */
  TS_LENGTHS_REFERENCE = 1 /* N = round half even of D·rate/hop, C = 8·int(D), S = 24·int(D); hop·N samples       */
};

typedef struct ts_generate_options {
  uint32_t       struct_size;
  uint32_t       num_steps;     /* 1 … 1000; default 24                                                          */
  float          cfg_scale;     /* guidance, 1 = off; default 5                                                  */
  float          scale_phi;     /* share of the standard-deviation rescale, 0 … 1; default 0                     */
  double         duration_s;    /* 1 … 60 seconds of sound; default 8                                            */
  uint64_t       seed;          /* same seed, options, bundle, device and build: same samples; default 42        */
  ts_sampler     sampler;       /* default TS_SAMPLER_EULER                                                      */
  ts_length_rule lengths;       /* default TS_LENGTHS_EXACT                                                      */
  const float*   noise;         /* [64, N] instead of seeded noise; NULL                                         */
  const float*   init_latent;   /* [64, N] to vary: the flow starts at (1 − sigma_max)·init_latent +
                                   sigma_max·noise; NULL                                                         */
  float          sigma_max;     /* start of the flow, (0, 1]: the strength of a variation, followed in
                                   num_steps; below 1 with init_latent; default 1           */
  uint32_t       decode_chunk;  /* latents decoded at a time; 0 = chosen for this device                         */
  const float*   known_latent;  /* [64, N], with known_mask: a sound of which some is kept, and the rest made to go
                                   with it (inpainting, extension); not with TS_SAMPLER_V_DDIM; NULL             */
  const float*   known_mask;    /* [N]: 1 = kept bit for bit, 0 = made anew; m between: varied with strength 1 − m */
  uint32_t       num_jumps;     /* times that each stretch of the flow is gone through again, so that what is made
                                   hears more of what is kept, 0 … 1000; default 0. Takes 1 + num_jumps times as
                                   long. A checkpoint with use_inpaint, which is shown what is kept, makes none    */
  uint32_t       jump_length;   /* steps of such a stretch, 1 … 1000; default 4                                  */
  uint32_t       num_candidates; /* times that the flow is followed, each from noise of its own; the latent that the
                                   listener finds to fit `caption` best goes on, of equal ones the first; 1 … 64,
                                   default 1. More than one takes a caption, no `noise`, and as many times as long.
                                   The first is that of `seed`, the seeds of the others are mixed of it           */
} ts_generate_options;
/* The plain symbol knows nothing beyond `decode_chunk`, _2 nothing beyond `jump_length`. */
#define ts_generate_options_init ts_generate_options_init_3
TS_API void ts_generate_options_init(ts_generate_options* options);

/* As ts_generate_options_init, with what the bundle recommends in place of the defaults above: its guidance, steps, rescale
 * and jumps, where bundle.json has "defaults" (docs/bundle.md).
 * Errors TS_INVALID_ARGUMENT. Any thread. */
TS_API ts_status ts_get_generate_defaults(ts_engine* engine, ts_generate_options* options);

/* Lengths that belong to a duration under a rule. */
typedef struct ts_lengths {
  uint32_t struct_size;
  uint32_t latent_len;      /* N                                                                                  */
  uint32_t clip_len;        /* C: CLIP frames, also what ts_encode_clip_frames should be given                    */
  uint32_t sync_len;        /* S: Synchformer features                                                            */
  uint32_t num_sync_frames; /* frames at sync_fps that yield S features: S/8·8 + 8 (reference: int(25·D))         */
  uint64_t num_samples;     /* of the finished sound, per channel                                                 */
} ts_lengths;
TS_API void ts_lengths_init(ts_lengths* lengths);
/* Errors TS_INVALID_ARGUMENT (duration outside 1 … 60 s). Any thread. */
TS_API ts_status ts_get_lengths(ts_engine* engine, double duration_s, ts_length_rule rule, ts_lengths* lengths);

/* ---- Generate ------------------------------------------------------------------------------------------------ */

/* Generates one clip; returns when it is done, cancelled or failed.
 *   audio        out, planar f32 [2, *num_samples], nominally −1 … 1, no gain applied
 *   capacity     floats that `audio` can hold
 *   num_samples  out, per channel; with `audio` NULL it is answered without generating
 * Errors   TS_INVALID_ARGUMENT, TS_BUFFER_TOO_SMALL, TS_OUT_OF_MEMORY, TS_CANCELLED, TS_DEVICE_ERROR, TS_UNSUPPORTED
 * Threads  one call per session at a time; sessions of one engine may run in parallel */
TS_API ts_status ts_generate(ts_session* session, const ts_conditions* conditions, const ts_generate_options* options,
                             ts_progress_fn progress, void* user_data,
                             float* audio, uint64_t capacity, uint64_t* num_samples);

/* Memory that a generation needs, in bytes; exact, because the same code that runs also plans. */
typedef struct ts_memory_plan {
  uint32_t struct_size;
  uint32_t reserved;
  uint64_t weights_bytes;  /* of the engine                                       */
  uint64_t arena_bytes;    /* of one session: the largest of its stages           */
  uint64_t text_bytes;     /* arena of the text encoders                          */
  uint64_t sample_bytes;   /* arena of the sampling loop, or of the listener      */
  uint64_t decode_bytes;   /* arena of one decoder chunk                          */
  uint64_t vision_bytes;   /* arena of one batch of frames, the larger tower      */
  uint64_t total_bytes;    /* weights_bytes + arena_bytes                         */
  uint64_t recognise_bytes; /* arena of the recogniser, over clip_len and sync_len features */
} ts_memory_plan;
#define ts_memory_plan_init ts_memory_plan_init_2 /* the plain symbol knows nothing beyond `total_bytes` */
TS_API void ts_memory_plan_init(ts_memory_plan* plan);
/* Errors TS_INVALID_ARGUMENT. Any thread. */
TS_API ts_status ts_plan_memory(ts_engine* engine, const ts_generate_options* options, ts_memory_plan* plan);

/* ---- Job: the same, asynchronously --------------------------------------------------------------------------- */

typedef struct ts_job ts_job;

typedef int32_t ts_job_state;
enum { TS_JOB_RUNNING = 0, TS_JOB_DONE = 1, TS_JOB_FAILED = 2, TS_JOB_CANCELLED = 3 };

typedef struct ts_job_progress {
  uint32_t     struct_size;
  ts_job_state state;
  ts_stage     stage;
  uint32_t     step;
  uint32_t     num_steps;
  uint32_t     reserved;
  uint64_t     samples_decoded; /* per channel, ready in the ring or already read */
  uint64_t     num_samples;     /* of the finished sound                          */
} ts_job_progress;
TS_API void ts_job_progress_init(ts_job_progress* progress);

/* Starts a generation on a thread of its own. Conditions and options are copied.
 *   progress, pcm  may be NULL; called on the job's thread, pcm before its samples reach the ring
 *   ring_samples   samples per channel that the ring holds; 0 = the whole clip, so that the job never waits for a
 *                  reader. A smaller ring makes the decoder wait until ts_job_read frees room.
 * Errors   TS_INVALID_ARGUMENT, TS_OUT_OF_MEMORY; everything later belongs to the job
 * Threads  one job or synchronous call per session at a time */
TS_API ts_status ts_job_start(ts_session* session, const ts_conditions* conditions, const ts_generate_options* options,
                              ts_progress_fn progress, ts_pcm_fn pcm, void* user_data, uint64_t ring_samples,
                              ts_job** job);
/* Cancels if it still runs and waits for its thread (within one step). Any thread. */
TS_API void ts_job_destroy(ts_job* job);
/* Never blocks. Any thread. */
TS_API ts_status ts_job_poll(ts_job* job, ts_job_progress* progress);
/* Waits for the end, at most timeout_ms (UINT32_MAX = for ever). Returns the job's own status when it has ended,
 * TS_OK while it still runs (poll tells which). Any thread. */
TS_API ts_status ts_job_wait(ts_job* job, uint32_t timeout_ms);
/* Asks to stop within one step. Never blocks. Any thread. */
TS_API void ts_job_cancel(ts_job* job);
/* Why the job failed, "" otherwise; valid until the job is destroyed. Any thread. */
TS_API const char* ts_job_error(ts_job* job);
/* Takes up to num_samples samples per channel as interleaved stereo; returns how many. For audio threads: no lock, no
 * allocation, no system call. Threads: one reader. */
TS_API uint64_t ts_job_read(ts_job* job, float* interleaved, uint64_t num_samples);

/* ---- Feature level: build your own pipeline ------------------------------------------------------------------- */
/* One call per session at a time, as ts_generate. `capacity` counts floats. */

/* How the bytes of a frame lie. */
typedef int32_t ts_pixel_format;
enum {
  TS_PIXELS_RGB24 = 0, /* R, G, B                                                                                   */
  TS_PIXELS_NV12 = 1   /* a plane of luma, then one of pairs Cb, Cr for each 2 × 2 pixels: what hardware decoders give */
};
/* What luma and chroma mean. ts_frames says how they become RGB. */
typedef int32_t ts_yuv_color;
enum {
  TS_YUV_BT601 = 0, /* luma 16 … 235, chroma 16 … 240; what is assumed of a video that names no matrix */
  TS_YUV_BT601_FULL = 1, /* 0 … 255 */
  TS_YUV_BT709 = 2,
  TS_YUV_BT709_FULL = 3
};

/* Frames of any size, 8 bits a channel, in host memory.
 *   pixels   num_frames frames, each `height` rows of `width` pixels, `row_bytes` apart; frames `frame_bytes` apart.
 *            Of NV12 the luma, one byte a pixel
 *   chroma   of NV12 alone: ⌈height/2⌉ rows of ⌈width/2⌉ pairs a frame; NULL = right after the luma's `height` rows
 * NV12 becomes RGB in integers, >> rounding down and the sums cut to 0 … 255, then goes the way of RGB:
 *   L = 8·(Y − black)·y >> 16,  U = 8·(Cb − 128),  V = 8·(Cr − 128)
 *   R = L + (V·rv >> 16)        G = L + (U·gu >> 16) + (V·gv >> 16)        B = L + (U·bu >> 16)
 *                 black     y     rv     gu     gv     bu
 *   BT.601           16  9539  13075  −3209  −6660  16525
 *   BT.601, full      0  8192  11485  −2819  −5850  14516
 *   BT.709           16  9539  14686  −1747  −4366  17305
 *   BT.709, full      0  8192  12901  −1534  −3835  15201
 * The four pixels of a pair share it, none is interpolated. The same bytes as libthinksound_media's RGB of the same
 * video, wherever FFmpeg converts with x86's vectors: any 8-bit 4:2:0 of even height, unscaled. Elsewhere FFmpeg's own
 * rounding differs by up to 3; of odd heights it interpolates chroma, which differs where colours change. */
typedef struct ts_frames {
  uint32_t        struct_size;
  uint32_t        num_frames;
  const uint8_t*  pixels;
  uint32_t        width;       /* 1 … 16384 */
  uint32_t        height;      /* 1 … 16384 */
  uint64_t        row_bytes;   /* at least 3·width, of NV12 width; 0 = exactly that                                */
  uint64_t        frame_bytes; /* at least height·row_bytes, and the chroma where it follows; 0 = exactly that     */
  ts_pixel_format format;      /* default TS_PIXELS_RGB24, for which what follows is not read                      */
  ts_yuv_color    color;       /* default TS_YUV_BT601                                                             */
  const uint8_t*  chroma;
  uint64_t        chroma_row_bytes;   /* at least 2·⌈width/2⌉; 0 = row_bytes, rounded up to an even number         */
  uint64_t        chroma_frame_bytes; /* at least ⌈height/2⌉·chroma_row_bytes; 0 = frame_bytes; or, with a chroma
                                         of its own and a frame_bytes of 0, exactly that                           */
} ts_frames;
#define ts_frames_init ts_frames_init_2 /* the plain symbol knows nothing beyond `frame_bytes` */
TS_API void ts_frames_init(ts_frames* frames);

/* Frames at clip_fps → CLIP features [num_frames, clip_dim]. Frames are independent, so any number may be given at
 * a time. Errors TS_INVALID_ARGUMENT, TS_BUFFER_TOO_SMALL, TS_UNSUPPORTED (no vision tower), TS_CANCELLED. */
TS_API ts_status ts_encode_clip_frames(ts_session* session, const ts_frames* frames, ts_progress_fn progress,
                                       void* user_data, float* features, uint64_t capacity);
/* Frames at sync_fps → sync features [8·((num_frames − 16)/8 + 1), sync_dim], at least 16 frames. To go on after a
 * call, repeat its last 8 frames (a segment has 16, every 8). Errors as above. */
TS_API ts_status ts_encode_sync_frames(ts_session* session, const ts_frames* frames, ts_progress_fn progress,
                                       void* user_data, float* features, uint64_t capacity);

typedef int32_t ts_text_encoder;
enum { TS_TEXT_CLIP = 0, TS_TEXT_T5 = 1 };

/* Token ids as the encoder receives them: text_len ids, padded and truncated.
 *   num_tokens  out, ids before truncation, special tokens included: above text_len means that the end was cut
 *   kept_bytes  out, how many bytes of `text` the kept tokens cover; may be NULL
 * Errors TS_INVALID_ARGUMENT (not UTF-8), TS_UNSUPPORTED. Any thread. */
TS_API ts_status ts_tokenize(ts_engine* engine, ts_text_encoder encoder, const char* text, int32_t* ids,
                             uint32_t capacity, uint32_t* num_tokens, uint64_t* kept_bytes);
/* Text → features [text_len, text_dim] or [text_len, t5_dim], pad rows included because the DiT reads them. One forward of
 * text_len tokens has no steps worth telling; ts_session_cancel ends it within one block.
 * Errors TS_INVALID_ARGUMENT, TS_BUFFER_TOO_SMALL, TS_UNSUPPORTED, TS_CANCELLED. */
TS_API ts_status ts_encode_text(ts_session* session, ts_text_encoder encoder, const char* text, float* features,
                                uint64_t capacity);
/* Features of a video → what is seen, of what material, and when something strikes: probabilities, 0 … 1. As many rows of
 * either as there are, from 1; they need not cover the same time, but the onsets are those of the sync features. One
 * forward without steps worth telling, as ts_encode_text.
 *   clip_features  [num_clip, clip_dim] from ts_encode_clip_frames
 *   sync_features  [num_sync, sync_dim] from ts_encode_sync_frames, which makes sync_fps of them a second
 *   classes        out [num_classes], each for itself, since several may be seen at once; names: ts_class_name
 *   materials      out [num_materials], together 1; names: ts_material_name
 *   onsets         out [num_sync · onsets_per_step], each for itself: value k is for a strike between k and k + 1 cells
 *                  from the first frame. A cell lasts 1/(sync_fps · onsets_per_step) s: 1/96 s at 24 fps and 4 a step
 * Each output may be NULL; the capacity beside it counts floats.
 * Errors   TS_INVALID_ARGUMENT (no rows, NaN, infinity), TS_BUFFER_TOO_SMALL, TS_UNSUPPORTED (no recogniser),
 *          TS_OUT_OF_MEMORY, TS_CANCELLED */
TS_API ts_status ts_recognise(ts_session* session, const float* clip_features, uint32_t num_clip,
                              const float* sync_features, uint32_t num_sync,
                              float* classes, uint64_t classes_capacity, float* materials, uint64_t materials_capacity,
                              float* onsets, uint64_t onsets_capacity);
/* How well words say what is heard: 0 … 1, judged of a latent before it is decoded. One forward without steps worth telling,
 * as ts_encode_text.
 *   latent   [64, latent_len] from ts_sample or ts_encode_audio, from 1 step
 *   caption  for the CLIP text tower
 *   fit      out
 * Errors   TS_INVALID_ARGUMENT (no steps, NaN, infinity, not UTF-8), TS_UNSUPPORTED (no listener, no CLIP text tower),
 *          TS_OUT_OF_MEMORY, TS_CANCELLED */
TS_API ts_status ts_listen(ts_session* session, const float* latent, uint32_t latent_len, const char* caption, float* fit);
/* How well each candidate of the session's last finished ts_generate, ts_sample or job fitted its caption, if it had more
 * than one.
 *   fits            out, in the order in which they were made; NULL asks for their number
 *   capacity        floats that `fits` can hold
 *   num_candidates  out; 0 if there was no choice
 *   chosen          out, index of the one that went on; may be NULL
 * Errors   TS_INVALID_ARGUMENT, TS_BUFFER_TOO_SMALL. Any thread. */
TS_API ts_status ts_get_fits(ts_session* session, float* fits, uint32_t capacity, uint32_t* num_candidates, uint32_t* chosen);
/* Conditions → latent [64, latent_len]. */
TS_API ts_status ts_sample(ts_session* session, const ts_conditions* conditions, const ts_generate_options* options,
                           ts_progress_fn progress, void* user_data, float* latent, uint64_t capacity);
/* Latent [64, latent_len] → planar audio [2, hop·latent_len]; `pcm` may be NULL, and so may `audio`. */
TS_API ts_status ts_decode(ts_session* session, const float* latent, uint32_t latent_len, uint32_t decode_chunk,
                           ts_progress_fn progress, ts_pcm_fn pcm, void* user_data, float* audio, uint64_t capacity);
/* The same for latents that come piece by piece: sound of any length, in constant memory. The samples are ts_decode's of
 * all of them in a row. A stream keeps its session alive; any number may be open in one. */
typedef struct ts_decode_stream ts_decode_stream;
/* Errors TS_INVALID_ARGUMENT, TS_UNSUPPORTED (no decoder). Any thread. */
TS_API ts_status ts_decode_stream_create(ts_session* session, uint32_t decode_chunk, ts_decode_stream** stream);
TS_API void ts_decode_stream_destroy(ts_decode_stream* stream);
/* The next latents [64, latent_len], 0 or more.
 *   is_last  1: nothing follows, and all that is left comes; 0: some wait for the next call, since the decoder looks ahead
 *   pcm      told the samples that are finished; offsets count from the first of the stream; may be NULL
 * A stream that failed or was cancelled takes no more.
 * Errors   TS_INVALID_ARGUMENT, TS_OUT_OF_MEMORY, TS_CANCELLED, TS_DEVICE_ERROR
 * Threads  one call per session at a time, as ts_decode */
TS_API ts_status ts_decode_stream_push(ts_decode_stream* stream, const float* latent, uint32_t latent_len, int32_t is_last,
                                       ts_progress_fn progress, ts_pcm_fn pcm, void* user_data);
/* Planar audio [channels, num_samples] at `sample_rate` → latent [64, ceil(resampled/hop)]. Resampled to the model's
 * rate, mono doubled, further channels dropped, the end padded with zeros.
 *   seed   0 = the mean of the posterior; else a draw from it
 *   latent NULL asks for latent_len only */
TS_API ts_status ts_encode_audio(ts_session* session, const float* audio, uint32_t num_channels, uint64_t num_samples,
                                 uint32_t sample_rate, uint64_t seed, ts_progress_fn progress, void* user_data,
                                 float* latent, uint64_t capacity, uint32_t* latent_len);

/* How a sound is edited along the flow, from what it is said to be to what it should be (FlowEdit, without inversion). */
typedef struct ts_edit_options {
  uint32_t       struct_size;
  uint32_t       num_steps;        /* of the whole flow, 1 … 1000; default 24                                      */
  uint32_t       num_edit_steps;   /* the last so many of them are walked, 1 … num_steps: the more, the further from
                                      the source it may go; default 0 = two thirds                                 */
  uint32_t       num_target_steps; /* the last so many of those follow the target alone: new detail, less of the
                                      source, 0 … num_edit_steps; default 0                                        */
  uint32_t       num_averages;     /* draws of noise a step, 1 … 100: more are steadier and as much slower; default 1 */
  float          source_cfg_scale; /* guidance of the source's conditions, 1 = off; default 1                      */
  float          target_cfg_scale; /* and of the target's; default 5                                               */
  ts_length_rule lengths;          /* default TS_LENGTHS_EXACT                                                     */
  double         duration_s;       /* of the sound, 1 … 60 seconds; default 8                                      */
  uint64_t       seed;             /* same seed, options, bundle, device and build: same latent; default 42        */
  const float*   source_latent;    /* [64, N] from ts_encode_audio or ts_sample; required                          */
  const float*   known_mask;       /* [N]: 1 = stays bit for bit, 0 = edited; m between: from t = 1 − m on; NULL =
                                      edited everywhere                                                            */
} ts_edit_options;
TS_API void ts_edit_options_init(ts_edit_options* options);
/* Edits a latent: what `source` and `target` agree on stays, what differs moves. Takes two evaluations a step and draw, of
 * double size with guidance. TS_STAGE_SAMPLE counts the steps that are walked.
 *   source  what the sound is; without modalities, anything the model knows
 *   target  what it should be, usually the same video with another text
 *   latent  out, [64, N]; may be options->source_latent
 * Errors   as ts_generate
 * Threads  as ts_generate */
TS_API ts_status ts_edit_latent(ts_session* session, const ts_conditions* source, const ts_conditions* target,
                                const ts_edit_options* options, ts_progress_fn progress, void* user_data,
                                float* latent, uint64_t capacity);

/* ---- Which samples belong to which latents -------------------------------------------------------------------- */

/* Samples [*sample_begin, *sample_end) of ts_decode's sound that depend on latents [latent_begin, latent_end) of
 * latent_len; all others are the same bit for bit whatever those latents are, with the same decode_chunk. A codec of type
 * "mel" finds phases from left to right, so that a change of waveform goes on to the end of the sound, though not of its
 * spectrum: to edit a part, cross-fade from the old sound to the new and back inside it.
 * Errors TS_INVALID_ARGUMENT (an empty range, or one outside), TS_UNSUPPORTED (no decoder). Any thread. */
TS_API ts_status ts_decoded_range(ts_engine* engine, uint32_t latent_begin, uint32_t latent_end, uint32_t latent_len,
                                  uint64_t* sample_begin, uint64_t* sample_end);
/* Latents [*latent_begin, *latent_end) of ts_encode_audio that depend on samples [sample_begin, sample_end) of num_samples at
 * the model's rate. Errors TS_INVALID_ARGUMENT, TS_UNSUPPORTED (no encoder). Any thread. */
TS_API ts_status ts_encoded_range(ts_engine* engine, uint64_t sample_begin, uint64_t sample_end, uint64_t num_samples,
                                  uint32_t* latent_begin, uint32_t* latent_end);

/* ---- Network level: one network by itself, every intermediate in reach ---------------------------------------- */

typedef struct ts_network ts_network;

typedef int32_t ts_dtype;
enum {
  TS_DTYPE_F32 = 0, TS_DTYPE_F64 = 1, TS_DTYPE_F16 = 2, TS_DTYPE_BF16 = 3,
  TS_DTYPE_I64 = 4, TS_DTYPE_I32 = 5, TS_DTYPE_I16 = 6, TS_DTYPE_U8 = 7
};

typedef struct ts_tensor {
  uint32_t    struct_size;
  ts_dtype    dtype;
  const char* name;
  const void* data;
  uint32_t    rank;      /* 0 … 5 */
  uint32_t    reserved;
  int64_t     shape[5];
} ts_tensor;
TS_API void ts_tensor_init(ts_tensor* tensor);

/* Where a network's tensors are found: names under `prefix` of a safetensors file. Earlier sources win. */
typedef struct ts_weight_source {
  uint32_t    struct_size;
  uint32_t    reserved;
  const char* path;
  const char* prefix;   /* "" or e.g. "w.", "model.model." */
} ts_weight_source;
TS_API void ts_weight_source_init(ts_weight_source* source);

typedef struct ts_network_options {
  uint32_t     struct_size;
  ts_precision precision;     /* default TS_PRECISION_F32                                                      */
  const char*  kind;          /* "mmdit", "vae", "t5", "clip_text", "clip_vision", "synchformer", "recogniser",
                                 "listener", "preprocess"; docs/networks.md lists them                         */
  const char*  config;        /* JSON of the network, as the reference and the goldens write it                */
  const char*  device;        /* as in ts_engine_options                                                       */
  const ts_weight_source* sources;
  uint32_t     num_sources;
  uint32_t     num_threads;
  const char*  ignore;        /* names, separated by newlines, that may be left over                           */
} ts_network_options;
TS_API void ts_network_options_init(ts_network_options* options);

/* Errors as ts_engine_create. Any thread. */
TS_API ts_status ts_network_create(const ts_network_options* options, ts_network** network);
TS_API void ts_network_destroy(ts_network* network);
/* A tensor on its way out, valid during the call; `is_output` tells results from intermediates. Non-zero cancels. */
typedef int32_t (*ts_tensor_fn)(void* user_data, const ts_tensor* tensor, int32_t is_output);
/* Runs `function` of the network on named inputs and hands out intermediates (when `probe_all`) and results by the
 * names of the goldens. The functions of each kind and their inputs, outputs and settings are listed in
 * docs/networks.md; `settings` is a JSON object or NULL.
 * Errors TS_INVALID_ARGUMENT naming the input, TS_CANCELLED, TS_OUT_OF_MEMORY. Threads: one call per network at a time. */
TS_API ts_status ts_network_run(ts_network* network, const char* function, const char* settings,
                                const ts_tensor* inputs, uint32_t num_inputs, int32_t probe_all,
                                ts_tensor_fn tensor, void* user_data);

/* ---- Signal --------------------------------------------------------------------------------------------------- */

/* Resamples planar audio [num_channels, num_samples] by the reference's windowed sinc (Kaiser, width 64).
 *   resampled      out, planar; NULL asks for num_resampled only
 *   num_resampled  out, per channel: ceil(num_samples·to/from) with the rates divided by their gcd
 * Errors TS_INVALID_ARGUMENT, TS_BUFFER_TOO_SMALL. Any thread. */
TS_API ts_status ts_resample(const float* audio, uint32_t num_channels, uint64_t num_samples, uint32_t from_rate,
                             uint32_t to_rate, float* resampled, uint64_t capacity, uint64_t* num_resampled);
/* Integrated loudness after ITU-R BS.1770-4 of planar audio, in LUFS; −infinity for silence or under 0.4 s.
 * Errors TS_INVALID_ARGUMENT. Any thread. */
TS_API ts_status ts_measure_loudness(const float* audio, uint32_t num_channels, uint64_t num_samples,
                                     uint32_t sample_rate, double* loudness_lufs);

/* The same of a sound that comes piece by piece: the value of the whole. */
typedef struct ts_loudness_meter ts_loudness_meter;
/* Errors TS_INVALID_ARGUMENT (1 to 8 channels, 32 000 Hz and more). Any thread. */
TS_API ts_status ts_loudness_meter_create(uint32_t num_channels, uint32_t sample_rate, ts_loudness_meter** meter);
TS_API void ts_loudness_meter_destroy(ts_loudness_meter* meter);
/* The next samples, planar [num_channels, num_samples]. Errors TS_INVALID_ARGUMENT. Threads: one call per meter at a time. */
TS_API ts_status ts_loudness_meter_push(ts_loudness_meter* meter, const float* audio, uint64_t num_samples);
/* Of all so far, in LUFS. Errors TS_INVALID_ARGUMENT. Threads: one call per meter at a time. */
TS_API ts_status ts_loudness_meter_read(ts_loudness_meter* meter, double* loudness_lufs);

#ifdef __cplusplus
}
#endif
#endif /* THINKSOUND_H */
