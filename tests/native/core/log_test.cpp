#include "core/log.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace ts;

namespace {

struct Lines {
  std::vector<std::string> lines;
  static void append(void* self, ts_log_level, const char* line) { static_cast<Lines*>(self)->lines.push_back(line); }
};

struct LogOff {
  ~LogOff() { set_log(nullptr, nullptr, TS_LOG_DEBUG); }
};

}  // namespace

TEST_CASE("log: lines of the level and above arrive, others cost nothing") {
  const LogOff off;
  Lines lines;
  log(TS_LOG_ERROR, "nobody listens");
  set_log(&Lines::append, &lines, TS_LOG_INFO);
  CHECK(log_enabled(TS_LOG_INFO));
  CHECK_FALSE(log_enabled(TS_LOG_DEBUG));
  log(TS_LOG_DEBUG, "no");
  log(TS_LOG_INFO, "step ", 3, " of ", 24);
  log(TS_LOG_ERROR, "broken");
  CHECK(lines.lines == std::vector<std::string>{"step 3 of 24", "broken"});
  set_log(nullptr, nullptr, TS_LOG_DEBUG);
  CHECK_FALSE(log_enabled(TS_LOG_ERROR));
  log(TS_LOG_ERROR, "no");
  CHECK(lines.lines.size() == 2);
}

TEST_CASE("log: when set_log returns, the previous callback is no longer running") {
  const LogOff off;
  struct Slow {
    std::atomic<bool> entered{false}, left{false};
    static void run(void* self, ts_log_level, const char*) {
      auto* slow = static_cast<Slow*>(self);
      slow->entered = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      slow->left = true;
    }
  } slow;
  set_log(&Slow::run, &slow, TS_LOG_DEBUG);
  std::thread logger([] { log(TS_LOG_INFO, "x"); });
  while (!slow.entered) std::this_thread::yield();
  set_log(nullptr, nullptr, TS_LOG_DEBUG);
  CHECK(slow.left.load());
  logger.join();
}

TEST_CASE("log: lines from many threads arrive one at a time") {
  const LogOff off;
  struct Busy {
    std::atomic<int> inside{0};
    std::atomic<bool> overlapped{false};
    int count = 0;
    static void run(void* self, ts_log_level, const char*) {
      auto* busy = static_cast<Busy*>(self);
      if (++busy->inside > 1) busy->overlapped = true;
      ++busy->count;
      --busy->inside;
    }
  } busy;
  set_log(&Busy::run, &busy, TS_LOG_DEBUG);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int k = 0; k < 500; ++k) log(TS_LOG_INFO, k);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(busy.count == 2000);
  CHECK_FALSE(busy.overlapped.load());
}

TEST_CASE("log: a callback that logs or replaces itself neither recurses nor hangs") {
  const LogOff off;
  static int calls;
  calls = 0;
  set_log(
      [](void*, ts_log_level, const char*) {
        ++calls;
        log(TS_LOG_ERROR, "from inside");
        set_log(nullptr, nullptr, TS_LOG_DEBUG);
      },
      nullptr, TS_LOG_DEBUG);
  log(TS_LOG_INFO, "x");
  log(TS_LOG_INFO, "y");
  CHECK(calls == 1);
}
