// Files that tokenizers are read from.
#pragma once

#include <string>
#include <string_view>

namespace ts {

// Vocabularies in use have 0.3 … 30 MB; more than this, packed or unpacked, is not one.
constexpr size_t kMaxVocabularyBytes = size_t(64) << 20;

// The whole file; gzip is unpacked. TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_BUNDLE with the path.
std::string read_vocabulary_file(const std::string& path);

// Unpacks gzip data, other data is returned as it is. `origin` names it in messages. TS_BAD_BUNDLE if it is damaged or
// larger than kMaxVocabularyBytes; TS_UNSUPPORTED in a build without zlib.
std::string gunzip(std::string data, const std::string& origin);

// `path`, or if that is a folder the first of `names` in it. TS_NOT_FOUND lists the names.
std::string find_vocabulary_file(const std::string& path, std::initializer_list<std::string_view> names);

}  // namespace ts
