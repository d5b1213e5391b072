// The exception wall of this library, and how sized structs cross it.
#pragma once

#include <algorithm>
#include <cstring>
#include <new>
#include <string>

#include "core/error.h"
#include "media/ffmpeg.h"

namespace ts::media {

std::string& last_error();  // of this thread

// Runs `work`; whatever it throws becomes a status and a sentence.
template <class Work>
ts_status guarded(Work work) noexcept {
  try {
    capture_log();
    forget_log_line();
    last_error().clear();
    try {
      work();
      return TS_OK;
    } catch (const Error& e) {
      last_error() = e.what();
      return e.status();
    } catch (const std::bad_alloc&) {
      last_error() = "out of memory";
      return TS_OUT_OF_MEMORY;
    } catch (const std::exception& e) {
      last_error() = e.what();
      return TS_INTERNAL;
    } catch (...) {
      last_error() = "unknown fault";
      return TS_INTERNAL;
    }
  } catch (...) {  // no memory for the sentence itself
    return TS_OUT_OF_MEMORY;
  }
}

// The caller's struct over our defaults. A shorter one of an older caller leaves the rest at the defaults; of a longer
// one, what we do not know must be zero.
template <class T>
T read_struct(const T* given, void (*init)(T*), const char* name) {
  require(given, name, " is null");
  T value;
  init(&value);
  const size_t size = given->struct_size;
  require(size >= sizeof(uint32_t), name, ".struct_size is ", size, "; fill the struct with its _init function first");
  std::memcpy(&value, given, std::min(size, sizeof(T)));
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] != 0) fail(TS_UNSUPPORTED, name, " uses fields that this library does not know; update libthinksound_media");
  }
  value.struct_size = uint32_t(sizeof(T));
  return value;
}

// As much of `value` as the caller's struct has room for.
template <class T>
void write_struct(T* to, const T& value, const char* name) {
  require(to, name, " is null");
  const uint32_t size = to->struct_size;
  require(size >= sizeof(uint32_t), name, ".struct_size is ", size, "; fill the struct with its _init function first");
  std::memcpy(to, &value, std::min<size_t>(size, sizeof(T)));
  to->struct_size = size;
}

template <class T>
void init_struct(T* value) {
  if (!value) return;
  *value = T{};
  value->struct_size = uint32_t(sizeof(T));
}

}  // namespace ts::media
