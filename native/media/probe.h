// What a file says about itself, corrected by what is in it: exact starts and ends, and whether it is whole.
#pragma once

#include "media/decoder.h"

namespace ts::media {

using Tags = std::vector<std::pair<std::string, std::string>>;

struct StreamFacts {
  tsm_stream_info info{};
  Tags tags;
};

struct MediaFacts {
  tsm_media_info info{};
  Tags tags;
  std::vector<StreamFacts> streams;
};

// Errors as tsm_media_open.
MediaFacts probe(const std::string& path, Cancel cancel);

}  // namespace ts::media
