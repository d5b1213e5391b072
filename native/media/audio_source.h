// Sound of a file on the file's clock: sample n is heard n / sample_rate after time 0.
//
//   container   |pre-skip|decoded frames … damaged … |gap        |frames …
//   samples              0 ──────────── 0 0 0 0 ───── 0 0 0 0 0 0 ─────── … to the end
//
// Encoder delay is taken off by the container's own rules (edit list, skip samples, CodecDelay), which FFmpeg applies.
// Frames follow each other by counting samples, because container times are coarser than samples in Matroska; times
// are believed at the first frame, after damage, and where they differ from the count by more than kGap_s. Of the last
// frame of an MP4 only as much is heard as the track says it lasts: the rest is the encoder's padding.
#pragma once

#include "media/decoder.h"

namespace ts::media {

struct AudioRange {
  double start_s = 0;
  double duration_s = 0;   // 0 = to the end
  bool own_clock = false;  // time 0 is the first sample of sound
};

class AudioSource {
 public:
  // stream −1 = the file's best. Errors as tsm_audio_reader_open.
  AudioSource(const std::string& path, Cancel cancel, int stream, AudioRange range);

  // Interleaved [n, num_channels], n ≤ max_samples; fewer only at the end. Errors as tsm_audio_reader_read.
  uint64_t read(float* samples, uint64_t max_samples);

  int stream() const { return stream_; }
  int sample_rate() const { return rate_; }
  int num_channels() const { return layout_.num_channels(); }
  const ChannelLayout& layout() const { return layout_; }
  double first_time_s() const { return first_time_s_; }  // of the first sample that is heard
  uint64_t estimated_samples() const;
  uint32_t num_warnings() const { return decoder_.num_warnings(); }

 private:
  struct Block {
    std::vector<float> samples;  // interleaved
    int64_t at = 0;              // of its first sample
    int64_t count = 0;           // per channel
    int64_t told = 0;            // how many the container says it lasts
    int64_t end() const { return at + count; }
  };

  bool next_block();
  bool look_ahead();
  void place(const AVFrame& frame);
  int64_t position_of(int64_t pts) const;
  void convert(const AVFrame& frame);

  Input input_;
  int stream_;
  Decoder decoder_;
  Origin origin_;
  int rate_ = 0;
  ChannelLayout layout_;
  double first_time_s_ = 0;
  int64_t slack_ = 0;           // samples by which one tick of the container may be off
  int64_t at_ = 0;              // the next sample to hand out
  int64_t end_ = INT64_MAX / 2; // one past the last that is wanted
  bool from_beginning_ = true, ended_ = false;
  uint32_t warnings_seen_ = 0;
  Block block_, coming_;        // what is handed out, and its successor
  bool has_block_ = false, has_coming_ = false;
  SwrPtr resampler_;
  int in_format_ = -1, in_rate_ = 0, in_channels_ = 0;
};

}  // namespace ts::media
