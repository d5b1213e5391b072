// FFmpeg's C objects as owners, its error codes as sentences, and every place where its majors differ.
//
// Written against 5.1 (libavformat 59); what later majors renamed or removed is behind the version checks here and in
// ffmpeg.cpp, so the other files read as if there were one FFmpeg.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/avstring.h>
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
}

#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "thinksound_media.h"

namespace ts::media {

template <auto Free>
struct FreeByAddress {
  template <class T>
  void operator()(T* object) const {
    Free(&object);
  }
};
template <auto Free>
struct FreeByValue {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using InputPtr = std::unique_ptr<AVFormatContext, FreeByAddress<avformat_close_input>>;
using OutputPtr = std::unique_ptr<AVFormatContext, FreeByValue<avformat_free_context>>;
using CodecPtr = std::unique_ptr<AVCodecContext, FreeByAddress<avcodec_free_context>>;
using FramePtr = std::unique_ptr<AVFrame, FreeByAddress<av_frame_free>>;
using PacketPtr = std::unique_ptr<AVPacket, FreeByAddress<av_packet_free>>;
using SwrPtr = std::unique_ptr<SwrContext, FreeByAddress<swr_free>>;
using SwsPtr = std::unique_ptr<SwsContext, FreeByValue<sws_freeContext>>;
using FifoPtr = std::unique_ptr<AVAudioFifo, FreeByValue<av_audio_fifo_free>>;

// A channel layout with value semantics.
class ChannelLayout {
 public:
  ChannelLayout() = default;
  explicit ChannelLayout(int num_channels) { av_channel_layout_default(&layout_, num_channels); }
  explicit ChannelLayout(const AVChannelLayout& layout);
  ChannelLayout(const ChannelLayout& other) : ChannelLayout(other.layout_) {}
  ChannelLayout& operator=(const ChannelLayout& other);
  ~ChannelLayout() { av_channel_layout_uninit(&layout_); }
  const AVChannelLayout* get() const { return &layout_; }
  int num_channels() const { return layout_.nb_channels; }
  std::string name() const;  // "stereo"

 private:
  AVChannelLayout layout_{};
};

PacketPtr new_packet();
FramePtr new_frame();

// Throws TS_OUT_OF_MEMORY unless FFmpeg's allocation succeeded.
template <class T>
T* allocated(T* object) {
  if (!object) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  return object;
}

// What sound is made of.
struct SampleSpec {
  ChannelLayout layout;
  AVSampleFormat format;
  int rate;
};
// Converts from one to the other; no dither, FFmpeg's default filter where the rates differ. Errors TS_UNSUPPORTED.
SwrPtr new_resampler(const SampleSpec& to, const SampleSpec& from);
// A frame with room for so many samples.
FramePtr new_samples(const SampleSpec& spec, int num_samples);
// The frame's own; an unnamed layout becomes the usual one of so many channels.
SampleSpec spec_of(const AVFrame& frame);

// "Invalid data found when processing input (moov atom not found)": the code's text and, in brackets, the last error that
// FFmpeg logged in this thread since forget_log_line().
std::string why(int code);
void forget_log_line();

// Takes FFmpeg's log away from standard error, once per process.
void capture_log();
void set_log(ts_log_fn log, void* user_data, ts_log_level level);

// ---- Where FFmpeg's majors differ ----

int64_t frame_duration(const AVFrame& frame);  // in the frame's time base, 0 if unknown
// The 3×3 display matrix of a stream, null if it has none.
const int32_t* display_matrix(const AVStream& stream);
// Everything beside codec parameters that belongs to a copied stream: rotation, mastering display, …
void copy_side_data(AVStream& to, const AVStream& from);
// What an encoder accepts; empty = anything.
std::vector<AVSampleFormat> sample_formats(const AVCodec& codec);
std::vector<int> sample_rates(const AVCodec& codec);

#if LIBAVFORMAT_VERSION_MAJOR >= 61
using WriteBuffer = const uint8_t*;
#else
using WriteBuffer = uint8_t*;
#endif

}  // namespace ts::media
