#include "media/ffmpeg.h"

#include <atomic>
#include <cstdio>
#include <mutex>

namespace ts::media {
namespace {

struct Log {
  std::mutex mutex;
  ts_log_fn callback = nullptr;
  void* user_data = nullptr;
  std::atomic<int> level{AV_LOG_QUIET};
};
Log& the_log() {
  static Log log;
  return log;
}

thread_local std::string t_last_line;

ts_log_level to_level(int level) {
  if (level <= AV_LOG_ERROR) return TS_LOG_ERROR;
  if (level <= AV_LOG_WARNING) return TS_LOG_WARNING;
  return level <= AV_LOG_INFO ? TS_LOG_INFO : TS_LOG_DEBUG;
}

int to_av_level(ts_log_level level) {
  switch (level) {
    case TS_LOG_DEBUG: return AV_LOG_DEBUG;
    case TS_LOG_INFO: return AV_LOG_INFO;
    case TS_LOG_WARNING: return AV_LOG_WARNING;
    default: return AV_LOG_ERROR;
  }
}

// Runs inside FFmpeg, which is C: nothing may be thrown from here.
void on_log(void* context, int level, const char* format, va_list arguments) noexcept {
  Log& log = the_log();
  const bool wanted = level <= log.level.load(std::memory_order_relaxed);
  if (level > AV_LOG_ERROR && !wanted) return;
  try {
    char line[512];
    int print_prefix = 0;
    if (level <= AV_LOG_ERROR) {
      va_list copy;
      va_copy(copy, arguments);
      std::vsnprintf(line, sizeof line, format, copy);
      va_end(copy);
      std::string text(line);
      while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
      if (!text.empty()) t_last_line = std::move(text);
    }
    if (!wanted) return;
    print_prefix = 1;
    av_log_format_line2(context, level, format, arguments, line, sizeof line, &print_prefix);
    std::string text(line);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    const std::lock_guard lock(log.mutex);
    if (log.callback) log.callback(log.user_data, to_level(level), text.c_str());
  } catch (...) {
  }
}

}  // namespace

ChannelLayout::ChannelLayout(const AVChannelLayout& layout) {
  if (av_channel_layout_copy(&layout_, &layout) < 0) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
}

ChannelLayout& ChannelLayout::operator=(const ChannelLayout& other) {
  if (this != &other && av_channel_layout_copy(&layout_, &other.layout_) < 0) {
    fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  }
  return *this;
}

std::string ChannelLayout::name() const {
  char text[128] = "";
  av_channel_layout_describe(&layout_, text, sizeof text);
  return text;
}

PacketPtr new_packet() { return PacketPtr(allocated(av_packet_alloc())); }
FramePtr new_frame() { return FramePtr(allocated(av_frame_alloc())); }

SwrPtr new_resampler(const SampleSpec& to, const SampleSpec& from) {
  // The layouts are only read; before FFmpeg 6 the declaration did not say so.
  SwrContext* swr = nullptr;
  int code = swr_alloc_set_opts2(&swr, const_cast<AVChannelLayout*>(to.layout.get()), to.format, to.rate,
                                 const_cast<AVChannelLayout*>(from.layout.get()), from.format, from.rate, 0, nullptr);
  SwrPtr resampler(swr);
  if (code >= 0) code = swr_init(swr);
  if (code == AVERROR(ENOMEM)) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  if (code < 0) {
    fail(TS_UNSUPPORTED, "sound of ", from.rate, " Hz, ", from.layout.name(), " cannot be brought to ", to.rate, " Hz, ",
         to.layout.name(), ": ", why(code));
  }
  return resampler;
}

FramePtr new_samples(const SampleSpec& spec, int num_samples) {
  FramePtr frame = new_frame();
  frame->format = spec.format;
  frame->sample_rate = spec.rate;
  frame->nb_samples = num_samples;
  if (av_channel_layout_copy(&frame->ch_layout, spec.layout.get()) < 0 || av_frame_get_buffer(frame.get(), 0) < 0) {
    fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  }
  return frame;
}

SampleSpec spec_of(const AVFrame& frame) {
  const bool named = frame.ch_layout.order != AV_CHANNEL_ORDER_UNSPEC;
  return {named ? ChannelLayout(frame.ch_layout) : ChannelLayout(frame.ch_layout.nb_channels),
          AVSampleFormat(frame.format), frame.sample_rate};
}

std::string why(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = "";
  av_strerror(code, text, sizeof text);
  return t_last_line.empty() ? std::string(text) : concat(text, " (", t_last_line, ")");
}

void forget_log_line() { t_last_line.clear(); }

void capture_log() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_callback(&on_log); });
}

void set_log(ts_log_fn callback, void* user_data, ts_log_level level) {
  Log& log = the_log();
  const std::lock_guard lock(log.mutex);
  log.callback = callback;
  log.user_data = user_data;
  log.level = callback ? to_av_level(level) : AV_LOG_QUIET;
}

int64_t frame_duration(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  return frame.duration;
#else
  return frame.pkt_duration;
#endif
}

const int32_t* display_matrix(const AVStream& stream) {
  constexpr size_t kBytes = 9 * sizeof(int32_t);
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  const AVCodecParameters& p = *stream.codecpar;
  const AVPacketSideData* side =
      av_packet_side_data_get(p.coded_side_data, p.nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  return side && side->size >= kBytes ? reinterpret_cast<const int32_t*>(side->data) : nullptr;
#else
  size_t size = 0;
  const uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  return data && size >= kBytes ? reinterpret_cast<const int32_t*>(data) : nullptr;
#endif
}

void copy_side_data(AVStream& to, const AVStream& from) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
  (void)to;  // avcodec_parameters_copy has taken coded_side_data along
  (void)from;
#else
  for (int i = 0; i < from.nb_side_data; ++i) {
    const AVPacketSideData& side = from.side_data[i];
    uint8_t* data = allocated(av_stream_new_side_data(&to, side.type, side.size));
    std::copy(side.data, side.data + side.size, data);
  }
#endif
}

std::vector<AVSampleFormat> sample_formats(const AVCodec& codec) {
  std::vector<AVSampleFormat> formats;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
  const void* list = nullptr;
  int count = 0;
  avcodec_get_supported_config(nullptr, &codec, AV_CODEC_CONFIG_SAMPLE_FORMAT, 0, &list, &count);
  const auto* values = static_cast<const AVSampleFormat*>(list);
  if (values) formats.assign(values, values + count);
#else
  for (const AVSampleFormat* f = codec.sample_fmts; f && *f != AV_SAMPLE_FMT_NONE; ++f) formats.push_back(*f);
#endif
  return formats;
}

std::vector<int> sample_rates(const AVCodec& codec) {
  std::vector<int> rates;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
  const void* list = nullptr;
  int count = 0;
  avcodec_get_supported_config(nullptr, &codec, AV_CODEC_CONFIG_SAMPLE_RATE, 0, &list, &count);
  const auto* values = static_cast<const int*>(list);
  if (values) rates.assign(values, values + count);
#else
  for (const int* r = codec.supported_samplerates; r && *r; ++r) rates.push_back(*r);
#endif
  return rates;
}

}  // namespace ts::media
