// The worker threads of one engine, shared by its sessions.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "core/parallel.h"

namespace ts {

// Processors that this process may use, counting the hardware threads of a core once.
int num_physical_cores();

// run() may be called from several threads at a time: each caller works on its own tasks, and free workers help
// whoever came first. Between runs a worker spins for a few microseconds, because a denoising step is some hundred
// short runs in a row, then sleeps.
class ThreadPool final : public Parallel {
 public:
  // `num_threads` includes the thread that calls run(); 0 = one per physical core.
  explicit ThreadPool(int num_threads = 0);
  ~ThreadPool() override;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const override { return int(workers_.size()) + 1; }
  void run(int64_t num_tasks, const std::function<void(int64_t)>& task) override;

 private:
  struct Batch;
  void work();
  static void drain(Batch& batch);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Batch>> batches_;  // those that still have tasks to hand out
  std::atomic<uint64_t> generation_{0};         // counts batches, so that spinning workers see a new one
  std::atomic<bool> stopping_{false};
};

}  // namespace ts
