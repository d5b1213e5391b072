#include "media/writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "media/matroska_delay.h"

namespace ts::media {
namespace {

constexpr int kBlock = 1 << 13;  // samples that are mixed and encoded at a time

void check_tag(const tsm_tag& tag) {
  require(tag.key && *tag.key && tag.value, "a tag needs a key and a value");
  for (const char* c = tag.key; *c; ++c) {
    const bool fine = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || std::strchr("_-.", *c);
    require(fine, "the tag key \"", tag.key, "\" has other characters than letters, digits, '_', '-' and '.'");
  }
}

void put_le32(uint8_t* at, uint64_t value) {
  for (int i = 0; i < 4; ++i) at[i] = uint8_t(value >> (8 * i));
}

// Writes the true lengths into a WAV header that FFmpeg wrote for an output it cannot seek in.
void patch_wav_header(std::vector<uint8_t>& header, uint64_t num_data_bytes) {
  const uint64_t riff = header.size() - 8 + num_data_bytes;
  if (header.size() < 44 || std::memcmp(header.data() + header.size() - 8, "data", 4) != 0 || riff > UINT32_MAX) return;
  put_le32(header.data() + 4, riff);
  put_le32(header.data() + header.size() - 4, num_data_bytes);
}

// Tells the container how much of the last packet is padding, where the encoder does not.
void mark_padding(AVPacket& packet, int64_t num_samples) {
  size_t size = 0;
  if (av_packet_get_side_data(&packet, AV_PKT_DATA_SKIP_SAMPLES, &size)) return;
  uint8_t* skip = allocated(av_packet_new_side_data(&packet, AV_PKT_DATA_SKIP_SAMPLES, 10));
  std::fill_n(skip, 10, uint8_t(0));
  put_le32(skip + 4, uint64_t(num_samples));
}

}  // namespace

ResampledSource::ResampledSource(const std::string& path, Cancel cancel, int stream, AudioRange range, const SampleSpec& to)
    : source_(path, cancel, stream, range),
      resampler_(new_resampler(to, {source_.layout(), AV_SAMPLE_FMT_FLT, source_.sample_rate()})),
      block_(size_t(kBlock) * size_t(source_.num_channels())) {}

int ResampledSource::read(float* samples, int max_samples) {
  uint8_t* to[1] = {reinterpret_cast<uint8_t*>(samples)};
  const uint8_t* from[1] = {reinterpret_cast<const uint8_t*>(block_.data())};
  int got = 0;
  for (int count = 0;;) {
    got = swr_convert(resampler_.get(), to, max_samples, drained_ ? nullptr : from, count);  // null: give out the rest
    if (got != 0 || drained_) break;
    count = int(source_.read(block_.data(), kBlock));
    drained_ = count == 0;
  }
  if (got < 0) fail(TS_INTERNAL, "the source's own sound could not be resampled: ", why(got));
  return got;
}

Writer::Writer(const tsm_writer_options& o)
    : name_(o.write ? "the output" : o.path ? o.path : ""), source_path_(o.source ? o.source : ""), cancel_{o.cancel, o.user_data},
      rate_(o.sample_rate), num_channels_(int(o.num_channels)), gain_(o.gain), source_gain_(o.source_gain) {
  container_ = &find_container(o.path ? o.path : "", o.format);
  // Without video nothing else in Matroska would tell an AAC decoder its delay.
  const bool alone = source_path_.empty() && is_matroska() && container_->carries(TSM_CODEC_FLAC);
  codec_ = choose_codec(*container_, alone && o.codec == TSM_CODEC_AUTO ? TSM_CODEC_FLAC : o.codec);
  require(source_path_.empty() || container_->has_video, name_, ": ", container_->name,
          " carries no video; write mp4, mov, mkv or webm, or give no source");
  guarded([&] { open(o); });
}

// Whatever goes wrong, nothing of the file stays behind.
template <class Work>
void Writer::guarded(Work work) {
  require(!failed_, name_, ": writing it failed before; begin again");
  require(!finished_, name_, ": is finished; begin another");
  try {
    cancel_.check(name_);
    work();
  } catch (...) {
    failed_ = true;
    out_.reset();
    sink_.reset();
    throw;
  }
}

void Writer::open(const tsm_writer_options& o) {
  if (o.source) {
    SourceCopy::Options keep{o.keep_audio == TSM_KEEP_TRACK, o.cut != 0, o.start_s, o.duration_s};
    source_ = std::make_unique<SourceCopy>(source_path_, cancel_, keep);
  }
  const bool sized_wav = std::strcmp(container_->name, "wav") == 0 && o.num_samples > 0;
  sink_ = std::make_unique<Sink>(o.path ? o.path : "", o.write, o.write_data, o.overwrite != 0, container_->must_seek && !sized_wav);
  AVFormatContext* out = nullptr;
  const int code = avformat_alloc_output_context2(&out, nullptr, container_->muxer, nullptr);
  if (code < 0) fail(TS_UNSUPPORTED, name_, ": this FFmpeg does not write ", container_->name, ": ", why(code));
  out_.reset(out);
  out_->pb = sink_->avio();
  out_->flags |= AVFMT_FLAG_CUSTOM_IO;

  if (source_) source_->add_video(*out_, *container_);
  const EncoderOptions options{codec_, o.bits, o.bit_rate, (out_->oformat->flags & AVFMT_GLOBALHEADER) != 0};
  const ChannelLayout layout(num_channels_);
  new_ = add_track(options, int(rate_), layout);
  new_.stream->disposition |= AV_DISPOSITION_DEFAULT;
  if (source_) {
    source_->add_others(*out_);
    const bool keeps = o.keep_audio != TSM_KEEP_NONE;
    if (keeps && !source_->has_audio()) warnings_ += "the source has no sound of its own to keep\n";
    if (o.keep_audio == TSM_KEEP_MIX && source_->has_audio()) {
      const AudioRange range{o.cut ? o.start_s : -source_->lead_s(), o.cut ? o.duration_s : 0, false};
      mixed_in_ = std::make_unique<ResampledSource>(source_path_, cancel_, -1, range, SampleSpec{layout, AV_SAMPLE_FMT_FLT, int(rate_)});
    }
    if (o.keep_audio == TSM_KEEP_TRACK && source_->has_audio()) av_dict_set(&new_.stream->metadata, "title", "ThinkSound", 0);
    add_kept_tracks(o);
  }
  place_delays();
  if (source_) source_->add_chapters(*out_);
  add_tags(o);
  write_header(o);

  block_.resize(size_t(kBlock) * size_t(num_channels_));
  own_block_.resize(block_.size());
  if (source_ && !o.cut) {
    for (int64_t left = std::llround((source_->lead_s() + o.start_s) * rate_); left > 0; left -= kBlock) {
      feed(nullptr, int(std::min<int64_t>(left, kBlock)));
    }
  }
}

bool Writer::is_matroska() const { return !std::strcmp(container_->name, "mkv") || !std::strcmp(container_->name, "webm"); }

// Encoder delay in Matroska: see matroska_delay.h. mp4, mov and the sound formats state it themselves.
void Writer::place_delays() {
  if (!is_matroska()) return;
  std::vector<Track*> tracks{&new_};
  for (Track& track : kept_) tracks.push_back(&track);
  const auto unstated = [](const Track& t) {
    return t.stream->codecpar->codec_id != AV_CODEC_ID_OPUS && t.stream->codecpar->initial_padding > 0;
  };
  int64_t step_ms = 1, needed_ms = 0;
  for (const Track* t : tracks) {
    if (!source_ || !unstated(*t)) continue;  // alone, the sound has nothing to keep step with
    const int rate = t->encoder->rate();
    step_ms = std::lcm(step_ms, whole_ms(rate));
    needed_ms = std::max(needed_ms, av_rescale_rnd(t->stream->codecpar->initial_padding, 1000, rate, AV_ROUND_UP));
  }
  const int64_t shift_ms = (needed_ms + step_ms - 1) / step_ms * step_ms;
  for (Track* t : tracks) {
    AVCodecParameters& p = *t->stream->codecpar;
    t->late = shift_ms * t->encoder->rate() / 1000;
    if (unstated(*t)) {
      if (!source_) continue;
      t->encoder->pad(t->late - p.initial_padding);
      p.initial_padding = 0;
    } else if (p.initial_padding > 0 && !matroska_adds_delay()) {
      t->late += p.initial_padding;
    }
  }
  shift_s_ = double(shift_ms) / 1000;
  if (source_) source_->move_back(shift_ms);
}

Writer::Track Writer::add_track(const EncoderOptions& options, int rate, const ChannelLayout& layout) {
  Track track;
  track.encoder = std::make_unique<AudioEncoder>(options, rate, layout);
  track.stream = allocated(avformat_new_stream(out_.get(), nullptr));
  if (avcodec_parameters_from_context(track.stream->codecpar, track.encoder->context()) < 0) {
    fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  }
  track.stream->time_base = {1, track.encoder->rate()};
  return track;
}

void Writer::add_kept_tracks(const tsm_writer_options& o) {
  const EncoderOptions options{container_->default_codec, 16, 0, (out_->oformat->flags & AVFMT_GLOBALHEADER) != 0};
  for (const int stream : source_->tracks_to_encode()) {
    const AudioRange range{o.cut ? o.start_s : -source_->lead_s(), o.cut ? o.duration_s : 0, false};
    const AudioSource probe(source_path_, cancel_, stream, {});
    const SampleSpec spec{probe.layout(), AV_SAMPLE_FMT_FLT, probe.sample_rate()};
    Track track = add_track(options, spec.rate, spec.layout);
    track.rate = spec.rate;
    track.own = std::make_unique<ResampledSource>(source_path_, cancel_, stream, range, spec);
    warnings_ += concat("stream ", stream, " of the source was encoded again as ", codec_name(options.codec),
                        ", because this format does not carry it as it is\n");
    kept_.push_back(std::move(track));
  }
}

void Writer::add_tags(const tsm_writer_options& o) {
  std::string comment;
  for (uint32_t i = 0; i < o.num_tags; ++i) {
    check_tag(o.tags[i]);
    if (container_->free_tags) av_dict_set(&out_->metadata, o.tags[i].key, o.tags[i].value, 0);
    else comment += concat(comment.empty() ? "" : "\n", o.tags[i].key, ": ", o.tags[i].value);
  }
  if (!comment.empty()) av_dict_set(&out_->metadata, "comment", comment.c_str(), 0);
}

void Writer::write_header(const tsm_writer_options& o) {
  AVDictionary* options = nullptr;
  std::string flags = "+use_metadata_tags";
  if (!sink_->working_path().empty()) {
    flags += "+faststart";  // for which the muxer reads the file back by its name
    out_->url = allocated(av_strdup(("file:" + sink_->working_path()).c_str()));
  }
  const std::string timescale = std::to_string(new_.encoder->rate());
  av_dict_set(&options, "movflags", flags.c_str(), 0);
  av_dict_set(&options, "movie_timescale", timescale.c_str(), 0);  // edit lists exact to the sample
  const bool patch = !sink_->is_seekable() && std::strcmp(container_->name, "wav") == 0;
  if (patch) sink_->hold_back();
  forget_log_line();
  if (codec_ == TSM_CODEC_FLAC) out_->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;  // in mp4, by older FFmpeg
  const int code = avformat_write_header(out_.get(), &options);
  av_dict_free(&options);
  sink_->check();
  if (code < 0) fail(TS_INVALID_ARGUMENT, name_, ": ", container_->name, " cannot carry these streams: ", why(code));
  if (!patch) return;
  avio_flush(sink_->avio());
  const uint64_t bytes = o.num_samples * o.num_channels * (o.bits == 32 ? 4 : o.bits / 8);
  patch_wav_header(sink_->held_back(), bytes);
  sink_->release();
}

void Writer::mux(AVPacket& packet) {
  const int code = av_interleaved_write_frame(out_.get(), &packet);
  sink_->check();
  if (code < 0) fail(TS_BAD_MEDIA, name_, ": a packet of stream ", packet.stream_index, " cannot be written: ", why(code));
}

AudioEncoder::PacketTaker Writer::taker(const Track& track) {
  return [this, &track](AVPacket& packet) {
    const AVStream* stream = track.stream;
    const AVCodecContext& codec = *track.encoder->context();
    const AVRational base = codec.time_base;
    const bool whole_frames = codec.codec_id == AV_CODEC_ID_AAC || codec.codec_id == AV_CODEC_ID_MP3;
    const bool padded = whole_frames && packet.duration > 0 && packet.duration < codec.frame_size;
    if (is_matroska() && padded) mark_padding(packet, codec.frame_size - packet.duration);
    packet.pts += track.late;
    packet.dts += track.late;
    packet.stream_index = stream->index;
    av_packet_rescale_ts(&packet, base, stream->time_base);
    mux(packet);
  };
}

// Brings everything that is not the new sound to the same moment, so that the file is interleaved.
void Writer::keep_up(double until_s) {
  if (source_) source_->pump(until_s + shift_s_, *out_, [this](AVPacket& packet) { mux(packet); });
  std::vector<float> block;
  for (Track& track : kept_) {
    const size_t channels = size_t(track.encoder->context()->ch_layout.nb_channels);
    block.resize(size_t(kBlock) * channels);
    while (!track.done && track.at_s < until_s) {
      const int count = track.own->read(block.data(), kBlock);
      track.done = count == 0;
      track.encoder->write(block.data(), uint64_t(count), taker(track));
      if (track.done) track.encoder->finish(taker(track));
      track.at_s += double(count) / track.rate;
    }
  }
}

// `interleaved` null stands for silence.
void Writer::feed(const float* interleaved, int num_samples) {
  cancel_.check(name_);
  const size_t count = size_t(num_samples) * size_t(num_channels_);
  for (size_t i = 0; i < count; ++i) block_[i] = interleaved ? gain_ * interleaved[i] : 0.0f;
  for (int done = 0; mixed_in_ && done < num_samples;) {
    const int got = mixed_in_->read(own_block_.data(), num_samples - done);
    if (got == 0) mixed_in_.reset();
    float* to = block_.data() + size_t(done) * size_t(num_channels_);
    for (size_t i = 0; i < size_t(got) * size_t(num_channels_); ++i) to[i] += source_gain_ * own_block_[i];
    done += got;
  }
  new_.encoder->write(block_.data(), uint64_t(num_samples), taker(new_));
  fed_ += num_samples;
  keep_up(double(fed_) / rate_);
}

// The source's own sound past the end of the new one; false when there is no more.
bool Writer::feed_own() {
  if (!mixed_in_) return false;
  cancel_.check(name_);
  const int got = mixed_in_->read(own_block_.data(), kBlock);
  for (size_t i = 0; i < size_t(got) * size_t(num_channels_); ++i) block_[i] = source_gain_ * own_block_[i];
  new_.encoder->write(block_.data(), uint64_t(got), taker(new_));
  fed_ += got;
  keep_up(double(fed_) / rate_);
  return got > 0;
}

void Writer::write(const float* samples, uint64_t num_samples, bool interleaved) {
  guarded([&] {
    const size_t channels = size_t(num_channels_);
    std::vector<float> woven;
    if (!interleaved) woven.resize(size_t(kBlock) * channels);
    for (uint64_t at = 0; at < num_samples;) {
      const int count = int(std::min<uint64_t>(num_samples - at, kBlock));
      const float* block = samples + at * channels;
      if (!interleaved) {
        for (size_t c = 0; c < channels; ++c) {
          for (size_t i = 0; i < size_t(count); ++i) woven[i * channels + c] = samples[c * num_samples + at + i];
        }
        block = woven.data();
      }
      feed(block, count);
      at += uint64_t(count);
    }
    num_samples_ += num_samples;
  });
}

void Writer::finish(tsm_writer_result& result) {
  guarded([&] {
    while (feed_own()) {
    }
    new_.encoder->finish(taker(new_));
    keep_up(INFINITY);
    const int code = av_write_trailer(out_.get());
    avio_flush(sink_->avio());
    sink_->check();
    if (code < 0) fail(TS_BAD_MEDIA, name_, ": could not be completed: ", why(code));
    sink_->commit();
  });
  finished_ = true;
  result.num_bytes = sink_->num_bytes();
  result.num_samples = num_samples_;
  std::snprintf(result.container, sizeof result.container, "%s", container_->name);
  std::snprintf(result.codec, sizeof result.codec, "%s", codec_name(codec_));
  if (source_) {
    warnings_ = source_->warnings() + warnings_;
    result.num_dropped_streams = source_->num_dropped();
  }
  if (!warnings_.empty()) warnings_.pop_back();
  std::snprintf(result.warnings, sizeof result.warnings, "%s", warnings_.c_str());
  out_.reset();
  sink_.reset();
}

}  // namespace ts::media
