// Working memory for tasks: one slot per thread, taken from the arena before the threads start.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <thread>

#include "ops/context.h"

namespace ts::cpu {

class ScratchSlots {
 public:
  ScratchSlots(Context& ctx, int64_t bytes_per_slot)
      : num_slots_(std::min(ctx.parallel().num_threads(), kMaxSlots)), bytes_(round_up(bytes_per_slot)),
        memory_(ctx.arena().allocate(DType::u8, {num_slots_, bytes_})) {}

  // A slot of this thread until the lease ends. There are as many as threads that can be inside.
  class Lease {
   public:
    explicit Lease(ScratchSlots& slots) : slots_(slots), index_(slots.take()) {}
    ~Lease() { slots_.taken_[size_t(index_)].store(false, std::memory_order_release); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    std::byte* data() const { return static_cast<std::byte*>(slots_.memory_.data) + index_ * slots_.bytes_; }

   private:
    ScratchSlots& slots_;
    const int index_;
  };

  static constexpr int64_t round_up(int64_t bytes) { return (bytes + Arena::kAlignment - 1) / Arena::kAlignment * Arena::kAlignment; }

 private:
  static constexpr int kMaxSlots = 256;

  int take() {
    for (int i = 0;; i = (i + 1) % num_slots_) {
      if (!taken_[size_t(i)].exchange(true, std::memory_order_acquire)) return i;
      if (i == num_slots_ - 1) std::this_thread::yield();  // only with more threads than slots
    }
  }

  const int num_slots_;
  const int64_t bytes_;
  const Tensor memory_;
  std::array<std::atomic<bool>, kMaxSlots> taken_{};
};

// Cuts a slot into aligned pieces; the same calls on a null base add up its size.
class Carver {
 public:
  explicit Carver(std::byte* base = nullptr) : base_(base) {}
  template <class T>
  T* take(int64_t count) {
    T* piece = reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(base_) + uintptr_t(used_));
    used_ += ScratchSlots::round_up(count * int64_t(sizeof(T)));
    return piece;
  }
  int64_t used() const { return used_; }

 private:
  std::byte* base_;
  int64_t used_ = 0;
};

}  // namespace ts::cpu
