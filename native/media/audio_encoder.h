// Samples → packets of one codec, resampled where the codec wants another rate.
#pragma once

#include <functional>

#include "media/ffmpeg.h"

namespace ts::media {

struct EncoderOptions {
  tsm_codec codec;
  uint32_t bits = 16;        // PCM, FLAC
  uint32_t bit_rate = 0;     // 0 = kBitRatePerChannel a channel
  bool global_header = false;  // the container wants the codec's header apart
};
constexpr uint32_t kBitRatePerChannel = 96'000;

// A sample as the reference stores it in `bits` bits: clamped; in 16 times 32 767 and cut towards zero, in 24 times
// 8 388 607 and rounded. The result is a whole number over 2^(bits − 1), which no later conversion moves.
float on_grid(float sample, uint32_t bits);

// The encoder that would be used, null if this FFmpeg has none.
const AVCodec* find_encoder(tsm_codec codec, uint32_t bits);

class AudioEncoder {
 public:
  // Takes packets with times in 1/rate of the encoder, where 0 is the first sample given: encoder delay lies before 0.
  using PacketTaker = std::function<void(AVPacket&)>;

  // Errors TS_UNSUPPORTED (no such encoder), TS_INVALID_ARGUMENT (rate, channels or bits it cannot do).
  AudioEncoder(const EncoderOptions& options, int sample_rate, const ChannelLayout& layout);

  AVCodecContext* context() const { return codec_.get(); }
  int rate() const { return codec_->sample_rate; }
  // Silence at the encoder's own rate, before anything is written; not counted in the times.
  void pad(int64_t num_samples);
  // interleaved [num_samples, channels]
  void write(const float* interleaved, uint64_t num_samples, const PacketTaker& take);
  void finish(const PacketTaker& take);

 private:
  const float* prepare(const float* interleaved, int num_samples);
  void resample(const float* interleaved, int num_samples);
  void encode(bool flush, const PacketTaker& take);
  void send(const AVFrame* frame, const PacketTaker& take);

  SampleSpec in_, out_;
  uint32_t grid_bits_ = 0;  // 16 or 24 where samples are stored as integers
  std::vector<float> on_grid_;
  CodecPtr codec_;
  SwrPtr resampler_;
  FifoPtr fifo_;
  PacketPtr packet_ = new_packet();
  int64_t given_ = 0;   // samples taken in, at the input's rate
  int64_t queued_ = 0;  // samples that came out of the resampler, at the encoder's rate
  int64_t sent_ = 0;    // of those, given to the encoder
};

}  // namespace ts::media
