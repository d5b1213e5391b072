#include "media/decoder.h"

#include <algorithm>

namespace ts::media {
namespace {

constexpr int64_t kMaxPixels = int64_t(1) << 30;  // refused before the decoder allocates for them

// In ticks of the stream; at least 1, so that times made up from it advance.
int64_t nominal_duration(const AVStream& stream, const AVFrame& frame) {
  const int64_t told = frame_duration(frame);
  if (told > 0) return told;
  AVRational span{0, 1};
  if (frame.nb_samples > 0 && frame.sample_rate > 0) {
    span = {frame.nb_samples, frame.sample_rate};
  } else if (stream.avg_frame_rate.num > 0) {
    span = av_inv_q(stream.avg_frame_rate);
  }
  return std::max<int64_t>(1, av_rescale_q(1, span, stream.time_base));
}

}  // namespace

Decoder::Decoder(Input& input, int stream, unsigned num_threads) : input_(input), index_(stream) {
  const AVStream& s = this->stream();
  const AVCodec* codec = avcodec_find_decoder(s.codecpar->codec_id);
  if (!codec) {
    fail(TS_UNSUPPORTED, input.path(), ": this FFmpeg has no decoder for ", avcodec_get_name(s.codecpar->codec_id),
         "; convert the file, or install an FFmpeg that has it");
  }
  codec_.reset(allocated(avcodec_alloc_context3(codec)));
  if (avcodec_parameters_to_context(codec_.get(), s.codecpar) < 0) {
    fail(TS_BAD_MEDIA, input.path(), ": the parameters of stream ", stream, " are damaged");
  }
  codec_->pkt_timebase = s.time_base;  // lets the decoder move times when it takes off encoder delay
  codec_->thread_count = int(num_threads);
  codec_->max_pixels = kMaxPixels;
  const int opened = avcodec_open2(codec_.get(), codec, nullptr);
  if (opened < 0) {
    fail(opened == AVERROR(ENOMEM) ? TS_OUT_OF_MEMORY : TS_BAD_MEDIA, input.path(), ": the ", codec->name,
         " decoder refuses stream ", stream, ": ", why(opened));
  }
  input.only(stream);
  if (s.start_time != AV_NOPTS_VALUE) next_pts_ = s.start_time;
}

void Decoder::feed() {
  bool found = false;
  while (!found && input_.read(*packet_)) {
    found = packet_->stream_index == index_;
    if (!found) av_packet_unref(packet_.get());
  }
  drained_ = !found;
  const int sent = avcodec_send_packet(codec_.get(), found ? packet_.get() : nullptr);
  av_packet_unref(packet_.get());
  if (sent == AVERROR(ENOMEM)) fail(TS_OUT_OF_MEMORY, input_.path(), ": not enough memory to decode it");
  if (sent < 0 && sent != AVERROR_EOF) ++num_warnings_;
}

AVFrame* Decoder::next() {
  for (;;) {
    const int code = avcodec_receive_frame(codec_.get(), frame_.get());
    if (code == 0) break;
    if (code == AVERROR_EOF) return nullptr;
    if (code == AVERROR(ENOMEM)) fail(TS_OUT_OF_MEMORY, input_.path(), ": not enough memory to decode it");
    if (code != AVERROR(EAGAIN)) {
      ++num_warnings_;
      if (drained_) continue;  // further frames may still come out
    }
    feed();
  }
  if ((frame_->flags & AV_FRAME_FLAG_CORRUPT) || frame_->decode_error_flags) ++num_warnings_;
  if (frame_->best_effort_timestamp != AV_NOPTS_VALUE) frame_->pts = frame_->best_effort_timestamp;
  if (frame_->pts == AV_NOPTS_VALUE) frame_->pts = next_pts_;
  next_pts_ = frame_->pts + nominal_duration(stream(), *frame_);
  ++num_decoded_;
  return frame_.get();
}

bool Decoder::seek(int64_t pts) {
  avcodec_flush_buffers(codec_.get());
  drained_ = false;
  return input_.seek(index_, pts);
}

Origin find_origin(const std::string& path, Cancel cancel, int own_clock_stream) {
  Input input(path, cancel);
  const int video = own_clock_stream >= 0 ? -1 : input.video_stream();
  const int stream = own_clock_stream >= 0 ? own_clock_stream : video >= 0 ? video : input.audio_stream();
  if (stream < 0 || stream >= int(input->nb_streams)) return {};
  const AVStream& s = input.stream(stream);
  Origin origin{s.start_time == AV_NOPTS_VALUE ? 0 : s.start_time, s.time_base};
  try {
    Decoder decoder(input, stream, 1);
    if (const AVFrame* frame = decoder.next()) origin.pts = frame->pts;
  } catch (const Error& e) {
    if (e.status() != TS_BAD_MEDIA && e.status() != TS_UNSUPPORTED) throw;  // the stated time has to do
  }
  return origin;
}

}  // namespace ts::media
