#include "media/source_copy.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "media/matroska_delay.h"
#include "media/rgb.h"

namespace ts::media {
namespace {

constexpr int kOpusRate = 48000;
constexpr double kInterleaved_s = 1;  // packets of one moment lie this close together in a file

bool fits(const AVFormatContext& out, AVCodecID codec) {
  return avformat_query_codec(out.oformat, codec, FF_COMPLIANCE_NORMAL) == 1;
}

// Matroska says yes to the videos that it names itself, and carries those that AVI names as well.
bool fits_as_video(const AVOutputFormat& format, AVCodecID codec) {
  unsigned tag = 0;
  return avformat_query_codec(&format, codec, FF_COMPLIANCE_NORMAL) == 1 ||
         (std::strcmp(format.name, "matroska") == 0 && av_codec_get_tag2(format.codec_tag, codec, &tag));
}

bool is_matroska(const AVFormatContext& out) {
  return std::strcmp(out.oformat->name, "matroska") == 0 || std::strcmp(out.oformat->name, "webm") == 0;
}

// A source's tag means the same in the new container only if the container maps it to the same codec.
uint32_t fitting_tag(const AVFormatContext& out, const AVCodecParameters& p) {
  unsigned tag = 0;
  const bool other_name = !av_codec_get_tag2(out.oformat->codec_tag, p.codec_id, &tag);
  if (av_codec_get_id(out.oformat->codec_tag, p.codec_tag) == p.codec_id || other_name) return p.codec_tag;
  return 0;
}

// Tags that describe the old file rather than what is in it.
bool belongs_to_old_file(const char* key) {
  for (const char* old : {"encoder", "major_brand", "minor_version", "compatible_brands", "duration"}) {
    if (av_strcasecmp(key, old) == 0) return true;
  }
  return false;
}

void copy_tags(AVDictionary** to, const AVDictionary* from) {
  const AVDictionaryEntry* tag = nullptr;
  while ((tag = av_dict_get(from, "", tag, AV_DICT_IGNORE_SUFFIX))) {
    if (!belongs_to_old_file(tag->key)) av_dict_set(to, tag->key, tag->value, 0);
  }
}

}  // namespace

SourceCopy::SourceCopy(const std::string& path, Cancel cancel, const Options& options)
    : input_(path, cancel), options_(options), origin_(find_origin(path, cancel)), video_(input_.require_video(-1)) {
  const int64_t origin_us = av_rescale_q(origin_.pts, origin_.time_base, {1, AV_TIME_BASE});
  if (options.cut) {
    zero_us_ = origin_us + std::llround(options.start_s * 1e6);
    if (options.start_s > 0) {
      const AVRational tick = input_.stream(video_).time_base;
      if (!input_.seek(video_, av_rescale_q(zero_us_, {1, AV_TIME_BASE}, tick))) {
        fail(TS_BAD_MEDIA, path, ": cannot seek to ", options.start_s, " s to cut there; keep the whole video, or remux it");
      }
    }
  } else {
    zero_us_ = input_->start_time == AV_NOPTS_VALUE ? origin_us : std::min(input_->start_time, origin_us);
    lead_s_ = double(origin_us - zero_us_) / 1e6;
  }
  outputs_.assign(input_->nb_streams, -1);
  last_dts_.assign(input_->nb_streams, AV_NOPTS_VALUE);
}

AVStream& SourceCopy::add_stream(AVFormatContext& out, int index) {
  const AVStream& from = input_.stream(index);
  AVStream& to = *allocated(avformat_new_stream(&out, nullptr));
  if (avcodec_parameters_copy(to.codecpar, from.codecpar) < 0) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
  to.codecpar->codec_tag = fitting_tag(out, *from.codecpar);
  to.time_base = from.time_base;
  to.avg_frame_rate = from.avg_frame_rate;
  to.r_frame_rate = from.r_frame_rate;
  // The shape that is shown, which is the container's where it says one; a muxer refuses to be told two.
  if (from.sample_aspect_ratio.num > 0) to.codecpar->sample_aspect_ratio = from.sample_aspect_ratio;
  to.sample_aspect_ratio = to.codecpar->sample_aspect_ratio;
  to.disposition = from.disposition;
  copy_side_data(to, from);
  copy_tags(&to.metadata, from.metadata);
  outputs_[size_t(index)] = to.index;
  return to;
}

void SourceCopy::drop(int index, const char* why) {
  const AVStream& s = input_.stream(index);
  const char* kind = av_get_media_type_string(s.codecpar->codec_type);
  warnings_ += concat("stream ", index, " of the source (", is_picture(s) ? "cover picture" : kind ? kind : "data", " ",
                      avcodec_get_name(s.codecpar->codec_id), ") was left out: ", why, "\n");
  ++num_dropped_;
}

void SourceCopy::add_video(AVFormatContext& out, const Container& container) {
  const AVCodecID codec = input_.stream(video_).codecpar->codec_id;
  if (!fits_as_video(*out.oformat, codec)) {
    const AVOutputFormat* matroska = av_guess_format("matroska", nullptr, nullptr);
    fail(TS_INVALID_ARGUMENT, input_.path(), ": its video is ", avcodec_get_name(codec), ", which ", container.name, " does not carry; write ",
         matroska && fits_as_video(*matroska, codec) ? "an .mkv" : "the sound alone, such as a .wav", ", or convert the video first");
  }
  add_stream(out, video_);
#if LIBAVFORMAT_VERSION_INT < AV_VERSION_INT(60, 6, 100)
  // Matroska could not say so before FFmpeg 6.1.
  if (is_matroska(out) && !orientation_from_stream(input_.stream(video_)).is_identity()) {
    warnings_ += concat("the video is stored turned, which this FFmpeg cannot say in ", container.name,
                        ", so players will show it lying; write an .mp4 or .mov\n");
  }
#endif
  for (int i = 0; i < int(input_->nb_streams); ++i) {
    const AVStream& s = input_.stream(i);
    if (i == video_ || s.codecpar->codec_type != AVMEDIA_TYPE_VIDEO || is_picture(s)) continue;
    if (fits(out, s.codecpar->codec_id)) add_stream(out, i);
    else drop(i, "this format does not carry it");
  }
}

// Matroska keeps pictures as attached files.
void SourceCopy::add_attachment(AVFormatContext& out, int index) {
  const AVStream& from = input_.stream(index);
  const AVCodecParameters& p = *from.codecpar;
  const bool is_file = p.codec_type == AVMEDIA_TYPE_ATTACHMENT;
  const uint8_t* data = is_file ? p.extradata : from.attached_pic.data;
  const int size = is_file ? p.extradata_size : from.attached_pic.size;
  if (!data || size <= 0) return drop(index, "it is empty");
  AVStream& to = *allocated(avformat_new_stream(&out, nullptr));
  to.codecpar->codec_type = AVMEDIA_TYPE_ATTACHMENT;
  to.codecpar->codec_id = p.codec_id;
  to.codecpar->extradata = static_cast<uint8_t*>(allocated(av_mallocz(size_t(size) + AV_INPUT_BUFFER_PADDING_SIZE)));
  to.codecpar->extradata_size = size;
  std::copy_n(data, size, to.codecpar->extradata);
  copy_tags(&to.metadata, from.metadata);
  const bool png = p.codec_id == AV_CODEC_ID_PNG;
  av_dict_set(&to.metadata, "filename", png ? "cover.png" : is_file ? "attachment" : "cover.jpg", AV_DICT_DONT_OVERWRITE);
  av_dict_set(&to.metadata, "mimetype", png ? "image/png" : is_file ? "application/octet-stream" : "image/jpeg", AV_DICT_DONT_OVERWRITE);
}

void SourceCopy::add_others(AVFormatContext& out) {
  for (int i = 0; i < int(input_->nb_streams); ++i) {
    const AVStream& s = input_.stream(i);
    const AVCodecParameters& p = *s.codecpar;
    const bool as_file = p.codec_type == AVMEDIA_TYPE_ATTACHMENT || is_picture(s);
    if (p.codec_type == AVMEDIA_TYPE_VIDEO && !is_picture(s)) continue;
    if (p.codec_type == AVMEDIA_TYPE_AUDIO) {
      if (!options_.keep_tracks) continue;
      if (!fits(out, p.codec_id)) tracks_to_encode_.push_back(i);
      else add_stream(out, i).disposition &= ~AV_DISPOSITION_DEFAULT;
    } else if (as_file && std::strcmp(out.oformat->name, "matroska") == 0) {
      add_attachment(out, i);
    } else if (as_file) {
      drop(i, "this format keeps no pictures or files beside free tags");
    } else if (s.discard == AVDISCARD_ALL && input_->nb_chapters > 0) {
      continue;  // the text of the chapters, which are copied as such
    } else if (p.codec_id == AV_CODEC_ID_NONE || !fits(out, p.codec_id)) {
      drop(i, "this format does not carry it");
    } else {
      add_stream(out, i);
    }
  }
  copy_tags(&out.metadata, input_->metadata);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (outputs_[i] < 0) input_->streams[i]->discard = AVDISCARD_ALL;
  }
}

void SourceCopy::add_chapters(AVFormatContext& out) {
  const int64_t length_us = options_.cut && options_.duration_s > 0 ? std::llround(options_.duration_s * 1e6) : INT64_MAX;
  for (unsigned i = 0; i < input_->nb_chapters; ++i) {
    const AVChapter& from = *input_->chapters[i];
    const int64_t begin = std::max<int64_t>(0, av_rescale_q(from.start, from.time_base, {1, AV_TIME_BASE}) - zero_us_);
    const int64_t end = std::min(length_us, av_rescale_q(from.end, from.time_base, {1, AV_TIME_BASE}) - zero_us_);
    if (end <= begin) continue;
    auto* chapter = static_cast<AVChapter*>(allocated(av_mallocz(sizeof(AVChapter))));
    chapter->id = from.id;
    chapter->time_base = {1, AV_TIME_BASE};
    chapter->start = begin;
    chapter->end = end;
    av_dict_copy(&chapter->metadata, from.metadata, 0);
    const int count = int(out.nb_chapters);
    int grown = count;
    av_dynarray_add(&out.chapters, &grown, chapter);
    if (grown == count) fail(TS_OUT_OF_MEMORY, "FFmpeg could not allocate memory");
    out.nb_chapters = unsigned(grown);
  }
}

// Matroska tells no decoding times, so the first of a stream are not known; AVI tells those alone, raw streams none.
// Where frames are not reordered the ones follow from the others.
void SourceCopy::complete_times(AVPacket& packet, const AVStream& from, int64_t last, AVRational tick) const {
  const int delay = from.codecpar->codec_type == AVMEDIA_TYPE_VIDEO ? from.codecpar->video_delay : 0;
  if (packet.pts == AV_NOPTS_VALUE && delay > 0) {
    fail(TS_BAD_MEDIA, input_.path(), ": its packets do not say when they are shown, which copying needs; convert it first, "
         "e.g. to mp4");
  }
  if (packet.dts == AV_NOPTS_VALUE) {
    int64_t length = packet.duration;
    if (length <= 0 && from.avg_frame_rate.num > 0) length = av_rescale_q(1, av_inv_q(from.avg_frame_rate), tick);
    const bool first = last == AV_NOPTS_VALUE;
    if (first) packet.dts = packet.pts == AV_NOPTS_VALUE ? 0 : packet.pts - delay * length;
    else packet.dts = last + std::max<int64_t>(length, 1);
    if (packet.pts != AV_NOPTS_VALUE) packet.dts = delay > 0 ? std::min(packet.dts, packet.pts) : packet.pts;
  }
  if (packet.pts == AV_NOPTS_VALUE) packet.pts = packet.dts;
}

// Brings a packet to the output's clock; false if it does not belong there.
bool SourceCopy::prepare(AVPacket& packet, AVFormatContext& out) {
  const int index = packet.stream_index;
  if (index >= int(outputs_.size()) || outputs_[size_t(index)] < 0) return false;
  const AVStream& from = input_.stream(index);
  const AVStream& to = *out.streams[outputs_[size_t(index)]];
  const AVRational tick = to.time_base;  // the finer of the two as a rule, so the shift is subtracted in it
  int64_t& last = last_dts_[size_t(index)];
  // What a capture begins with before its first key frame can be decoded by nobody.
  if (index == video_ && last == AV_NOPTS_VALUE && !(packet.flags & AV_PKT_FLAG_KEY) && packet.pts != AV_NOPTS_VALUE &&
      av_compare_ts(packet.pts, from.time_base, origin_.pts, origin_.time_base) < 0) {
    return false;
  }
  av_packet_rescale_ts(&packet, from.time_base, tick);
  const int64_t shift = av_rescale_q(zero_us_, {1, AV_TIME_BASE}, tick);
  if (packet.pts != AV_NOPTS_VALUE) packet.pts -= shift;
  if (packet.dts != AV_NOPTS_VALUE) packet.dts -= shift;
  complete_times(packet, from, last, tick);
  // Opus times come out of a reader with the delay taken off; see matroska_delay.h.
  if (is_matroska(out) && from.codecpar->codec_id == AV_CODEC_ID_OPUS && !matroska_adds_delay()) {
    const int64_t delay = av_rescale_q(from.codecpar->initial_padding, {1, kOpusRate}, tick);
    packet.pts += delay;
    packet.dts += delay;
  }
  const bool is_video = from.codecpar->codec_type == AVMEDIA_TYPE_VIDEO;
  if (options_.cut) {
    const double end_s = options_.duration_s > 0 ? options_.duration_s : INFINITY;
    const double dts_s = double(packet.dts) * av_q2d(tick), pts_s = double(packet.pts) * av_q2d(tick);
    if (index == video_ && dts_s >= end_s + kInterleaved_s) ended_ = true;
    if (dts_s >= end_s || (!is_video && (pts_s < 0 || pts_s >= end_s))) return false;
  }
  const int64_t least = last == AV_NOPTS_VALUE ? INT64_MIN : last + (out.oformat->flags & AVFMT_TS_NONSTRICT ? 0 : 1);
  if (packet.dts < least) {
    packet.dts = least;
    packet.pts = std::max(packet.pts, least);
  }
  last = packet.dts;
  packet.stream_index = outputs_[size_t(index)];
  packet.pos = -1;
  if (is_video) at_s_ = double(packet.dts) * av_q2d(tick);
  return true;
}

bool SourceCopy::pump(double until_s, AVFormatContext& out, const PacketTaker& take) {
  while (at_s_ < until_s) {
    if (ended_ || !input_.read(*packet_)) return false;
    if (prepare(*packet_, out)) take(*packet_);
    av_packet_unref(packet_.get());
  }
  return true;
}

}  // namespace ts::media
