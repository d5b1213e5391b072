#include "core/json.h"

#include <cmath>
#include <iterator>

#include <nlohmann/json.hpp>

namespace ts {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxDepth = 64;

// Walks the text and lets the handler below see how far the parser has read.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  size_t* consumed;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    ++at;
    if (consumed) ++*consumed;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
};

// "line 3, column 7" of byte `offset`.
std::string position(std::string_view text, size_t offset) {
  if (offset > text.size()) offset = text.size();
  size_t line = 1, column = 1;
  for (char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++line;
      column = 1;
    } else {
      ++column;
    }
  }
  return concat("line ", line, ", column ", column);
}

std::string printable(std::string_view text) {
  std::string out;
  for (char c : text) out += (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) ? '?' : c;
  return out;
}

// Builds the document as it is read, so that duplicates and depth are seen where they stand.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  Builder(Json& root, std::string_view text, const std::string& origin, ts_status status, const size_t& consumed)
      : root_(root), text_(text), origin_(origin), status_(status), consumed_(consumed) {}

  bool null() override { return value(nullptr); }
  bool boolean(bool v) override { return value(v); }
  bool number_integer(Json::number_integer_t v) override { return value(v); }
  bool number_unsigned(Json::number_unsigned_t v) override { return value(v); }
  bool number_float(Json::number_float_t v, const std::string&) override { return value(v); }
  bool string(std::string& v) override { return value(std::move(v)); }
  bool binary(Json::binary_t&) override { return false; }  // not in JSON text
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    Json& object = *open_.back();
    if (object.contains(name)) refuse(consumed_, "duplicate key ", in_quotes(name));
    slot_ = &object[name];
    return true;
  }

  bool parse_error(size_t offset, const std::string&, const Json::exception& error) override {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: syntax error …": keep what follows.
    std::string what = error.what();
    for (std::string_view mark : {"] ", "column "}) {
      const size_t at = what.find(mark);
      if (at != std::string::npos) what.erase(0, at + mark.size());
    }
    if (const size_t colon = what.find(": "); colon != std::string::npos && colon < 12) what.erase(0, colon + 2);
    if (what.size() > 200) what.resize(200);
    refuse(offset ? offset - 1 : 0, printable(what));
  }

 private:
  template <class... Parts>
  [[noreturn]] void refuse(size_t offset, const Parts&... parts) const {
    fail(status_, origin_, ": ", position(text_, offset), ": ", parts...);
  }

  Json& place(Json&& v) {
    if (open_.empty()) return root_ = std::move(v);
    Json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(v));
      return parent.back();
    }
    return *slot_ = std::move(v);
  }
  bool value(Json v) {
    place(std::move(v));
    return true;
  }
  bool open(Json container) {
    if (open_.size() == kMaxDepth) refuse(consumed_, "nested more than ", kMaxDepth, " levels deep");
    open_.push_back(&place(std::move(container)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json& root_;
  std::vector<Json*> open_;  // stable: a container gets no sibling before it is closed
  Json* slot_ = nullptr;
  std::string_view text_;
  const std::string& origin_;
  ts_status status_;
  const size_t& consumed_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& origin, ts_status status) {
  // The parser takes a zero byte for the end of its input and would not see what follows.
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos)
    fail(status, origin, ": ", position(text, zero), ": a zero byte");
  size_t consumed = 0;
  Json root;
  Builder builder(root, text, origin, status, consumed);
  const CountingIterator first{text.data(), &consumed}, last{text.data() + text.size(), nullptr};
  if (!Json::sax_parse(first, last, &builder, Json::input_format_t::json, /*strict=*/true))
    fail(status, origin, ": not JSON");
  return root;
}

std::string in_quotes(std::string_view name) {
  constexpr size_t kMaxLength = 100;
  std::string text = "\"";
  size_t end = name.size();
  if (end > kMaxLength) {
    end = kMaxLength;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;  // not inside a character
  }
  for (char c : name.substr(0, end)) text += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return text + (end < name.size() ? "…\"" : "\"");
}

JsonObject::JsonObject(const Json& object, std::string where, ts_status status)
    : object_(&object), where_(std::move(where)), status_(status) {
  check(object.is_object(), "must be a JSON object, is ", object.type_name());
}

const Json* JsonObject::find(std::string_view key) const {
  const auto found = object_->find(std::string(key));
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

const Json& JsonObject::at(std::string_view key) const {
  const Json* value = find(key);
  check(value != nullptr, key, " is missing");
  return *value;
}

int64_t JsonObject::to_int(const Json& value, std::string_view key, int64_t min, int64_t max) const {
  int64_t number = 0;
  if (value.is_number_unsigned()) {
    const uint64_t raw = value.get<uint64_t>();
    check(raw <= uint64_t(std::numeric_limits<int64_t>::max()), key, " is ", raw, ", allowed ", min, " to ", max);
    number = int64_t(raw);
  } else if (value.is_number_integer()) {
    number = value.get<int64_t>();
  } else if (value.is_number_float()) {
    const double raw = value.get<double>();
    check(std::floor(raw) == raw, key, " must be a whole number, is ", raw);
    check(std::fabs(raw) < 0x1p62, key, " is ", raw, ", allowed ", min, " to ", max);
    number = int64_t(raw);
  } else {
    fail(key, " must be a whole number, is ", value.type_name());
  }
  check(number >= min && number <= max, key, " is ", number, ", allowed ", min, " to ", max);
  return number;
}

double JsonObject::to_number(const Json& value, std::string_view key, double min, double max) const {
  check(value.is_number(), key, " must be a number, is ", value.type_name());
  const double number = value.get<double>();
  check(number >= min && number <= max, key, " is ", number, ", allowed ", min, " to ", max);
  return number;
}

const std::string& JsonObject::to_string(const Json& value, std::string_view key) const {
  check(value.is_string(), key, " must be a string, is ", value.type_name());
  return value.get_ref<const std::string&>();
}

int64_t JsonObject::get_int(std::string_view key, int64_t min, int64_t max) const {
  return to_int(at(key), key, min, max);
}
int64_t JsonObject::get_int(std::string_view key, int64_t min, int64_t max, int64_t fallback) const {
  return has(key) ? get_int(key, min, max) : fallback;
}
double JsonObject::get_number(std::string_view key, double min, double max) const {
  return to_number(at(key), key, min, max);
}
double JsonObject::get_number(std::string_view key, double min, double max, double fallback) const {
  return has(key) ? get_number(key, min, max) : fallback;
}
bool JsonObject::get_bool(std::string_view key) const {
  const Json& value = at(key);
  check(value.is_boolean(), key, " must be true or false, is ", value.type_name());
  return value.get<bool>();
}
bool JsonObject::get_bool(std::string_view key, bool fallback) const { return has(key) ? get_bool(key) : fallback; }
std::string JsonObject::get_string(std::string_view key) const { return to_string(at(key), key); }
std::string JsonObject::get_string(std::string_view key, std::string_view fallback) const {
  return has(key) ? get_string(key) : std::string(fallback);
}

std::string JsonObject::get_choice(std::string_view key, std::initializer_list<std::string_view> choices,
                                   std::string_view fallback) const {
  std::string value = get_string(key, fallback);
  std::string list;
  for (std::string_view choice : choices) {
    if (value == choice) return value;
    list += (list.empty() ? "" : ", ") + std::string(choice);
  }
  fail(key, " is ", in_quotes(value), ", allowed: ", list);
}

std::vector<int64_t> JsonObject::get_ints(std::string_view key, int64_t min, int64_t max, size_t min_count,
                                          size_t max_count) const {
  const Json& list = at(key);
  check(list.is_array(), key, " must be a list of whole numbers, is ", list.type_name());
  check(list.size() >= min_count && list.size() <= max_count, key, " has ", list.size(), " entries, allowed ",
        min_count, " to ", max_count);
  std::vector<int64_t> values;
  for (size_t i = 0; i < list.size(); ++i) values.push_back(to_int(list[i], concat(key, "[", i, "]"), min, max));
  return values;
}

std::vector<std::string> JsonObject::get_strings(std::string_view key) const {
  std::vector<std::string> values;
  if (!has(key)) return values;
  const Json& list = at(key);
  check(list.is_array(), key, " must be a list of strings, is ", list.type_name());
  for (size_t i = 0; i < list.size(); ++i) values.push_back(to_string(list[i], concat(key, "[", i, "]")));
  return values;
}

JsonObject JsonObject::get_object(std::string_view key) const {
  return {at(key), concat(where_, ".", key), status_};
}

std::vector<JsonObject> JsonObject::get_objects(std::string_view key) const {
  std::vector<JsonObject> values;
  if (!has(key)) return values;
  const Json& list = at(key);
  check(list.is_array(), key, " must be a list of objects, is ", list.type_name());
  for (size_t i = 0; i < list.size(); ++i) values.emplace_back(list[i], concat(where_, ".", key, "[", i, "]"), status_);
  return values;
}

}  // namespace ts
