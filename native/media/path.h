// Paths are UTF-8 at the border, whatever the system speaks.
#pragma once

#include <filesystem>
#include <string>

namespace ts::media {

inline std::filesystem::path path_of(const std::string& utf8) {
  return std::filesystem::path(std::u8string(utf8.begin(), utf8.end()));
}
inline std::string utf8_of(const std::filesystem::path& path) {
  const std::u8string text = path.u8string();
  return std::string(text.begin(), text.end());
}

}  // namespace ts::media
