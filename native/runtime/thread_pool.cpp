#include "runtime/thread_pool.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#if defined(__linux__)
#include <sched.h>
#endif

namespace ts {
namespace {

constexpr int kSpins = 4000;  // some 20 µs

void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

int num_physical_cores() {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    std::set<std::string> cores;  // each core shows itself by the list of its hardware threads
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (!CPU_ISSET(cpu, &allowed)) continue;
      std::ifstream siblings("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
      std::string list;
      if (!std::getline(siblings, list)) list = std::to_string(cpu);
      cores.insert(list);
    }
    if (!cores.empty()) return int(cores.size());
  }
#endif
  return std::max(1, int(std::thread::hardware_concurrency()));
}

struct ThreadPool::Batch {
  Batch(int64_t num_tasks, const std::function<void(int64_t)>& task) : num_tasks(num_tasks), task(task) {}
  const int64_t num_tasks;
  const std::function<void(int64_t)>& task;  // outlived by run(), which waits for `done`
  std::atomic<int64_t> next{0}, done{0};
  std::mutex mutex;
  std::condition_variable finished;
  std::atomic<bool> failed{false};
  std::exception_ptr failure;
};

ThreadPool::ThreadPool(int num_threads) {
  if (num_threads <= 0) num_threads = num_physical_cores();
  for (int i = 1; i < num_threads; ++i) workers_.emplace_back([this] { work(); });
}

ThreadPool::~ThreadPool() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

// Takes tasks until none is left. After a failure the rest are counted but not run.
void ThreadPool::drain(Batch& batch) {
  for (;;) {
    const int64_t i = batch.next.fetch_add(1, std::memory_order_relaxed);
    if (i >= batch.num_tasks) return;
    try {
      if (!batch.failed.load(std::memory_order_relaxed)) batch.task(i);
    } catch (...) {
      std::lock_guard lock(batch.mutex);
      if (!batch.failed.exchange(true)) batch.failure = std::current_exception();
    }
    if (batch.done.fetch_add(1, std::memory_order_acq_rel) + 1 == batch.num_tasks) {
      std::lock_guard lock(batch.mutex);
      batch.finished.notify_all();
    }
  }
}

void ThreadPool::work() {
  uint64_t seen = 0;
  for (;;) {
    for (int spin = 0; spin < kSpins && generation_.load(std::memory_order_acquire) == seen && !stopping_; ++spin) relax();
    std::shared_ptr<Batch> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stopping_ || !batches_.empty(); });
      if (stopping_) return;
      seen = generation_;
      batch = batches_.front();
      if (batch->next.load(std::memory_order_relaxed) >= batch->num_tasks) {
        batches_.pop_front();
        continue;
      }
    }
    drain(*batch);
  }
}

void ThreadPool::run(int64_t num_tasks, const std::function<void(int64_t)>& task) {
  if (num_tasks <= 0) return;
  if (num_tasks == 1 || workers_.empty()) {
    for (int64_t i = 0; i < num_tasks; ++i) task(i);
    return;
  }
  const auto batch = std::make_shared<Batch>(num_tasks, task);
  {
    std::lock_guard lock(mutex_);
    batches_.push_back(batch);
    generation_.fetch_add(1, std::memory_order_release);
  }
  wake_.notify_all();
  drain(*batch);
  for (int spin = 0; spin < kSpins && batch->done.load(std::memory_order_acquire) < num_tasks; ++spin) relax();
  {
    std::unique_lock lock(batch->mutex);
    batch->finished.wait(lock, [&] { return batch->done.load() == num_tasks; });
  }
  {
    std::lock_guard lock(mutex_);
    std::erase(batches_, batch);
  }
  if (batch->failure) std::rethrow_exception(batch->failure);
}

}  // namespace ts
