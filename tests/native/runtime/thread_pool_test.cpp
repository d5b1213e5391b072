#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/thread_pool.h"

using namespace ts;

TEST_CASE("thread pool: every task runs exactly once, for any number of threads") {
  for (int num_threads : {1, 2, 3, 7}) {
    ThreadPool pool(num_threads);
    CHECK(pool.num_threads() == num_threads);
    for (int64_t num_tasks : {0, 1, 2, 255, 4097}) {
      std::vector<std::atomic<int>> counts(static_cast<size_t>(num_tasks));
      pool.run(num_tasks, [&](int64_t i) { ++counts[size_t(i)]; });
      for (const auto& count : counts) REQUIRE(count == 1);
    }
  }
}

TEST_CASE("thread pool: the first exception reaches the caller and the pool goes on") {
  ThreadPool pool(3);
  CHECK_THROWS_AS(pool.run(100, [](int64_t i) { if (i == 17) throw std::runtime_error("seventeen"); }), std::runtime_error);
  std::atomic<int> count{0};
  pool.run(100, [&](int64_t) { ++count; });
  CHECK(count == 100);
}

TEST_CASE("thread pool: callers on several threads share the workers") {
  ThreadPool pool(3);
  std::vector<std::thread> callers;
  std::atomic<int64_t> total{0};
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        std::atomic<int64_t> sum{0};
        pool.run(37, [&](int64_t i) { sum += i; });
        total += sum;
      }
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(total == 4 * 200 * (37 * 36 / 2));
}

TEST_CASE("thread pool: a machine has at least one core, and no more than it has hardware threads") {
  CHECK(num_physical_cores() >= 1);
  CHECK(num_physical_cores() <= int(std::thread::hardware_concurrency()));
}
