// JSON of strangers: strict parsing, and fields that are checked as they are read.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/error.h"

namespace ts {

// Parses one JSON document. Refuses, with `status` and a message that names `origin` and the position: syntax errors,
// invalid UTF-8, numbers out of range, duplicate keys, more than 64 levels, anything after the document.
nlohmann::json parse_json(std::string_view text, const std::string& origin, ts_status status);

// `name` in quotes, fit for a message: control characters replaced, cut after 100 bytes.
std::string in_quotes(std::string_view name);

// One JSON object whose fields are read with their limits. Every message begins with `where`:
//
//   JsonObject config(json, "mmdit config");
//   const int64_t width = config.get_int("hidden_dim", 2, 16384);         // must be there
//   const int64_t heads = config.get_int("num_heads", 1, 1024, 16);      // or the default
//   config.check(width % heads == 0, "num_heads must divide hidden_dim"); // "mmdit config: num_heads must divide …"
//
// Keeps a reference to the JSON, which must outlive it. A field that is null counts as absent.
class JsonObject {
 public:
  JsonObject(const nlohmann::json& object, std::string where, ts_status status = TS_BAD_BUNDLE);
  JsonObject(nlohmann::json&&, std::string, ts_status = TS_BAD_BUNDLE) = delete;  // would be gone at once

  bool has(std::string_view key) const { return find(key) != nullptr; }

  // Whole numbers in [min, max]; 16.0 counts as 16, because Python writes some counts so.
  int64_t get_int(std::string_view key, int64_t min, int64_t max) const;
  int64_t get_int(std::string_view key, int64_t min, int64_t max, int64_t fallback) const;
  // Finite numbers in [min, max].
  double get_number(std::string_view key, double min, double max) const;
  double get_number(std::string_view key, double min, double max, double fallback) const;
  bool get_bool(std::string_view key) const;
  bool get_bool(std::string_view key, bool fallback) const;
  std::string get_string(std::string_view key) const;
  std::string get_string(std::string_view key, std::string_view fallback) const;
  // A string out of a list.
  std::string get_choice(std::string_view key, std::initializer_list<std::string_view> choices,
                         std::string_view fallback) const;
  // Whole numbers in [min, max], between min_count and max_count of them.
  std::vector<int64_t> get_ints(std::string_view key, int64_t min, int64_t max, size_t min_count,
                                size_t max_count) const;
  std::vector<std::string> get_strings(std::string_view key) const;  // empty when absent
  // A member object: its messages begin with "<where>.<key>".
  JsonObject get_object(std::string_view key) const;
  // Member objects of an array; empty when absent.
  std::vector<JsonObject> get_objects(std::string_view key) const;

  const nlohmann::json& json() const { return *object_; }
  const std::string& where() const { return where_; }

  // Refuses unless `condition` holds.
  template <class... Parts>
  void check(bool condition, const Parts&... parts) const {
    if (!condition) [[unlikely]] fail(parts...);
  }
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    ts::fail(status_, where_, ": ", parts...);
  }

 private:
  const nlohmann::json* find(std::string_view key) const;
  const nlohmann::json& at(std::string_view key) const;
  int64_t to_int(const nlohmann::json& value, std::string_view key, int64_t min, int64_t max) const;
  double to_number(const nlohmann::json& value, std::string_view key, double min, double max) const;
  const std::string& to_string(const nlohmann::json& value, std::string_view key) const;

  const nlohmann::json* object_;
  std::string where_;
  ts_status status_;
};

}  // namespace ts
