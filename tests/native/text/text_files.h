// Where the tests of native/text find goldens and vocabularies.
#pragma once

#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "core/error.h"
#include "json_text.h"
#include "source_dir.h"

namespace ts::test {

// Files that are part of the tree.
inline std::string committed(const std::string& name) { return source_dir() + "/tests/golden/" + name; }

// Goldens of the full set, where there is one.
inline std::string golden(const std::string& name) {
  const char* folder = std::getenv("THINKSOUND_GOLDENS");
  return folder && *folder ? std::string(folder) + "/" + name : committed(name);
}

inline std::optional<std::string> read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// One JSON object per line; empty if there is no such file.
inline std::vector<nlohmann::json> read_json_lines(const std::string& path) {
  std::vector<nlohmann::json> lines;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    if (!line.empty()) lines.push_back(test::parsed(line));
  return lines;
}

// The message with which `action` is refused; fails the test if it succeeds or gives another status.
template <class Action>
std::string refusal(ts_status status, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK_MESSAGE(error.status() == status, error.what());
    return error.what();
  }
  FAIL_CHECK("was not refused");
  return {};
}

inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace ts::test
