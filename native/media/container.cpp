#include "media/container.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "core/error.h"
#include "media/path.h"

namespace ts::media {
namespace {

constexpr uint32_t bit(tsm_codec codec) { return 1u << codec; }
constexpr uint32_t kAac = bit(TSM_CODEC_AAC), kOpus = bit(TSM_CODEC_OPUS), kFlac = bit(TSM_CODEC_FLAC);
constexpr uint32_t kVorbis = bit(TSM_CODEC_VORBIS), kMp3 = bit(TSM_CODEC_MP3), kPcm = bit(TSM_CODEC_PCM);

// name, muxer, endings, codecs, default, video, must seek, free tags
constexpr Container kContainers[] = {
    {"mp4", "mp4", " m4v ", kAac | kOpus | kFlac | kMp3, TSM_CODEC_AAC, true, true, true},
    {"mov", "mov", " qt ", kAac | kPcm | kMp3, TSM_CODEC_AAC, true, true, true},
    {"mkv", "matroska", " mka ", kAac | kOpus | kFlac | kVorbis | kMp3 | kPcm, TSM_CODEC_AAC, true, false, true},
    {"webm", "webm", "", kOpus | kVorbis, TSM_CODEC_OPUS, true, false, true},
    {"wav", "wav", " wave ", kPcm, TSM_CODEC_PCM, false, true, false},
    {"flac", "flac", "", kFlac, TSM_CODEC_FLAC, false, true, true},
    {"ogg", "ogg", " oga ", kVorbis | kOpus | kFlac, TSM_CODEC_VORBIS, false, false, true},
    {"opus", "opus", "", kOpus, TSM_CODEC_OPUS, false, false, true},
    {"mp3", "mp3", "", kMp3, TSM_CODEC_MP3, false, true, true},
    {"m4a", "ipod", "", kAac, TSM_CODEC_AAC, false, true, true},
};

constexpr const char* kCodecNames[] = {"auto", "aac", "opus", "flac", "vorbis", "mp3", "pcm"};

std::string known() {
  std::string text;
  for (const Container& c : kContainers) text += concat(text.empty() ? "" : ", ", c.name);
  return text;
}

}  // namespace

const Container& find_container(const std::string& path, const char* format) {
  std::string ending = format ? format : utf8_of(path_of(path).extension());
  if (!format && !ending.empty()) ending.erase(0, 1);
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  for (const Container& c : kContainers) {
    const bool known_ending = std::string_view(c.endings).find(" " + ending + " ") != std::string_view::npos;
    if (!ending.empty() && (ending == c.name || known_ending)) return c;
  }
  if (format) fail(TS_INVALID_ARGUMENT, "the format \"", format, "\" is not written; choose one of ", known());
  if (ending.empty()) fail(TS_INVALID_ARGUMENT, path, ": has no ending to tell the format by; end it in one of ", known());
  fail(TS_INVALID_ARGUMENT, path, ": files ending in .", ending, " are not written; end it in one of ", known());
}

tsm_codec choose_codec(const Container& container, tsm_codec wanted) {
  if (wanted == TSM_CODEC_AUTO) return container.default_codec;
  require(wanted > 0 && wanted <= TSM_CODEC_PCM, "codec ", wanted, " is unknown");
  if (container.carries(wanted)) return wanted;
  std::string carried;
  for (tsm_codec c = TSM_CODEC_AAC; c <= TSM_CODEC_PCM; ++c) {
    if (container.carries(c)) carried += concat(carried.empty() ? "" : ", ", codec_name(c));
  }
  fail(TS_INVALID_ARGUMENT, container.name, " does not carry ", codec_name(wanted), " sound; choose from ", carried,
       ", or another format");
}

const char* codec_name(tsm_codec codec) { return codec >= 0 && codec <= TSM_CODEC_PCM ? kCodecNames[codec] : "unknown"; }

}  // namespace ts::media
