// How operators use more than one core. runtime/thread_pool.h implements it; operators only see this.
#pragma once

#include <cstdint>
#include <functional>

namespace ts {

class Parallel {
 public:
  virtual ~Parallel() = default;
  virtual int num_threads() const = 0;
  // Calls task(i) once for every i in [0, num_tasks), on any threads, and returns when all are done.
  // Callers choose tasks that do not depend on num_threads(), so results are the same for any count.
  // The first exception is rethrown here. Tasks must not call run() themselves.
  virtual void run(int64_t num_tasks, const std::function<void(int64_t)>& task) = 0;
};

// Runs everything on the calling thread: tests, tools and the sanitizer builds.
class Serial final : public Parallel {
 public:
  int num_threads() const override { return 1; }
  void run(int64_t num_tasks, const std::function<void(int64_t)>& task) override {
    for (int64_t i = 0; i < num_tasks; ++i) task(i);
  }
};

// Splits [0, count) into blocks of `block` and calls body(begin, end) for each.
template <class Body>
void parallel_blocks(Parallel& parallel, int64_t count, int64_t block, const Body& body) {
  const int64_t num_blocks = (count + block - 1) / block;
  parallel.run(num_blocks, [&](int64_t i) {
    const int64_t begin = i * block;
    body(begin, begin + block < count ? begin + block : count);
  });
}

}  // namespace ts
