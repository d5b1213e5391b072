#include "media/audio_encoder.h"

#include <algorithm>
#include <cmath>

#include "media/container.h"

namespace ts::media {
namespace {

constexpr int kBlock = 1 << 14;    // samples that are resampled at a time
constexpr int kFreeFrame = 4096;   // samples a packet for codecs that take any number

AVSampleFormat wanted_format(tsm_codec codec, uint32_t bits) {
  if (codec == TSM_CODEC_FLAC) return bits == 24 ? AV_SAMPLE_FMT_S32 : AV_SAMPLE_FMT_S16;
  if (codec == TSM_CODEC_PCM) return bits == 32 ? AV_SAMPLE_FMT_FLT : bits == 24 ? AV_SAMPLE_FMT_S32 : AV_SAMPLE_FMT_S16;
  return AV_SAMPLE_FMT_FLTP;
}

// What the encoder takes that is closest to what we would like.
AVSampleFormat choose_format(const AVCodec& codec, AVSampleFormat wanted) {
  const std::vector<AVSampleFormat> formats = sample_formats(codec);
  if (formats.empty() || std::count(formats.begin(), formats.end(), wanted)) return wanted;
  for (const AVSampleFormat f : {AV_SAMPLE_FMT_FLT, AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_S16P}) {
    if (std::count(formats.begin(), formats.end(), f)) return f;
  }
  return formats.front();
}

// The rate itself, else the next higher one, else the highest.
int choose_rate(const AVCodec& codec, int rate) {
  std::vector<int> rates = sample_rates(codec);
  if (rates.empty()) return rate;
  std::sort(rates.begin(), rates.end());
  const auto at_least = std::lower_bound(rates.begin(), rates.end(), rate);
  return at_least == rates.end() ? rates.back() : *at_least;
}

}  // namespace

float on_grid(float sample, uint32_t bits) {
  const float clamped = std::isnan(sample) ? 0.0f : std::clamp(sample, -1.0f, 1.0f);
  if (bits == 16) return std::trunc(clamped * 32767.0f) / 32768.0f;
  return float(std::nearbyint(double(clamped) * 8388607.0) / 8388608.0);
}

const AVCodec* find_encoder(tsm_codec codec, uint32_t bits) {
  switch (codec) {
    case TSM_CODEC_AAC: return avcodec_find_encoder_by_name("aac");
    case TSM_CODEC_OPUS: return avcodec_find_encoder_by_name("libopus");
    case TSM_CODEC_FLAC: return avcodec_find_encoder(AV_CODEC_ID_FLAC);
    case TSM_CODEC_VORBIS: return avcodec_find_encoder_by_name("libvorbis");
    case TSM_CODEC_MP3: return avcodec_find_encoder_by_name("libmp3lame");
    case TSM_CODEC_PCM:
      return avcodec_find_encoder(bits == 32   ? AV_CODEC_ID_PCM_F32LE
                                  : bits == 24 ? AV_CODEC_ID_PCM_S24LE
                                               : AV_CODEC_ID_PCM_S16LE);
    default: return nullptr;
  }
}

AudioEncoder::AudioEncoder(const EncoderOptions& options, int sample_rate, const ChannelLayout& layout)
    : in_{layout, AV_SAMPLE_FMT_FLT, sample_rate}, out_(in_) {
  const char* name = codec_name(options.codec);
  const AVCodec* codec = find_encoder(options.codec, options.bits);
  if (!codec) {
    fail(TS_UNSUPPORTED, "this FFmpeg has no encoder for ", name, "; choose another codec, or install an FFmpeg that has it");
  }
  require(options.codec != TSM_CODEC_FLAC || options.bits != 32, "flac stores 16 or 24 bits, not floating point; choose wav for that");
  codec_.reset(allocated(avcodec_alloc_context3(codec)));
  codec_->sample_fmt = choose_format(*codec, wanted_format(options.codec, options.bits));
  codec_->sample_rate = choose_rate(*codec, sample_rate);
  codec_->time_base = {1, codec_->sample_rate};
  codec_->thread_count = 1;
  if (av_channel_layout_copy(&codec_->ch_layout, layout.get()) < 0) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  const bool lossless = options.codec == TSM_CODEC_FLAC || options.codec == TSM_CODEC_PCM;
  if (!lossless) {
    codec_->bit_rate = options.bit_rate ? options.bit_rate : int64_t(kBitRatePerChannel) * layout.num_channels();
  } else if (options.bits == 24) {
    codec_->bits_per_raw_sample = 24;
  }
  if (lossless && options.bits != 32) grid_bits_ = options.bits;
  if (options.global_header) codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  forget_log_line();
  const int opened = avcodec_open2(codec_.get(), codec, nullptr);
  if (opened == AVERROR(ENOMEM)) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  if (opened < 0) {
    fail(TS_INVALID_ARGUMENT, "the ", name, " encoder refuses ", layout.num_channels(), " channels at ",
         codec_->sample_rate, " Hz, ", codec_->bit_rate, " bit/s: ", why(opened), "; choose another codec or bit rate");
  }
  out_ = {layout, codec_->sample_fmt, codec_->sample_rate};
  resampler_ = new_resampler(out_, in_);
  fifo_.reset(allocated(av_audio_fifo_alloc(codec_->sample_fmt, layout.num_channels(), kBlock)));
}

const float* AudioEncoder::prepare(const float* interleaved, int num_samples) {
  if (grid_bits_ == 0) return interleaved;
  on_grid_.assign(interleaved, interleaved + size_t(num_samples) * size_t(in_.layout.num_channels()));
  for (float& sample : on_grid_) sample = on_grid(sample, grid_bits_);
  return on_grid_.data();
}

// Appends to the queue; null drains the resampler, up to as many samples as the input lasts.
void AudioEncoder::resample(const float* interleaved, int num_samples) {
  const int room = swr_get_out_samples(resampler_.get(), num_samples) + 1;
  const FramePtr out = new_samples(out_, room);
  const uint8_t* from[1] = {reinterpret_cast<const uint8_t*>(interleaved)};
  int got = swr_convert(resampler_.get(), out->extended_data, room, interleaved ? from : nullptr, num_samples);
  if (got < 0) fail(TS_INTERNAL, "the new sound could not be resampled: ", why(got));
  given_ += num_samples;
  if (!interleaved) {
    const int64_t whole = av_rescale_rnd(given_, codec_->sample_rate, in_.rate, AV_ROUND_UP);
    got = int(std::clamp<int64_t>(whole - queued_, 0, got));
  }
  auto** data = reinterpret_cast<void**>(out->extended_data);
  if (av_audio_fifo_write(fifo_.get(), data, got) < got) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  queued_ += got;
}

void AudioEncoder::send(const AVFrame* frame, const PacketTaker& take) {
  int code = avcodec_send_frame(codec_.get(), frame);
  if (code < 0) fail(TS_BAD_MEDIA, "the new sound could not be encoded as ", codec_->codec->name, ": ", why(code));
  while ((code = avcodec_receive_packet(codec_.get(), packet_.get())) >= 0) {
    take(*packet_);
    av_packet_unref(packet_.get());
  }
  if (code != AVERROR(EAGAIN) && code != AVERROR_EOF) {
    fail(TS_BAD_MEDIA, "the new sound could not be encoded as ", codec_->codec->name, ": ", why(code));
  }
}

void AudioEncoder::encode(bool flush, const PacketTaker& take) {
  const int whole = codec_->frame_size > 0 ? codec_->frame_size : kFreeFrame;
  for (int queued; (queued = av_audio_fifo_size(fifo_.get())) >= (flush ? 1 : whole);) {
    const FramePtr frame = new_samples(out_, std::min(whole, queued));
    av_audio_fifo_read(fifo_.get(), reinterpret_cast<void**>(frame->extended_data), frame->nb_samples);
    frame->pts = sent_;
    sent_ += frame->nb_samples;
    send(frame.get(), take);
  }
}

void AudioEncoder::pad(int64_t num_samples) {
  sent_ -= num_samples;
  while (num_samples > 0) {
    const FramePtr silence = new_samples(out_, int(std::min<int64_t>(num_samples, kBlock)));
    av_samples_set_silence(silence->extended_data, 0, silence->nb_samples, out_.layout.num_channels(), out_.format);
    auto** data = reinterpret_cast<void**>(silence->extended_data);
    if (av_audio_fifo_write(fifo_.get(), data, silence->nb_samples) < silence->nb_samples) {
      fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
    }
    num_samples -= silence->nb_samples;
  }
}

void AudioEncoder::write(const float* interleaved, uint64_t num_samples, const PacketTaker& take) {
  while (num_samples > 0) {
    const int count = int(std::min<uint64_t>(num_samples, kBlock));
    resample(prepare(interleaved, count), count);
    encode(false, take);
    interleaved += size_t(count) * size_t(in_.layout.num_channels());
    num_samples -= uint64_t(count);
  }
}

void AudioEncoder::finish(const PacketTaker& take) {
  resample(nullptr, 0);
  encode(true, take);
  send(nullptr, take);
}

}  // namespace ts::media
