#include "media/video_reader.h"

#include <algorithm>
#include <cmath>

namespace ts::media {
namespace {

constexpr double kSeekBeyond_s = 1;  // what is closer is decoded through

Ratio ratio_of(AVRational r) { return {r.num, r.den}; }

int64_t end_of(const AVFrame& frame, const AVStream& stream) {
  int64_t duration = frame_duration(frame);
  if (duration <= 0 && stream.avg_frame_rate.num > 0) {
    duration = av_rescale_q(1, av_inv_q(stream.avg_frame_rate), stream.time_base);
  }
  return frame.pts + std::max<int64_t>(duration, 1);
}

}  // namespace

VideoReader::VideoReader(const std::string& path, const tsm_video_options& options)
    : input_(path, {options.cancel, options.user_data}),
      stream_(input_.require_video(options.stream)),
      decoder_(input_, stream_, options.num_threads),
      time_base_(ratio_of(input_.stream(stream_).time_base)),
      start_us_(std::llround(options.start_s * 1e6)) {
  for (uint32_t i = 0; i < options.num_rates; ++i) {
    const tsm_output_rate& r = options.rates[i];
    rates_.emplace_back(Ratio{r.fps_num, r.fps_den}, r.num_frames);
  }
  decode_first();
  converter_ = std::make_unique<RgbConverter>(path, input_.stream(stream_), *held_, options.as_shown != 0,
                                              options.max_side);
  go_to_start();
}

void VideoReader::hold(const AVFrame& frame) {
  av_frame_unref(held_.get());
  if (av_frame_ref(held_.get(), &frame) < 0) fail(TS_OUT_OF_MEMORY, input_.path(), ": not enough memory for a frame");
}

void VideoReader::decode_first() {
  const AVFrame* first = decoder_.next();
  if (!first) {
    fail(TS_BAD_MEDIA, input_.path(), ": no frame of its video could be decoded (", decoder_.num_warnings(),
         " damaged packets); copy it again, or convert it");
  }
  origin_pts_ = first->pts;
  for (RateCursor& rate : rates_) rate.begin(first->pts, time_base_);
  hold(*first);
}

void VideoReader::go_to_start() {
  if (start_us_ <= int64_t(kSeekBeyond_s * 1e6)) return;
  const AVRational micro{1, AV_TIME_BASE};
  const AVRational time_base{int(time_base_.num), int(time_base_.den)};
  const int64_t target = origin_pts_ + av_rescale_q(start_us_, micro, time_base);
  // An index may be sorted by decoding times, or lie: where it leads past the target, look further back, at last from
  // the beginning.
  const AVFrame* frame = nullptr;
  for (const int64_t back_s : {0, 2, 20, 200, -1}) {
    const int64_t back = av_rescale_q(back_s * AV_TIME_BASE, micro, time_base);
    const bool sought = decoder_.seek(back_s < 0 ? origin_pts_ : std::max(origin_pts_, target - back));
    frame = sought ? decoder_.next() : nullptr;
    if (frame && frame->pts <= target) break;
    frame = nullptr;
  }
  if (!frame) {
    fail(TS_BAD_MEDIA, input_.path(), ": cannot seek to ", double(start_us_) / 1e6,
         " s; start at 0, or remux the file (ffmpeg -i in -c copy out.mp4)");
  }
  hold(*frame);
}

bool VideoReader::all_done() const {
  return std::all_of(rates_.begin(), rates_.end(), [](const RateCursor& r) { return r.done(); });
}

void VideoReader::check_start_is_inside() const {
  const int64_t end = end_of(*held_, input_.stream(stream_));
  const Ratio micros{1'000'000, 1};
  const int64_t end_us = to_tick(end - origin_pts_, time_base_, 0, micros);
  require(start_us_ < end_us || start_us_ == 0, input_.path(), ": the start, ", double(start_us_) / 1e6,
          " s, lies past the end of the video, ", double(end_us) / 1e6, " s");
}

template <class Ask>
bool VideoReader::collect(Ask ask) {
  uses_.clear();
  for (size_t i = 0; i < rates_.size(); ++i) {
    if (rates_[i].done()) continue;
    const RateCursor::Use use = ask(rates_[i]);
    if (use.count > 0) uses_.push_back({uint32_t(i), 0, use.first, use.count});
  }
  return !uses_.empty();
}

void VideoReader::next(tsm_frame& out) {
  out.pixels = nullptr;
  out.uses = nullptr;
  out.num_uses = 0;
  bool wanted = false;
  FramePtr taken = new_frame();
  while (!wanted && !ended_ && !all_done()) {
    input_.cancel().check(input_.path());
    const AVFrame* successor = decoder_.next();
    if (successor) {
      const int64_t pts = successor->pts;
      wanted = collect([&](RateCursor& r) { return r.advance(pts, time_base_, start_us_); });
    } else {
      check_start_is_inside();
      const int64_t end = end_of(*held_, input_.stream(stream_));
      wanted = collect([&](RateCursor& r) { return r.finish(end, time_base_, start_us_); });
      ended_ = true;
    }
    if (wanted) av_frame_move_ref(taken.get(), held_.get());
    if (successor) hold(*successor);
  }
  if (!wanted) return;
  out.pixels = converter_->convert(*taken);
  out.width = converter_->width();
  out.height = converter_->height();
  out.row_bytes = converter_->row_bytes();
  out.time_s = double(taken->pts - origin_pts_) * double(time_base_.num) / double(time_base_.den);
  out.uses = uses_.data();
  out.num_uses = uint32_t(uses_.size());
  ++num_converted_;
}

tsm_video_info VideoReader::info() const {
  tsm_video_info info{};
  info.width = converter_->width();
  info.height = converter_->height();
  info.stream = stream_;
  info.first_time_s = double(origin_pts_) * double(time_base_.num) / double(time_base_.den);
  return info;
}

tsm_video_stats VideoReader::stats() const {
  tsm_video_stats stats{};
  stats.num_warnings = decoder_.num_warnings();
  stats.num_decoded = decoder_.num_decoded();
  stats.num_converted = num_converted_;
  for (size_t i = 0; i < rates_.size(); ++i) stats.num_repeated[i] = rates_[i].num_repeated();
  return stats;
}

}  // namespace ts::media
