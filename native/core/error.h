// The one exception of the native library, and the one way to build its message.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

#include "thinksound.h"

namespace ts {

// Carries a public status code (thinksound.h) and a sentence that names the file or argument and the fix.
class Error : public std::runtime_error {
 public:
  Error(ts_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  ts_status status() const noexcept { return status_; }

 private:
  ts_status status_;
};

// Joins its arguments with operator<<; std::format is not in gcc 12.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

template <class... Parts>
[[noreturn]] void fail(ts_status status, const Parts&... parts) {
  throw Error(status, concat(parts...));
}

// Refuses a caller's argument unless `condition` holds.
template <class... Parts>
void require(bool condition, const Parts&... parts) {
  if (!condition) [[unlikely]] fail(TS_INVALID_ARGUMENT, parts...);
}

}  // namespace ts
