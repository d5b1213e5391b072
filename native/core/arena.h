// Activation memory: one block, handed out and given back in stack order.
//
// A forward pass runs twice through the same code. First on a planning arena, which hands out addresses that
// nobody follows (not null, and consistent under slice) and remembers the highest mark; then on a real arena of
// exactly that size. So the size of a
// generation is known before it starts, and nothing is allocated while it runs.
#pragma once

#include <cstdint>
#include <memory>

#include "core/tensor.h"

namespace ts {

class Arena {
 public:
  static constexpr int64_t kAlignment = 64;

  // Counts only.
  static Arena planning() { return Arena(); }
  // Uses `capacity` bytes at `base`, aligned to kAlignment, which outlive the arena.
  Arena(void* base, int64_t capacity);

  bool is_planning() const { return base_ == nullptr; }
  int64_t high_water() const { return high_water_; }
  int64_t used() const { return used_; }

  // Uninitialised. TS_OUT_OF_MEMORY when a real arena is full, which means the plan was wrong.
  Tensor allocate(DType dtype, Shape shape);
  template <class T>
  Tensor allocate(Shape shape) { return allocate(dtype_of<T>(), shape); }

  // Everything allocated during a scope's life is released at its end.
  class Scope {
   public:
    explicit Scope(Arena& arena) : arena_(arena), mark_(arena.used_) {}
    ~Scope() {
      if (!arena_.is_held_) arena_.used_ = mark_;
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Arena& arena_;
    int64_t mark_;
  };

  // Scopes that end during its life release nothing: the one around it does. For work that is done side by side.
  class Hold {
   public:
    explicit Hold(Arena& arena) : arena_(arena), was_held_(arena.is_held_) { arena_.is_held_ = true; }
    ~Hold() { arena_.is_held_ = was_held_; }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    Arena& arena_;
    bool was_held_;
  };

 private:
  Arena() = default;
  std::byte* base_ = nullptr;
  int64_t capacity_ = 0, used_ = 0, high_water_ = 0;
  bool is_held_ = false;
};

}  // namespace ts
