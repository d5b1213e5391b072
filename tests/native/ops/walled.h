// The plain operators over memory that only they can reach: the address of a tensor is closed (PROT_NONE) except while
// an operator or a copy runs. So whatever above ops/ follows a device pointer faults on the CPU already, as it would with
// a GPU, and not only where a test has one.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <mutex>

#include "ops/table.h"

namespace ts::test {

// A reserve of addresses handed out in order, and all given back when the last is released.
class WalledMemory {
 public:
  static WalledMemory& instance() {
    static WalledMemory memory;
    return memory;
  }

  void* allocate(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    const int64_t padded = (bytes + Arena::kAlignment - 1) / Arena::kAlignment * Arena::kAlignment;
    if (padded > kReserve - used_) return nullptr;
    void* memory = base_ + used_;
    used_ += padded;
    ++count_;
    return memory;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    if (--count_ > 0) return;
    madvise(base_, size_t(used_), MADV_DONTNEED);
    used_ = 0;
  }

  // Open while any of these lives.
  class Gate {
   public:
    Gate() { instance().open(1); }
    ~Gate() { instance().open(-1); }
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;
  };

 private:
  static constexpr int64_t kReserve = int64_t(8) << 30;

  WalledMemory() : base_(static_cast<std::byte*>(mmap(nullptr, size_t(kReserve), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0))) {
    require(base_ != MAP_FAILED, "walled memory: no addresses");
  }
  void open(int change) {
    const std::lock_guard lock(mutex_);
    open_ += change;
    if (open_ == (change > 0 ? 1 : 0)) mprotect(base_, size_t(kReserve), change > 0 ? PROT_READ | PROT_WRITE : PROT_NONE);
  }

  std::mutex mutex_;
  std::byte* base_;
  int64_t used_ = 0, count_ = 0;
  int open_ = 0;
};

// The entry `member` of the plain table, behind the gate.
template <auto member>
struct Walled;
template <class Result, class... Arguments, Result (*OperatorTable::*member)(Arguments...)>
struct Walled<member> {
  static Result call(Arguments... arguments) {
    const WalledMemory::Gate gate;
    return (plain_table().*member)(arguments...);
  }
};

inline const OperatorTable& walled_table() {
  static const OperatorTable table = [] {
    OperatorTable t = plain_table();
    t.is_host = false;
    t.allocate = [](int64_t bytes) { return WalledMemory::instance().allocate(bytes); };
    t.release = [](void*) { WalledMemory::instance().release(); };
    const auto wall = [&]<auto member>() { t.*member = Walled<member>::call; };
    using T = OperatorTable;
    wall.operator()<&T::copy_to_device>();
    wall.operator()<&T::copy_to_host>();
    wall.operator()<&T::fill>();
    wall.operator()<&T::linear>();
    wall.operator()<&T::gated_linear>();
    wall.operator()<&T::qkv_projection>();
    wall.operator()<&T::layer_norm>();
    wall.operator()<&T::layer_norm_modulate>();
    wall.operator()<&T::rms_norm>();
    wall.operator()<&T::attention>();
    wall.operator()<&T::divided_attention>();
    wall.operator()<&T::add>();
    wall.operator()<&T::multiply_add>();
    wall.operator()<&T::activate>();
    wall.operator()<&T::scale_add>();
    wall.operator()<&T::copy_block>();
    wall.operator()<&T::gather_rows>();
    wall.operator()<&T::embed>();
    wall.operator()<&T::mean_rows>();
    wall.operator()<&T::max_rows>();
    wall.operator()<&T::resample_rows>();
    wall.operator()<&T::transpose>();
    wall.operator()<&T::snake>();
    wall.operator()<&T::snake_conv1d>();
    wall.operator()<&T::snake_conv_transpose1d>();
    wall.operator()<&T::depthwise_conv_norm>();
    wall.operator()<&T::guide>();
    wall.operator()<&T::guided_euler_step>();
    wall.operator()<&T::resize>();
    wall.operator()<&T::normalise>();
    wall.operator()<&T::patchify>();
    return t;
  }();
  return table;
}

}  // namespace ts::test
