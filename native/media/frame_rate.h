// Which frames of a file a constant rate takes.
//
// Output frame n is the last source frame whose time, rounded to the nearest tick of 1/rate (halves away from zero), is
// ≤ T₀ + n, where T₀ is the tick of the file's first frame: FFmpeg's `fps` filter, which the reference uses. It rounds
// container times, not times since the first frame, so neither do we subtract before rounding. A later start s moves
// every source time by −s, so that frame n lies at s + n/rate; for multiples of 1/rate these are the frames that the
// filter gives from there on.
//
//   source   |0      |1   |2       |3     |4                rounded to ticks, 0 0 2 3 5
//   output   1   1   2    3   3   4  …                      frame 0 is never seen, 1 and 3 are repeated
//
// Source   spec of the reference's frame extraction; libavfilter/vf_fps.c read for its tie and start rules.
#pragma once

#include <cstdint>

namespace ts::media {

// A container time base or frame rate.
struct Ratio {
  int64_t num;
  int64_t den;
};

// round(pts · time_base − start) in ticks of 1/rate, halves away from zero. start_us in microseconds. Exact.
inline int64_t to_tick(int64_t pts, Ratio time_base, int64_t start_us, Ratio rate) {
  __extension__ using wide = __int128;
  constexpr int64_t kMicro = 1'000'000;
  const wide num = (wide(pts) * time_base.num * kMicro - wide(start_us) * time_base.den) * rate.num;
  const wide den = wide(time_base.den) * kMicro * rate.den;
  const wide doubled = (num < 0 ? -num : num) * 2 + den;
  const wide rounded = doubled / (2 * den);
  return int64_t(num < 0 ? -rounded : rounded);
}

// One output rate on its way through a file.
class RateCursor {
 public:
  // num_frames 0 = as many as the file has.
  RateCursor(Ratio rate, uint64_t num_frames) : rate_(rate), num_frames_(num_frames) {}

  struct Use {
    uint64_t first = 0;
    uint64_t count = 0;
  };

  // The file's first frame, which fixes T₀; its time without any start offset.
  void begin(int64_t first_pts, Ratio time_base) { origin_ = to_tick(first_pts, time_base, 0, rate_); }

  // What the frame before takes, now that the next one's time is known.
  Use advance(int64_t next_pts, Ratio time_base, int64_t start_us) {
    return take_until(to_tick(next_pts, time_base, start_us, rate_) - origin_);
  }
  // What the last frame takes, if the file ends at end_pts: everything that is still wanted.
  Use finish(int64_t end_pts, Ratio time_base, int64_t start_us) {
    const int64_t end = to_tick(end_pts, time_base, start_us, rate_) - origin_;
    const int64_t natural = end > next_ ? end : next_;
    if (num_frames_ == 0) return take_until(natural);
    repeated_ = natural < int64_t(num_frames_) ? num_frames_ - uint64_t(natural) : 0;
    return take_until(int64_t(num_frames_));
  }

  bool done() const { return num_frames_ != 0 && uint64_t(next_) >= num_frames_; }
  uint64_t num_repeated() const { return repeated_; }
  uint64_t num_taken() const { return uint64_t(next_); }

 private:
  Use take_until(int64_t end) {
    if (num_frames_ != 0 && end > int64_t(num_frames_)) end = int64_t(num_frames_);
    if (end <= next_) return {};
    const Use use{uint64_t(next_), uint64_t(end - next_)};
    next_ = end;
    return use;
  }

  Ratio rate_;
  uint64_t num_frames_;
  int64_t origin_ = 0;
  int64_t next_ = 0;
  uint64_t repeated_ = 0;
};

}  // namespace ts::media
