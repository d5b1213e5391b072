// Frames of a file at several constant rates in one pass of decoding.
#pragma once

#include "media/decoder.h"
#include "media/frame_rate.h"
#include "media/rgb.h"

namespace ts::media {

class VideoReader {
 public:
  // Errors as tsm_video_reader_open.
  VideoReader(const std::string& path, const tsm_video_options& options);

  // Errors as tsm_video_reader_next.
  void next(tsm_frame& frame);
  tsm_video_info info() const;
  tsm_video_stats stats() const;

 private:
  void decode_first();
  void go_to_start();
  bool all_done() const;
  void hold(const AVFrame& frame);
  void check_start_is_inside() const;
  // Asks every rate what it takes of the held frame; false if none takes any.
  template <class Ask>
  bool collect(Ask ask);

  Input input_;
  int stream_;
  Decoder decoder_;
  Ratio time_base_;
  int64_t start_us_;
  std::vector<RateCursor> rates_;
  FramePtr held_ = new_frame();  // decoded, waiting for its successor's time
  int64_t origin_pts_ = 0;
  bool ended_ = false;
  std::unique_ptr<RgbConverter> converter_;
  std::vector<tsm_frame_use> uses_;
  uint64_t num_converted_ = 0;
};

}  // namespace ts::media
