// Frames of one stream, one after the other, whatever is damaged between them.
#pragma once

#include "media/input.h"

namespace ts::media {

class Decoder {
 public:
  // `input` must outlive it. num_threads 0 = as many as there are processors. Errors TS_UNSUPPORTED, TS_BAD_MEDIA.
  Decoder(Input& input, int stream, unsigned num_threads);

  // The next frame in the order of showing, null at the end; the decoder's until the next call. Its pts is the best
  // estimate in the stream's time base, never AV_NOPTS_VALUE. Packets that cannot be decoded are counted and skipped.
  AVFrame* next();
  // Goes on at the last key frame at or before `pts`; false if the file cannot seek, and then nothing is certain.
  bool seek(int64_t pts);

  const AVStream& stream() const { return input_.stream(index_); }
  uint32_t num_warnings() const { return num_warnings_ + input_.num_damaged(); }
  uint64_t num_decoded() const { return num_decoded_; }

 private:
  void feed();

  Input& input_;
  int index_;
  CodecPtr codec_;
  PacketPtr packet_ = new_packet();
  FramePtr frame_ = new_frame();
  int64_t next_pts_ = 0;
  bool drained_ = false;
  uint32_t num_warnings_ = 0;
  uint64_t num_decoded_ = 0;
};

// Time 0 of a file: the first video frame that is shown, else the first sample that is heard, as a container time.
struct Origin {
  int64_t pts = 0;
  AVRational time_base{1, AV_TIME_BASE};
  double seconds() const { return double(pts) * av_q2d(time_base); }
};
// Decodes one frame. Where nothing decodes, the start time that the container states. `own_clock_stream` ≥ 0 asks for the
// first sample of that audio stream, even if there is video.
Origin find_origin(const std::string& path, Cancel cancel, int own_clock_stream = -1);

}  // namespace ts::media
