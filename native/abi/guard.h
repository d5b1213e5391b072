// The wall between C and C++: nothing is thrown across, structs of other versions are read and written safely.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <utility>

#include "core/error.h"

namespace ts::abi {

// Of this thread; what ts_last_error returns. Never throws.
void set_last_error(const char* message) noexcept;

// Runs `body` and turns whatever it throws into a status and a sentence.
template <class Body>
ts_status guarded(Body&& body) noexcept {
  try {
    set_last_error("");
    body();
    return TS_OK;
  } catch (const Error& error) {
    set_last_error(error.what());
    return error.status();
  } catch (const std::bad_alloc&) {
    set_last_error("the system has no memory left");
    return TS_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    set_last_error(error.what());
    return TS_INTERNAL;
  } catch (...) {
    set_last_error("an exception of unknown type");
    return TS_INTERNAL;
  }
}

// A caller's struct as this library knows it. A shorter one, of an older caller, is completed with defaults; a longer
// one is accepted only if all that we do not know is zero.
template <class Struct>
Struct read_struct(const Struct* given, void (*init)(Struct*), const char* name) {
  require(given != nullptr, name, " is NULL");
  const size_t size = given->struct_size;
  require(size >= sizeof(uint32_t) && size <= 65536, name, ".struct_size is ", size, ": call ", name, "_init first");
  Struct known;
  init(&known);
  std::memcpy(&known, given, std::min(size, sizeof(Struct)));
  known.struct_size = sizeof(Struct);
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (size_t i = sizeof(Struct); i < size; ++i)
    require(bytes[i] == 0, name, " is of a newer version and uses something that this library (", TS_VERSION, ") does not know");
  return known;
}

// Fills a caller's struct, as much of it as the caller knows.
template <class Struct>
void write_struct(Struct* out, Struct value, const char* name) {
  require(out != nullptr, name, " is NULL");
  const uint32_t size = out->struct_size;
  require(size >= sizeof(uint32_t) && size <= 65536, name, ".struct_size is ", size, ": call ", name, "_init first");
  value.struct_size = size;
  std::memcpy(out, &value, std::min<size_t>(size, sizeof(Struct)));
}

// Zeros and the size into a caller's struct; false where there is none.
template <class Struct>
bool init_struct(Struct* out) {
  if (!out) return false;
  *out = {};
  out->struct_size = sizeof *out;
  return true;
}

// A struct for programs built with an earlier header: they have room for `size` bytes and no more.
template <class Struct>
void init_earlier_version(Struct* out, void (*init)(Struct*), size_t size) {
  if (!out) return;
  Struct known;
  init(&known);
  known.struct_size = uint32_t(size);
  std::memcpy(out, &known, size);
}

template <class Handle>
auto& deref(Handle* handle, const char* name) {
  require(handle != nullptr, name, " is NULL");
  return *handle;
}

// Copies text into a fixed array, cut at a whole UTF-8 character.
template <size_t N>
void copy_text(char (&to)[N], const std::string& text) {
  size_t size = std::min(text.size(), N - 1);
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  std::memcpy(to, text.data(), size);
  to[size] = 0;
}

inline std::string text_or_empty(const char* text) { return text ? std::string(text) : std::string(); }

}  // namespace ts::abi
