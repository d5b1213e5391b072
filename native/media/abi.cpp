// thinksound_media.h made real: handles, the exception wall, checks of what callers pass; no logic.
#include <cmath>

#include "media/audio_source.h"
#include "media/probe.h"
#include "media/video_reader.h"
#include "media/wall.h"
#include "media/writer.h"

using namespace ts::media;
using ts::fail;
using ts::require;

struct tsm_media {
  MediaFacts facts;
};
struct tsm_video_reader {
  VideoReader reader;
};
struct tsm_audio_reader {
  AudioSource source;
  bool interleaved;
  std::vector<float> block;
};
struct tsm_writer {
  Writer writer;
};

namespace {

constexpr uint32_t kMaxRates = 8;
constexpr double kMaxSeconds = 1e7;  // 115 days
constexpr uint64_t kMaxFrames = uint64_t(1) << 40;
constexpr double kMaxFps = 1000;
constexpr uint32_t kMaxChannels = 8;

std::string text(const char* given, const char* name) {
  require(given, name, " is null");
  return given;
}

void check_seconds(double seconds, const char* name) {
  require(std::isfinite(seconds) && seconds >= 0 && seconds <= kMaxSeconds, name, " is ", seconds, " (0 … 1e7 s)");
}

void check_video_options(const tsm_video_options& o) {
  require(o.rates && o.num_rates >= 1 && o.num_rates <= kMaxRates, "num_rates is ", o.num_rates, " (1 … ", kMaxRates, ")");
  for (uint32_t i = 0; i < o.num_rates; ++i) {
    const tsm_output_rate& r = o.rates[i];
    const double fps = r.fps_den ? double(r.fps_num) / r.fps_den : 0;
    require(fps > 0 && fps <= kMaxFps, "rate ", i, " is ", r.fps_num, "/", r.fps_den, " frames per second (above 0, up to 1000)");
    require(r.num_frames <= kMaxFrames, "rate ", i, " asks for ", r.num_frames, " frames");
  }
  check_seconds(o.start_s, "start_s");
}

void check_writer_options(const tsm_writer_options& o) {
  require((o.path != nullptr) != (o.write != nullptr), "give either a path or a write callback");
  require(o.path ? *o.path != 0 : o.format != nullptr, o.path ? "the path of the output is empty" : "a write callback needs a format");
  require(o.sample_rate >= 8000 && o.sample_rate <= 192000, "sample_rate is ", o.sample_rate, " Hz (8000 … 192000)");
  require(o.num_channels >= 1 && o.num_channels <= kMaxChannels, "num_channels is ", o.num_channels, " (1 … ", kMaxChannels, ")");
  require(o.bits == 16 || o.bits == 24 || o.bits == 32, "bits is ", o.bits, " (16, 24, or 32 for floating point)");
  require(std::isfinite(o.gain) && std::isfinite(o.source_gain), "gains must be finite");
  require(o.keep_audio >= TSM_KEEP_NONE && o.keep_audio <= TSM_KEEP_TRACK, "keep_audio is ", o.keep_audio);
  require(o.tags || o.num_tags == 0, "tags is null");
  check_seconds(o.start_s, "start_s");
  check_seconds(o.duration_s, "duration_s");
  require(o.source || (o.start_s == 0 && !o.cut && o.keep_audio == TSM_KEEP_NONE),
          "start_s, cut and keep_audio need a source video");
}

void weave_apart(const float* interleaved, uint64_t count, uint64_t stride, size_t channels, float* planar) {
  for (size_t c = 0; c < channels; ++c) {
    for (uint64_t i = 0; i < count; ++i) planar[c * stride + i] = interleaved[i * channels + c];
  }
}

}  // namespace

std::string& ts::media::last_error() {
  thread_local std::string text;
  return text;
}

uint32_t tsm_abi_version(void) { return TSM_ABI_VERSION; }
const char* tsm_version(void) { return TS_VERSION; }
const char* tsm_last_error(void) { return last_error().c_str(); }
void tsm_set_log(ts_log_fn log, void* user_data, ts_log_level level) {
  guarded([&] { set_log(log, user_data, level); });
}

const char* tsm_ffmpeg_version(void) {
  static const std::string version = [] {
    const auto one = [](const char* name, unsigned v) {
      return ts::concat(name, " ", AV_VERSION_MAJOR(v), ".", AV_VERSION_MINOR(v), ".", AV_VERSION_MICRO(v));
    };
    return one("libavformat", avformat_version()) + ", " + one("libavcodec", avcodec_version()) + ", " +
           one("libavutil", avutil_version()) + ", " + one("libswscale", swscale_version()) + ", " +
           one("libswresample", swresample_version());
  }();
  return version.c_str();
}

int32_t tsm_can_encode(tsm_codec codec) { return find_encoder(codec, 16) ? 1 : 0; }

// ---- Structs ----

void tsm_media_info_init(tsm_media_info* v) { init_struct(v); }
void tsm_stream_info_init(tsm_stream_info* v) { init_struct(v); }
void tsm_video_info_init(tsm_video_info* v) { init_struct(v); }
void tsm_frame_init(tsm_frame* v) { init_struct(v); }
void tsm_video_stats_init(tsm_video_stats* v) { init_struct(v); }
void tsm_audio_info_init(tsm_audio_info* v) { init_struct(v); }
void tsm_writer_result_init(tsm_writer_result* v) { init_struct(v); }

void tsm_video_options_init(tsm_video_options* v) {
  init_struct(v);
  if (!v) return;
  v->stream = -1;
  v->as_shown = 1;
}

void tsm_audio_options_init(tsm_audio_options* v) {
  init_struct(v);
  if (v) v->stream = -1;
}

void tsm_writer_options_init(tsm_writer_options* v) {
  init_struct(v);
  if (!v) return;
  v->sample_rate = 44100;
  v->num_channels = 2;
  v->bits = 16;
  v->gain = 1;
  v->source_gain = 1;
}

// ---- Media ----

ts_status tsm_media_open(const char* path, tsm_cancel_fn cancel, void* user_data, tsm_media** media) {
  return guarded([&] {
    require(media, "media is null");
    *media = nullptr;
    *media = new tsm_media{probe(text(path, "path"), {cancel, user_data})};
  });
}

void tsm_media_close(tsm_media* media) { delete media; }

ts_status tsm_media_get_info(const tsm_media* media, tsm_media_info* info) {
  return guarded([&] {
    require(media, "media is null");
    write_struct(info, media->facts.info, "info");
  });
}

ts_status tsm_media_get_stream(const tsm_media* media, uint32_t index, tsm_stream_info* info) {
  return guarded([&] {
    require(media, "media is null");
    require(index < media->facts.streams.size(), "stream ", index, " is not there (", media->facts.streams.size(), ")");
    write_struct(info, media->facts.streams[index].info, "info");
  });
}

ts_status tsm_media_get_tag(const tsm_media* media, int32_t stream, uint32_t index, const char** key, const char** value) {
  return guarded([&] {
    require(media && key && value, "media, key or value is null");
    require(stream < int64_t(media->facts.streams.size()), "stream ", stream, " is not there");
    const Tags& tags = stream < 0 ? media->facts.tags : media->facts.streams[size_t(stream)].tags;
    require(index < tags.size(), "tag ", index, " is not there (", tags.size(), ")");
    *key = tags[index].first.c_str();
    *value = tags[index].second.c_str();
  });
}

const char* tsm_media_find_tag(const tsm_media* media, const char* key) {
  if (!media || !key) return nullptr;
  for (const auto& [name, value] : media->facts.tags) {
    if (av_strcasecmp(name.c_str(), key) == 0) return value.c_str();
  }
  return nullptr;
}

// ---- Video ----

ts_status tsm_video_reader_open(const char* path, const tsm_video_options* options, tsm_video_reader** reader) {
  return guarded([&] {
    require(reader, "reader is null");
    *reader = nullptr;
    const tsm_video_options o = read_struct(options, &tsm_video_options_init, "options");
    check_video_options(o);
    *reader = new tsm_video_reader{VideoReader(text(path, "path"), o)};
  });
}

void tsm_video_reader_close(tsm_video_reader* reader) { delete reader; }

ts_status tsm_video_reader_get_info(const tsm_video_reader* reader, tsm_video_info* info) {
  return guarded([&] {
    require(reader, "reader is null");
    write_struct(info, reader->reader.info(), "info");
  });
}

ts_status tsm_video_reader_next(tsm_video_reader* reader, tsm_frame* frame) {
  return guarded([&] {
    require(reader, "reader is null");
    tsm_frame value{};
    write_struct(frame, value, "frame");
    reader->reader.next(value);
    write_struct(frame, value, "frame");
  });
}

ts_status tsm_video_reader_get_stats(const tsm_video_reader* reader, tsm_video_stats* stats) {
  return guarded([&] {
    require(reader, "reader is null");
    write_struct(stats, reader->reader.stats(), "stats");
  });
}

// ---- Audio ----

ts_status tsm_audio_reader_open(const char* path, const tsm_audio_options* options, tsm_audio_reader** reader) {
  return guarded([&] {
    require(reader, "reader is null");
    *reader = nullptr;
    const tsm_audio_options o = read_struct(options, &tsm_audio_options_init, "options");
    check_seconds(o.start_s, "start_s");
    check_seconds(o.duration_s, "duration_s");
    const AudioRange range{o.start_s, o.duration_s, o.own_clock != 0};
    *reader = new tsm_audio_reader{AudioSource(text(path, "path"), {o.cancel, o.user_data}, o.stream, range),
                                   o.interleaved != 0, {}};
  });
}

void tsm_audio_reader_close(tsm_audio_reader* reader) { delete reader; }

ts_status tsm_audio_reader_get_info(const tsm_audio_reader* reader, tsm_audio_info* info) {
  return guarded([&] {
    require(reader, "reader is null");
    const AudioSource& source = reader->source;
    tsm_audio_info value{};
    value.sample_rate = uint32_t(source.sample_rate());
    value.num_channels = uint32_t(source.num_channels());
    value.stream = source.stream();
    value.first_time_s = source.first_time_s();
    value.num_samples = source.estimated_samples();
    std::snprintf(value.channel_layout, sizeof value.channel_layout, "%s", source.layout().name().c_str());
    write_struct(info, value, "info");
  });
}

ts_status tsm_audio_reader_read(tsm_audio_reader* reader, float* samples, uint64_t max_samples, uint64_t* num_samples) {
  return guarded([&] {
    require(reader && samples && num_samples, "reader, samples or num_samples is null");
    require(max_samples > 0, "max_samples is 0");
    *num_samples = 0;
    if (reader->interleaved) {
      *num_samples = reader->source.read(samples, max_samples);
      return;
    }
    constexpr uint64_t kBlock = 8192;
    const size_t channels = size_t(reader->source.num_channels());
    reader->block.resize(kBlock * channels);
    while (*num_samples < max_samples) {
      const uint64_t got = reader->source.read(reader->block.data(), std::min(kBlock, max_samples - *num_samples));
      if (got == 0) break;
      weave_apart(reader->block.data(), got, max_samples, channels, samples + *num_samples);
      *num_samples += got;
    }
  });
}

uint32_t tsm_audio_reader_num_warnings(const tsm_audio_reader* reader) { return reader ? reader->source.num_warnings() : 0; }

// ---- Writer ----

ts_status tsm_writer_create(const tsm_writer_options* options, tsm_writer** writer) {
  return guarded([&] {
    require(writer, "writer is null");
    *writer = nullptr;
    const tsm_writer_options o = read_struct(options, &tsm_writer_options_init, "options");
    check_writer_options(o);
    *writer = new tsm_writer{Writer(o)};
  });
}

ts_status tsm_writer_write(tsm_writer* writer, const float* samples, uint64_t num_samples, int32_t interleaved) {
  return guarded([&] {
    require(writer, "writer is null");
    require(samples || num_samples == 0, "samples is null");
    writer->writer.write(samples, num_samples, interleaved != 0);
  });
}

ts_status tsm_writer_finish(tsm_writer* writer, tsm_writer_result* result) {
  return guarded([&] {
    require(writer, "writer is null");
    tsm_writer_result value{};
    if (result) write_struct(result, value, "result");
    writer->writer.finish(value);
    if (result) write_struct(result, value, "result");
  });
}

void tsm_writer_destroy(tsm_writer* writer) { delete writer; }
