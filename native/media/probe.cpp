#include "media/probe.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>

#include "media/audio_source.h"
#include "media/path.h"
#include "media/rgb.h"

namespace ts::media {
namespace {

constexpr double kTail_s = 2;       // how far before the stated end the last packets are looked for
constexpr double kTruncated_s = 1;  // a file that ends this much before its header says is cut off
constexpr double kUnknown = -std::numeric_limits<double>::infinity();

template <size_t N>
void put(char (&to)[N], const std::string& text) {
  std::snprintf(to, N, "%s", text.c_str());
}

Tags tags_of(const AVDictionary* dictionary) {
  Tags tags;
  const AVDictionaryEntry* tag = nullptr;
  while ((tag = av_dict_get(dictionary, "", tag, AV_DICT_IGNORE_SUFFIX))) tags.emplace_back(tag->key, tag->value);
  return tags;
}

tsm_stream_kind kind_of(const AVStream& s) {
  switch (s.codecpar->codec_type) {
    case AVMEDIA_TYPE_VIDEO: return is_picture(s) ? TSM_STREAM_PICTURE : TSM_STREAM_VIDEO;
    case AVMEDIA_TYPE_AUDIO: return TSM_STREAM_AUDIO;
    case AVMEDIA_TYPE_SUBTITLE: return TSM_STREAM_SUBTITLE;
    default: return TSM_STREAM_OTHER;
  }
}

// Container time at which the last shown packet of each stream ends, kUnknown where none was met. Reads packets without
// decoding them, from `from_s` (container time) or, below −1e9, from the beginning.
std::vector<double> stream_ends(const std::string& path, Cancel cancel, double from_s) {
  Input input(path, cancel);
  std::vector<double> ends(input->nb_streams, kUnknown);
  if (from_s > -1e9 && av_seek_frame(input.get(), -1, int64_t(from_s * AV_TIME_BASE), AVSEEK_FLAG_BACKWARD) < 0) return ends;
  const PacketPtr packet = new_packet();
  while (input.read(*packet)) {
    const size_t index = size_t(packet->stream_index);
    const AVStream& s = input.stream(packet->stream_index);
    const int64_t pts = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    double length = double(packet->duration) * av_q2d(s.time_base);
    if (packet->duration <= 0 && s.avg_frame_rate.num > 0) length = av_q2d(av_inv_q(s.avg_frame_rate));
    if (index < ends.size() && !(packet->flags & AV_PKT_FLAG_DISCARD)) {
      const double last_s = std::max(ends[index], 0.0);  // raw streams have no times, only one packet after the other
      ends[index] = std::max(ends[index], (pts != AV_NOPTS_VALUE ? double(pts) * av_q2d(s.time_base) : last_s) + length);
    }
    av_packet_unref(packet.get());
  }
  return ends;
}

// First and last sample that are heard, on the file's clock, by decoding a little at both ends.
void measure_audio(const std::string& path, Cancel cancel, int stream, double end_estimate_s, tsm_stream_info& info) {
  const AudioSource whole(path, cancel, stream, {});
  info.start_s = whole.first_time_s();
  info.sample_rate = uint32_t(whole.sample_rate());
  info.num_channels = uint32_t(whole.num_channels());
  put(info.channel_layout, whole.layout().name());
  if (end_estimate_s == kUnknown) return;
  const double from_s = std::max(std::max(0.0, info.start_s), end_estimate_s - kTail_s);
  AudioSource tail(path, cancel, stream, {from_s, 0, false});
  std::vector<float> block(size_t(info.num_channels) * 4096);
  uint64_t count = 0;
  while (const uint64_t got = tail.read(block.data(), 4096)) count += got;
  const double end_s = (std::round(from_s * info.sample_rate) + double(count)) / info.sample_rate;
  if (count > 0) info.duration_s = end_s - info.start_s;
}

void describe_picture(const AVStream& s, tsm_stream_info& info) {
  const AVCodecParameters& p = *s.codecpar;
  const AVRational aspect = sample_aspect(s);
  const Orientation turn = orientation_from_stream(s);
  info.coded_width = uint32_t(std::max(p.width, 0));
  info.coded_height = uint32_t(std::max(p.height, 0));
  if (info.coded_width && info.coded_height) {
    const Size square = square_size({info.coded_width, info.coded_height}, aspect, 0);
    info.width = turn.swap_axes ? square.height : square.width;
    info.height = turn.swap_axes ? square.width : square.height;
  }
  info.sample_aspect_num = uint32_t(aspect.num);
  info.sample_aspect_den = uint32_t(aspect.den);
  info.rotation_deg = turn.rotation_deg();
  info.is_mirrored = turn.is_mirrored();
  const AVRational fps = s.avg_frame_rate.num > 0 ? s.avg_frame_rate : s.r_frame_rate;
  info.fps_num = fps.num > 0 && fps.den > 0 ? uint32_t(fps.num) : 0;
  info.fps_den = info.fps_num ? uint32_t(fps.den) : 1;
  if (const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(AVPixelFormat(p.format))) info.bit_depth = uint32_t(format->comp[0].depth);
  info.is_hdr = is_hdr(p.color_trc);
}

StreamFacts describe(const AVStream& s, double origin_s) {
  StreamFacts facts;
  tsm_stream_info& info = facts.info;
  facts.tags = tags_of(s.metadata);
  info.kind = kind_of(s);
  info.num_tags = uint32_t(facts.tags.size());
  info.is_default = (s.disposition & AV_DISPOSITION_DEFAULT) != 0;
  put(info.codec, avcodec_get_name(s.codecpar->codec_id));
  if (const AVDictionaryEntry* language = av_dict_get(s.metadata, "language", nullptr, 0)) put(info.language, language->value);
  if (s.start_time != AV_NOPTS_VALUE) info.start_s = double(s.start_time) * av_q2d(s.time_base) - origin_s;
  if (s.duration > 0) info.duration_s = double(s.duration) * av_q2d(s.time_base);
  if (info.kind == TSM_STREAM_VIDEO || info.kind == TSM_STREAM_PICTURE) describe_picture(s, info);
  if (info.kind == TSM_STREAM_AUDIO) {
    info.sample_rate = uint32_t(std::max(s.codecpar->sample_rate, 0));
    info.num_channels = uint32_t(std::max(s.codecpar->ch_layout.nb_channels, 0));
    put(info.channel_layout, ChannelLayout(s.codecpar->ch_layout).name());
  }
  return facts;
}

}  // namespace

MediaFacts probe(const std::string& path, Cancel cancel) {
  Input input(path, cancel);
  MediaFacts facts;
  tsm_media_info& info = facts.info;
  info.video_stream = input.video_stream();
  info.audio_stream = input.audio_stream();
  // Says what the file has instead, if neither is there.
  if (info.video_stream < 0 && info.audio_stream < 0) input.require_video(-1);
  const Origin origin = find_origin(path, cancel);
  put(info.container, input->iformat->name);
  put(info.container_name, input->iformat->long_name ? input->iformat->long_name : input->iformat->name);
  std::error_code ignored;
  info.num_bytes = std::filesystem::file_size(path_of(path), ignored);
  info.num_streams = input->nb_streams;
  info.num_chapters = input->nb_chapters;
  facts.tags = tags_of(input->metadata);
  // Ogg has no tags but its stream's.
  if (facts.tags.empty() && info.audio_stream >= 0) facts.tags = tags_of(input.stream(info.audio_stream).metadata);
  info.num_tags = uint32_t(facts.tags.size());

  // Where the container states no duration, or only guesses it from the bit rate, every packet is read.
  const bool stated = input->duration > 0 && input->duration_estimation_method != AVFMT_DURATION_FROM_BITRATE;
  const double begin_s = input->start_time == AV_NOPTS_VALUE ? 0 : double(input->start_time) / AV_TIME_BASE;
  const double stated_s = stated ? double(input->duration) / AV_TIME_BASE : kUnknown;
  const double promised_s = begin_s + stated_s;
  std::vector<double> ends = stream_ends(path, cancel, stated ? promised_s - kTail_s : -1e18);
  const int main_stream = info.video_stream >= 0 ? info.video_stream : info.audio_stream;
  if (stated && ends[size_t(main_stream)] == kUnknown) ends = stream_ends(path, cancel, -1e18);

  double end_s = kUnknown;
  for (int i = 0; i < int(input->nb_streams); ++i) {
    StreamFacts stream = describe(input.stream(i), origin.seconds());
    const double stream_end_s = size_t(i) < ends.size() ? ends[size_t(i)] : kUnknown;
    tsm_stream_info& s = stream.info;
    if (i == info.video_stream) s.start_s = 0;
    if (stream_end_s != kUnknown) s.duration_s = std::max(0.0, stream_end_s - origin.seconds() - s.start_s);
    if (i == info.audio_stream) {
      try {
        const double estimate_s = stream_end_s != kUnknown ? stream_end_s - origin.seconds() : s.start_s + s.duration_s;
        measure_audio(path, cancel, i, estimate_s, s);
      } catch (const Error& e) {
        if (e.status() != TS_BAD_MEDIA && e.status() != TS_UNSUPPORTED) throw;  // what the container states has to do
      }
    }
    if (s.kind == TSM_STREAM_VIDEO) {
      const int64_t told = input.stream(i).nb_frames;
      const double fps = double(s.fps_num) / std::max(1u, s.fps_den);
      s.num_frames = told > 0 ? uint64_t(told) : uint64_t(std::llround(s.duration_s * fps));
    }
    if (s.kind == TSM_STREAM_VIDEO || s.kind == TSM_STREAM_AUDIO) end_s = std::max(end_s, s.start_s + s.duration_s);
    facts.streams.push_back(std::move(stream));
  }
  info.duration_s = std::max(0.0, end_s);
  // Of a file that begins late, some containers state the length from its first packet, some from 0.
  info.is_truncated = end_s + origin.seconds() + kTruncated_s < std::min(promised_s, stated_s);
  return facts;
}

}  // namespace ts::media
