#include "media/audio_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ts::media {
namespace {

constexpr double kGap_s = 0.1;       // as FFmpeg's own resampler: less is jitter, more is a hole
constexpr double kPreroll_s = 0.5;   // decoders settle within this: Opus 80 ms, MP3 10 frames, AAC 1
constexpr double kSeekBeyond_s = 2;  // what is closer is decoded through

// round((pts · time_base − origin) · rate), exactly, halves away from zero.
int64_t samples_since(const Origin& origin, int64_t pts, AVRational time_base, int rate) {
  __extension__ using wide = __int128;
  const wide den = wide(time_base.den) * origin.time_base.den;
  const wide num = (wide(pts) * time_base.num * origin.time_base.den - wide(origin.pts) * origin.time_base.num * time_base.den) * rate;
  const wide rounded = ((num < 0 ? -num : num) * 2 + den) / (2 * den);
  return int64_t(num < 0 ? -rounded : rounded);
}

}  // namespace

AudioSource::AudioSource(const std::string& path, Cancel cancel, int stream, AudioRange range)
    : input_(path, cancel),
      stream_(input_.require_audio(stream)),
      decoder_(input_, stream_, 1),
      origin_(find_origin(path, cancel, range.own_clock ? stream_ : -1)) {
  const AVFrame* frame = decoder_.next();
  if (!frame || frame->sample_rate <= 0 || frame->ch_layout.nb_channels <= 0) {
    fail(TS_BAD_MEDIA, path, ": nothing of its sound could be decoded (", decoder_.num_warnings(),
         " damaged packets); copy it again, or convert it");
  }
  rate_ = frame->sample_rate;
  layout_ = spec_of(*frame).layout;
  const AVRational tick = decoder_.stream().time_base;
  slack_ = int64_t(av_q2d(tick) * rate_);
  at_ = std::llround(range.start_s * rate_);
  if (range.duration_s > 0) end_ = at_ + std::llround(range.duration_s * rate_);
  place(*frame);
  first_time_s_ = double(coming_.at) / rate_;
  convert(*frame);
  has_coming_ = true;

  const int64_t wanted = at_ - int64_t(kPreroll_s * rate_);
  if (range.start_s > first_time_s_ + kSeekBeyond_s) {
    const int64_t target = av_rescale_q(origin_.pts, origin_.time_base, tick) + av_rescale_q(wanted, {1, rate_}, tick);
    from_beginning_ = false;
    has_coming_ = false;
    if (!decoder_.seek(target)) {
      fail(TS_BAD_MEDIA, path, ": cannot seek to ", range.start_s,
           " s; start at 0, or remux the file (ffmpeg -i in -c copy out.mp4)");
    }
    if (look_ahead() && coming_.at > at_ && coming_.at > wanted + int64_t(kGap_s * rate_)) {
      has_coming_ = false;  // the seek went too far: from the beginning
      from_beginning_ = true;
      decoder_.seek(av_rescale_q(origin_.pts, origin_.time_base, tick));
    }
  }
}

int64_t AudioSource::position_of(int64_t pts) const {
  return samples_since(origin_, pts, decoder_.stream().time_base, rate_);
}

// Where the coming block lies, after the current one if there is one.
void AudioSource::place(const AVFrame& frame) {
  const int64_t told = position_of(frame.pts);
  const bool damaged = decoder_.num_warnings() != warnings_seen_;
  warnings_seen_ = decoder_.num_warnings();
  coming_.told = position_of(frame.pts + frame_duration(frame)) - told;
  if (!has_block_) {
    // The track's first sample within a coarse tick of time 0 is at time 0.
    coming_.at = from_beginning_ && std::llabs(told) <= slack_ ? 0 : told;
    return;
  }
  const int64_t allowed = damaged ? slack_ + 1 : int64_t(kGap_s * rate_);
  coming_.at = std::llabs(told - block_.end()) > allowed ? told : block_.end();
}

void AudioSource::convert(const AVFrame& frame) {
  const int channels = frame.ch_layout.nb_channels;
  if (!resampler_ || frame.format != in_format_ || frame.sample_rate != in_rate_ || channels != in_channels_) {
    in_format_ = frame.format;
    in_rate_ = frame.sample_rate;
    in_channels_ = channels;
    resampler_ = new_resampler({layout_, AV_SAMPLE_FMT_FLT, rate_}, spec_of(frame));
  }
  const int room = swr_get_out_samples(resampler_.get(), frame.nb_samples);
  coming_.samples.resize(size_t(std::max(room, 0)) * size_t(num_channels()));
  uint8_t* to[1] = {reinterpret_cast<uint8_t*>(coming_.samples.data())};
  auto** from = const_cast<const uint8_t**>(frame.extended_data);
  const int got = swr_convert(resampler_.get(), to, room, from, frame.nb_samples);
  if (got < 0) fail(TS_BAD_MEDIA, input_.path(), ": its sound cannot be brought to floating point: ", why(got));
  coming_.count = got;
}

bool AudioSource::look_ahead() {
  const AVFrame* frame = ended_ ? nullptr : decoder_.next();
  ended_ = !frame;
  if (frame) {
    place(*frame);
    convert(*frame);
  }
  return has_coming_ = frame != nullptr;
}

bool AudioSource::next_block() {
  if (!has_coming_ && !look_ahead()) return false;
  std::swap(block_, coming_);
  has_block_ = true;
  const bool mp4 = std::strstr(input_->iformat->name, "mp4") != nullptr;  // others state the padding itself
  if (!look_ahead() && mp4 && slack_ <= 1 && block_.told > 0) block_.count = std::min(block_.count, block_.told);
  return true;
}

uint64_t AudioSource::read(float* samples, uint64_t max_samples) {
  const size_t channels = size_t(num_channels());
  uint64_t done = 0;
  while (done < max_samples && at_ < end_) {
    if (!has_block_ || block_.end() <= at_) {
      input_.cancel().check(input_.path());
      if (!next_block()) break;
      continue;
    }
    const int64_t room = std::min<int64_t>(int64_t(std::min<uint64_t>(max_samples - done, INT32_MAX)), end_ - at_);
    float* to = samples + done * channels;
    int64_t count;
    if (at_ < block_.at) {
      count = std::min(room, block_.at - at_);
      std::fill_n(to, size_t(count) * channels, 0.0f);
    } else {
      const int64_t skipped = at_ - block_.at;
      count = std::min(room, block_.count - skipped);
      std::copy_n(block_.samples.data() + size_t(skipped) * channels, size_t(count) * channels, to);
    }
    at_ += count;
    done += uint64_t(count);
  }
  return done;
}

uint64_t AudioSource::estimated_samples() const {
  const AVStream& s = decoder_.stream();
  int64_t micros = input_.get()->duration;
  if (s.duration > 0) micros = av_rescale_q(s.duration, s.time_base, {1, AV_TIME_BASE});
  if (micros <= 0) return 0;
  const int64_t end = int64_t(first_time_s_ * rate_) + av_rescale_q(micros, {1, AV_TIME_BASE}, {1, rate_});
  return uint64_t(std::max<int64_t>(0, std::min(end, end_) - at_));
}

}  // namespace ts::media
