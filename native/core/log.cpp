#include "core/log.h"

#include <atomic>
#include <mutex>

namespace ts {
namespace {

constexpr ts_log_level kOff = TS_LOG_ERROR + 1;

struct Sink {
  // Held while the callback runs, so set_log waits for it. Recursive, so that a callback may replace itself.
  std::recursive_mutex mutex;
  ts_log_fn callback = nullptr;
  void* user_data = nullptr;
  std::atomic<ts_log_level> level{kOff};
};

// Never destroyed: threads may still log while the process ends.
Sink& sink() {
  static Sink& instance = *new Sink;
  return instance;
}

// A callback that logs by calling into the library would otherwise call itself.
thread_local bool inside_callback = false;

}  // namespace

void set_log(ts_log_fn callback, void* user_data, ts_log_level level) {
  Sink& s = sink();
  std::lock_guard lock(s.mutex);
  s.callback = callback;
  s.user_data = user_data;
  s.level.store(callback ? level : kOff, std::memory_order_relaxed);
}

bool log_enabled(ts_log_level level) { return level >= sink().level.load(std::memory_order_relaxed); }

void log_line(ts_log_level level, const std::string& line) {
  if (inside_callback) return;
  Sink& s = sink();
  std::lock_guard lock(s.mutex);
  if (!s.callback || level < s.level.load(std::memory_order_relaxed)) return;
  struct Inside {
    Inside() { inside_callback = true; }
    ~Inside() { inside_callback = false; }
  } inside;
  s.callback(s.user_data, level, line.c_str());
}

}  // namespace ts
