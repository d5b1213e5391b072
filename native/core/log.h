// Log lines of the library: to the one callback that ts_set_log names, or nowhere.
#pragma once

#include "core/error.h"
#include "thinksound.h"

namespace ts {

// What ts_set_log does. When it returns, the previous callback is no longer running, unless it is itself the caller.
void set_log(ts_log_fn callback, void* user_data, ts_log_level level);

// False when a line of this level would go nowhere. Any thread, cheap.
bool log_enabled(ts_log_level level);

void log_line(ts_log_level level, const std::string& line);

// Joins `parts` with operator<< into one line. Any thread; lines reach the callback one at a time.
template <class... Parts>
void log(ts_log_level level, const Parts&... parts) {
  if (log_enabled(level)) log_line(level, concat(parts...));
}

}  // namespace ts
