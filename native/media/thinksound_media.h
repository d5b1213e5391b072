/* ThinkSound media: frames and sound out of any container that FFmpeg reads, sound into containers that it writes.
 *
 * A library of its own over the system's FFmpeg, so that the networks of thinksound.h never depend on it. A first
 * program, which reads a video at the two rates that the vision encoders want in one pass of decoding:
 *
 *   tsm_output_rate rates[2] = {{8, 1, 72}, {25, 1, 225}};
 *   tsm_video_options vo; tsm_video_options_init(&vo); vo.rates = rates; vo.num_rates = 2;
 *   tsm_video_reader* reader = NULL;     if (tsm_video_reader_open("clip.mp4", &vo, &reader)) puts(tsm_last_error());
 *   tsm_frame frame; tsm_frame_init(&frame);
 *   while (tsm_video_reader_next(reader, &frame) == TS_OK && frame.pixels)
 *     for (uint32_t u = 0; u < frame.num_uses; u++) take(&frame, &frame.uses[u]);
 *   tsm_video_reader_close(reader);
 *
 * The rules of thinksound.h hold here too: UTF-8 strings and paths, opaque handles freed by their own function (which
 * accepts NULL), sized structs filled by their _init, status codes, no exception or print across the border.
 *
 * Time 0 of a file is its first video frame that is shown (after the edit list); without video it is the first sample
 * of sound. Every time in this header counts in seconds from there unless it says otherwise, so sound and picture of
 * one file share one clock, and sample 0 of a track belongs to frame 0.
 */
#ifndef THINKSOUND_MEDIA_H
#define THINKSOUND_MEDIA_H

#include "thinksound.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when a function changes or goes. Compare with tsm_abi_version() after loading. */
#define TSM_ABI_VERSION 1

/* The ABI version this library was built with. Any thread. */
TS_API uint32_t tsm_abi_version(void);
/* "0.1.0"; lives as long as the library. Any thread. */
TS_API const char* tsm_version(void);
/* "libavformat 59.27.100, libavcodec 59.37.100, …" as found at run time; lives as long as the library. Any thread. */
TS_API const char* tsm_ffmpeg_version(void);
/* What went wrong in this thread's last failing call, "" if nothing; valid until this thread's next call. */
TS_API const char* tsm_last_error(void);
/* Sends FFmpeg's own log lines of `level` and above to `log`; NULL turns them off (the default). FFmpeg has one log per
 * process: from the first call of this library on it comes here and never reaches standard error. Any thread. */
TS_API void tsm_set_log(ts_log_fn log, void* user_data, ts_log_level level);

/* Asked often while a call reads or writes. Returns 0 to go on, anything else to cancel (TS_CANCELLED). */
typedef int32_t (*tsm_cancel_fn)(void* user_data);

/* ---- Media: what a file holds --------------------------------------------------------------------------------- */

typedef struct tsm_media tsm_media;

typedef int32_t tsm_stream_kind;
enum {
  TSM_STREAM_VIDEO = 0,
  TSM_STREAM_AUDIO = 1,
  TSM_STREAM_SUBTITLE = 2,
  TSM_STREAM_PICTURE = 3, /* cover art and thumbnails: not video       */
  TSM_STREAM_OTHER = 4    /* timecode, chapter text, attachments, data */
};

typedef struct tsm_media_info {
  uint32_t struct_size;
  uint32_t num_streams;
  char     container[64];      /* FFmpeg's names of the format: "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"            */
  char     container_name[64]; /* for people: "QuickTime / MOV"                                                       */
  uint64_t num_bytes;          /* size of the file                                                                    */
  double   duration_s;         /* from time 0 to the end of the longest stream                                        */
  int32_t  video_stream;       /* the stream that is taken for the video, −1 = none                                   */
  int32_t  audio_stream;       /* the stream that is taken for the sound, −1 = none                                   */
  int32_t  is_truncated;       /* 1 if the file ends before the streams that its header promises                      */
  uint32_t num_chapters;
  uint32_t num_tags;           /* of the file as a whole                                                              */
  uint32_t reserved;
} tsm_media_info;
TS_API void tsm_media_info_init(tsm_media_info* info);

typedef struct tsm_stream_info {
  uint32_t        struct_size;
  tsm_stream_kind kind;
  char            codec[32];        /* FFmpeg's name: "h264", "aac"                                                   */
  char            language[16];     /* "eng"; "" if not said                                                          */
  double          start_s;          /* first frame or sample that is shown or heard, on the file's clock              */
  double          duration_s;       /* from start_s to the end of the last frame or sample                            */
  int32_t         is_default;       /* 1 if the file marks it as the one to play                                      */
  uint32_t        num_tags;
  /* video and pictures, else 0 */
  uint32_t        width;            /* as shown: turned, and with square pixels                                       */
  uint32_t        height;
  uint32_t        coded_width;      /* as stored                                                                      */
  uint32_t        coded_height;
  uint32_t        sample_aspect_num; /* width to height of a stored pixel; 1:1 if not said                            */
  uint32_t        sample_aspect_den;
  int32_t         rotation_deg;     /* clockwise turn to show it: 0, 90, 180, 270                                     */
  int32_t         is_mirrored;      /* 1 if it is flipped left to right before the turn                               */
  uint32_t        fps_num;          /* average frames per second; 0/1 if unknown                                      */
  uint32_t        fps_den;
  uint64_t        num_frames;       /* as the container says, else duration times fps: an estimate                    */
  uint32_t        bit_depth;        /* bits per component: 8, 10, 12                                                  */
  int32_t         is_hdr;           /* 1 for PQ and HLG, which are tone-mapped when read                              */
  /* audio, else 0 */
  uint32_t        sample_rate;      /* Hz                                                                             */
  uint32_t        num_channels;
  char            channel_layout[32]; /* "mono", "stereo", "5.1"                                                      */
} tsm_stream_info;
TS_API void tsm_stream_info_init(tsm_stream_info* info);

/* Reads what a file says about itself, decodes one frame to find time 0, and looks at its end to know exact durations.
 *   cancel  may be NULL
 * Errors   TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_MEDIA (empty, truncated, not a video or sound), TS_CANCELLED
 * Threads  any; the handle is immutable, so its getters may be called from several threads */
TS_API ts_status tsm_media_open(const char* path, tsm_cancel_fn cancel, void* user_data, tsm_media** media);
TS_API void tsm_media_close(tsm_media* media);
/* Errors TS_INVALID_ARGUMENT. Any thread. */
TS_API ts_status tsm_media_get_info(const tsm_media* media, tsm_media_info* info);
/* Describes stream `index` < num_streams. Errors TS_INVALID_ARGUMENT. Any thread. */
TS_API ts_status tsm_media_get_stream(const tsm_media* media, uint32_t index, tsm_stream_info* info);
/* Tag `index` of stream `stream`, or of the file with −1. The strings live as long as the handle.
 * Errors TS_INVALID_ARGUMENT. Any thread. */
TS_API ts_status tsm_media_get_tag(const tsm_media* media, int32_t stream, uint32_t index, const char** key,
                                   const char** value);
/* Value of the file's tag `key`, whatever its case (Matroska writes keys in capitals), NULL if it has none; lives as long
 * as the handle. Any thread. */
TS_API const char* tsm_media_find_tag(const tsm_media* media, const char* key);

/* ---- Video in ------------------------------------------------------------------------------------------------- */

typedef struct tsm_video_reader tsm_video_reader;

/* A constant rate at which frames are wanted. Frame n of it is the last frame of the file whose time, rounded to the
 * nearest tick of 1/rate (halves away from zero), is at most n ticks after the tick of the first frame: FFmpeg's `fps`
 * filter. Frames are repeated or left out, never blended. */
typedef struct tsm_output_rate {
  uint32_t fps_num;    /* frames per second as a fraction, above 0                                                 */
  uint32_t fps_den;
  uint64_t num_frames; /* how many; the last one of the file is repeated where it has fewer; 0 = to the file's end */
} tsm_output_rate;

typedef struct tsm_video_options {
  uint32_t      struct_size;
  uint32_t      num_rates;     /* 1 … 8                                                                            */
  const tsm_output_rate* rates; /* read during the call                                                            */
  double        start_s;       /* time of frame 0 of every rate, at least 0; default 0. What comes before is skipped
                                  by seeking                                                                       */
  int32_t       stream;        /* default −1: the one that tsm_media_info names                                    */
  uint32_t      num_threads;   /* of the decoder; 0 = as many as there are processors                              */
  int32_t       as_shown;      /* default 1: turned and with square pixels; 0: as stored                           */
  uint32_t      max_side;      /* larger frames are scaled down to this longer side; 0 = only above 16384          */
  tsm_cancel_fn cancel;        /* may be NULL; asked during open and next                                          */
  void*         user_data;
} tsm_video_options;
TS_API void tsm_video_options_init(tsm_video_options* options);

typedef struct tsm_video_info {
  uint32_t struct_size;
  uint32_t width;        /* of every frame that the reader hands out */
  uint32_t height;
  int32_t  stream;       /* which stream is read                     */
  double   first_time_s; /* of frame 0 as the container tells it, before time 0 was put there */
} tsm_video_info;
TS_API void tsm_video_info_init(tsm_video_info* info);

/* One rate takes the frame for its frames first, …, first + count − 1. */
typedef struct tsm_frame_use {
  uint32_t rate;  /* index into tsm_video_options.rates */
  uint32_t reserved;
  uint64_t first;
  uint64_t count; /* at least 1 */
} tsm_frame_use;

typedef struct tsm_frame {
  uint32_t             struct_size;
  uint32_t             num_uses;
  const uint8_t*       pixels;    /* RGB, 8 bits each, sRGB: `height` rows of `width` pixels, top first; NULL at the end */
  uint32_t             width;
  uint32_t             height;
  uint64_t             row_bytes; /* from row to row, at least 3·width                                                   */
  double               time_s;    /* when the file shows it                                                              */
  const tsm_frame_use* uses;      /* at most one per rate, in the order of the rates                                     */
} tsm_frame;
TS_API void tsm_frame_init(tsm_frame* frame);

typedef struct tsm_video_stats {
  uint32_t struct_size;
  uint32_t num_warnings;     /* damaged packets and frames that were concealed or left out        */
  uint64_t num_decoded;      /* frames that the decoder gave                                      */
  uint64_t num_converted;    /* frames that were handed out                                       */
  uint64_t num_repeated[8];  /* per rate: frames past the file's end, filled by repeating the last */
} tsm_video_stats;
TS_API void tsm_video_stats_init(tsm_video_stats* stats);

/* Opens the video of a file. Memory is a few frames, however long the file is.
 * Errors   TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_MEDIA (no video in it, nothing decodes), TS_INVALID_ARGUMENT (start past the
 *          end, empty rates), TS_UNSUPPORTED (no decoder), TS_CANCELLED
 * Threads  any; then one call per reader at a time */
TS_API ts_status tsm_video_reader_open(const char* path, const tsm_video_options* options, tsm_video_reader** reader);
TS_API void tsm_video_reader_close(tsm_video_reader* reader);
TS_API ts_status tsm_video_reader_get_info(const tsm_video_reader* reader, tsm_video_info* info);
/* The next frame that at least one rate wants; each rate's frames come in order and without a gap. `pixels` and `uses`
 * are the reader's and valid until the next call with it; `pixels` is NULL when every rate has all its frames.
 * Errors   TS_BAD_MEDIA (nothing decodes), TS_IO_ERROR, TS_INVALID_ARGUMENT (start past the end), TS_CANCELLED; after an
 *          error the reader can only be closed */
TS_API ts_status tsm_video_reader_next(tsm_video_reader* reader, tsm_frame* frame);
TS_API ts_status tsm_video_reader_get_stats(const tsm_video_reader* reader, tsm_video_stats* stats);

/* ---- Sound in ------------------------------------------------------------------------------------------------- */

typedef struct tsm_audio_reader tsm_audio_reader;

typedef struct tsm_audio_options {
  uint32_t      struct_size;
  int32_t       stream;      /* default −1: the one that tsm_media_info names                              */
  double        start_s;     /* where sample 0 is taken from, at least 0; default 0                        */
  double        duration_s;  /* at most so much, round(duration_s · sample_rate) samples; 0 = to the end   */
  int32_t       interleaved; /* layout of tsm_audio_reader_read: default 0, planar; 1, interleaved         */
  int32_t       own_clock;   /* 1: time 0 is the first sample of sound even if there is video; default 0   */
  tsm_cancel_fn cancel;      /* may be NULL                                                                */
  void*         user_data;
} tsm_audio_options;
TS_API void tsm_audio_options_init(tsm_audio_options* options);

typedef struct tsm_audio_info {
  uint32_t struct_size;
  uint32_t sample_rate;      /* Hz, as stored                                                              */
  uint32_t num_channels;     /* as stored                                                                  */
  int32_t  stream;           /* which stream is read                                                       */
  char     channel_layout[32];
  double   first_time_s;     /* of the first sample that is heard, on the file's clock; above 0 = silence first */
  uint64_t num_samples;      /* per channel, as the container tells: to reserve memory, not to rely on     */
} tsm_audio_info;
TS_API void tsm_audio_info_init(tsm_audio_info* info);

/* Opens the sound of a file at its own rate and channels, f32, nominally −1 … 1. Encoder delay (priming, pre-skip, edit
 * list) is taken off. Sound that begins after time 0 is preceded by silence, what lies before time 0 is left out, and
 * a gap of more than 0.1 s inside the track is filled with silence, so that sample n is heard at start_s + n/sample_rate.
 * After a seek this holds to one tick of the container (1 ms in Matroska), from the start of the file exactly.
 * Errors   TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_MEDIA (no sound in it), TS_UNSUPPORTED (no decoder), TS_CANCELLED
 * Threads  any; then one call per reader at a time */
TS_API ts_status tsm_audio_reader_open(const char* path, const tsm_audio_options* options, tsm_audio_reader** reader);
TS_API void tsm_audio_reader_close(tsm_audio_reader* reader);
TS_API ts_status tsm_audio_reader_get_info(const tsm_audio_reader* reader, tsm_audio_info* info);
/* The next samples, as many as there are up to `max_samples`; fewer only at the end, then 0.
 *   samples      out, planar [num_channels, max_samples] (each channel's row is max_samples long, filled from its start)
 *                or interleaved [max_samples, num_channels]
 *   max_samples  per channel, above 0
 *   num_samples  out, per channel
 * Errors   TS_BAD_MEDIA (nothing decodes), TS_IO_ERROR, TS_CANCELLED; after an error the reader can only be closed */
TS_API ts_status tsm_audio_reader_read(tsm_audio_reader* reader, float* samples, uint64_t max_samples,
                                       uint64_t* num_samples);
/* Damaged packets that were left out so far (silence stands for them). */
TS_API uint32_t tsm_audio_reader_num_warnings(const tsm_audio_reader* reader);

/* ---- Out: a sound file, or a video with sound ----------------------------------------------------------------- */

typedef struct tsm_writer tsm_writer;

typedef int32_t tsm_codec;
enum {
  TSM_CODEC_AUTO = 0, /* what suits the container: AAC in mp4, mov, m4a and in mkv with video, FLAC in mkv without;
                         Opus in webm; … */
  TSM_CODEC_AAC = 1,
  TSM_CODEC_OPUS = 2, /* resampled to 48 kHz                                                  */
  TSM_CODEC_FLAC = 3,
  TSM_CODEC_VORBIS = 4,
  TSM_CODEC_MP3 = 5,
  TSM_CODEC_PCM = 6   /* wav, mov, mkv                                                        */
};

/* What becomes of the sound that the source video already has. */
typedef int32_t tsm_keep_audio;
enum {
  TSM_KEEP_NONE = 0,  /* replaced by the new sound                                                           */
  TSM_KEEP_MIX = 1,   /* source_gain · own + gain · new, clipped by nothing                                  */
  TSM_KEEP_TRACK = 2  /* kept as further tracks after the new one, copied, or re-encoded where it must be    */
};

typedef struct tsm_tag {
  const char* key;   /* letters, digits, '_', '-' and '.' */
  const char* value; /* UTF-8, any characters but NUL     */
} tsm_tag;

/* The next bytes of the output. Returns 0 to go on, anything else if they could not be taken (TS_IO_ERROR). */
typedef int32_t (*tsm_write_fn)(void* user_data, const uint8_t* data, uint64_t num_bytes);

typedef struct tsm_writer_options {
  uint32_t       struct_size;
  uint32_t       sample_rate;   /* Hz of the samples that will be written; default 44 100                             */
  uint32_t       num_channels;  /* 1 … 8; default 2                                                                   */
  tsm_codec      codec;         /* default TSM_CODEC_AUTO                                                             */
  const char*    path;          /* the file to make; its ending names the format unless `format` does                */
  const char*    format;        /* "mp4", "mov", "mkv", "webm", "wav", "flac", "ogg", "opus", "mp3", "m4a"; NULL = by path */
  tsm_write_fn   write;         /* instead of a path: takes the bytes in order, as for standard output                */
  void*          write_data;
  int32_t        overwrite;     /* 1: an existing file is replaced when the new one is complete; default 0            */
  uint32_t       bits;          /* of PCM and FLAC: 16 (default; clamped, times 32 767, cut towards zero, as the
                                   reference does), 24 (times 8 388 607, rounded); PCM also 32 = float                */
  uint32_t       bit_rate;      /* of AAC, Opus, Vorbis, MP3, bits per second; 0 = 96 000 a channel                   */
  float          gain;          /* factor on the new sound; default 1                                                 */
  const char*    source;        /* video whose streams are kept; NULL = a sound file                                  */
  double         start_s;       /* time in the source at which sample 0 of the new sound is heard; default 0          */
  tsm_keep_audio keep_audio;    /* default TSM_KEEP_NONE                                                              */
  float          source_gain;   /* factor on the source's own sound under TSM_KEEP_MIX; default 1                     */
  int32_t        cut;           /* default 0: the whole source is kept and the new sound lies in it at start_s.
                                   1: only start_s … start_s + duration_s is kept; the picture is copied from the key
                                   frame before start_s, and mp4 and mov hide what comes before start_s by an edit
                                   list, while mkv and webm show it                                                   */
  double         duration_s;    /* under `cut`: seconds to keep; 0 = to the end                                       */
  uint64_t       num_samples;   /* per channel, if known beforehand; 0 = not. Lets a WAV that goes to `write` carry
                                   its true length                                                                    */
  const tsm_tag* tags;          /* written into the file; read during the call                                        */
  uint32_t       num_tags;
  uint32_t       reserved;
  tsm_cancel_fn  cancel;        /* may be NULL                                                                        */
  void*          user_data;
} tsm_writer_options;
TS_API void tsm_writer_options_init(tsm_writer_options* options);

typedef struct tsm_writer_result {
  uint32_t struct_size;
  uint32_t num_dropped_streams; /* streams of the source that the container cannot carry                    */
  uint64_t num_bytes;           /* of the finished file                                                     */
  uint64_t num_samples;         /* of new sound, per channel, at its own rate                               */
  char     container[16];       /* "mp4"                                                                    */
  char     codec[16];           /* of the new sound: "aac"                                                  */
  char     warnings[1024];      /* a line each: what could not be kept and why; "" if everything was        */
} tsm_writer_result;
TS_API void tsm_writer_result_init(tsm_writer_result* result);

/* Begins a file. A path is written under a temporary name beside it and takes its name in tsm_writer_finish; until then
 * an existing file stays as it was. Where the path names a device or pipe it is written directly.
 * With a source, its video, subtitles, chapters, tags and rotation are copied, not re-encoded.
 * Tags arrive under their own names (mp4, mov, mkv, webm, flac, ogg, opus, mp3, m4a); WAV has no names of ours, so there
 * they are lines "key: value" of its comment.
 * Errors   TS_INVALID_ARGUMENT (unknown format, file exists, a codec or video that the container cannot carry),
 *          TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_MEDIA (source without video), TS_UNSUPPORTED (no such encoder), TS_CANCELLED
 * Threads  any; then one call per writer at a time */
TS_API ts_status tsm_writer_create(const tsm_writer_options* options, tsm_writer** writer);
/* Takes the next samples of the new sound.
 *   samples      interleaved [num_samples, num_channels] or planar [num_channels, num_samples], by `interleaved`
 *   num_samples  per channel
 * Errors   TS_IO_ERROR (names the file: disk full, …), TS_BAD_MEDIA, TS_CANCELLED; the temporary file is then gone and
 *          the writer can only be destroyed */
TS_API ts_status tsm_writer_write(tsm_writer* writer, const float* samples, uint64_t num_samples, int32_t interleaved);
/* Completes the file and gives it its name. Errors as tsm_writer_write, and TS_INVALID_ARGUMENT if a file has appeared
 * under that name meanwhile and `overwrite` is 0.
 *   result  may be NULL */
TS_API ts_status tsm_writer_finish(tsm_writer* writer, tsm_writer_result* result);
/* Frees the writer; of one that is not finished nothing is left on disk. */
TS_API void tsm_writer_destroy(tsm_writer* writer);

/* 1 if this FFmpeg can encode `codec`, else 0. Any thread. */
TS_API int32_t tsm_can_encode(tsm_codec codec);

#ifdef __cplusplus
}
#endif
#endif /* THINKSOUND_MEDIA_H */
