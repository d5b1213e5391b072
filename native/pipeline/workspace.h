// Where forward passes run: plans their memory, takes it once, and keeps it for the next.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "ops/memory.h"
#include "ops/replay.h"

namespace ts {

// Bytes that one engine and all its sessions may use together. Any thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t cap_bytes = 0) : cap_(cap_bytes) {}
  // Throws TS_OUT_OF_MEMORY, with what is used and what was asked for, when the cap would be passed.
  void take(uint64_t bytes, const char* what);
  void give(uint64_t bytes) { used_ -= bytes; }
  bool has_room(uint64_t bytes) const { return cap_ == 0 || (bytes <= cap_ && used_ <= cap_ - bytes); }
  uint64_t used() const { return used_; }

 private:
  const uint64_t cap_;  // 0 = none
  std::atomic<uint64_t> used_{0};
};

// One forward at a time.
class Workspace {
 public:
  Workspace(const OperatorTable& table, Parallel& parallel, DType product_dtype, MemoryBudget& budget)
      : table_(table), parallel_(parallel), product_dtype_(product_dtype), budget_(budget), replays_(table) {}
  ~Workspace() { budget_.give(uint64_t(capacity_)); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  // Calls body(Context&) twice: to plan, then to compute. What the body reads and writes on the host must not depend
  // on the first call having computed anything.
  template <class Body>
  void run(Body&& body) {
    reserve(plan(body));
    Arena arena(block_.tensor().data, capacity_);
    Context ctx(table_, arena, parallel_, product_dtype_);
    ctx.set_cancel(&cancelled_);
    ctx.set_probe(&probe_);
    try {
      body(ctx);
    } catch (...) {
      finish(table_);  // the next run may be another thread's, and takes the same memory
      throw;
    }
    finish(table_);
  }

  // Whether an arena of so many bytes could be had, for which the present one would go.
  bool could_reserve(int64_t bytes) const;
  // Bytes of arena that run() would need.
  template <class Body>
  int64_t plan(Body&& body) const {
    Arena arena = Arena::planning();
    Context ctx(table_, arena, parallel_, product_dtype_);
    ctx.set_probe(&probe_);
    body(ctx);
    return arena.high_water();
  }

  const OperatorTable& table() const { return table_; }
  Parallel& parallel() const { return parallel_; }
  int64_t capacity() const { return capacity_; }
  // Of what runs in this memory, for run()'s body: kept for runs that lay it out in the same way.
  Replays& replays() { return replays_; }
  void set_probe(Probe probe) { probe_ = std::move(probe); }
  bool has_probe() const { return bool(probe_); }

  // Any thread.
  void cancel() { cancelled_ = true; }
  void clear_cancel() { cancelled_ = false; }
  bool is_cancelled() const { return cancelled_; }
  // As Context::check_cancelled(), for work on the host.
  void check_cancelled() const {
    if (cancelled_) fail(TS_CANCELLED, "cancelled");
  }

 private:
  void reserve(int64_t bytes);

  const OperatorTable& table_;
  Parallel& parallel_;
  const DType product_dtype_;
  MemoryBudget& budget_;
  Buffer block_;
  Replays replays_;  // of bodies that work on block_
  int64_t capacity_ = 0;
  std::atomic<bool> cancelled_{false};
  Probe probe_;
};

}  // namespace ts
