// The file formats that are written, and what each can carry.
#pragma once

#include <string>

#include "thinksound_media.h"

namespace ts::media {

struct Container {
  const char* name;         // also the ending of file names
  const char* muxer;        // FFmpeg's name
  const char* endings;      // further endings, each between spaces
  uint32_t codecs;          // bits 1 << tsm_codec
  tsm_codec default_codec;
  bool has_video;
  bool must_seek;           // patches its header or index when it is complete
  bool free_tags;           // keeps tags under any name

  bool carries(tsm_codec codec) const { return (codecs >> codec & 1) != 0; }
};

// By `format` if given, else by the ending of `path`. Errors TS_INVALID_ARGUMENT, listing the formats.
const Container& find_container(const std::string& path, const char* format);
// The codec asked for, or the container's own. Errors TS_INVALID_ARGUMENT, listing what the container carries.
tsm_codec choose_codec(const Container& container, tsm_codec wanted);

const char* codec_name(tsm_codec codec);  // "aac"

}  // namespace ts::media
