#include "core/arena.h"

#include <limits>

namespace ts {
namespace {

// Where planned tensors seem to live: not null, so that a Tensor tests true; aligned; and, with 64-bit pointers, no
// address that a program can own, so that following one by mistake faults at once.
constexpr uintptr_t kPlanningBase = uintptr_t(1) << (sizeof(void*) * 8 - 10);

int64_t padded_bytes(DType dtype, const Shape& shape) {
  constexpr int64_t kLimit = std::numeric_limits<int64_t>::max() / 2;
  int64_t bytes = int64_t(size_of(dtype));
  for (int64_t dim : shape.dims()) {
    if (dim != 0 && bytes > kLimit / dim)
      fail(TS_OUT_OF_MEMORY, "arena: a tensor of shape ", shape.str(), " exceeds any memory");
    bytes *= dim;
  }
  return (bytes + Arena::kAlignment - 1) / Arena::kAlignment * Arena::kAlignment;
}

}  // namespace

Arena::Arena(void* base, int64_t capacity) : base_(static_cast<std::byte*>(base)), capacity_(capacity) {
  require(base != nullptr, "arena: base is null");
  require(reinterpret_cast<uintptr_t>(base) % kAlignment == 0, "arena: base is not aligned to ", kAlignment, " bytes");
  require(capacity >= 0, "arena: capacity is negative");
}

Tensor Arena::allocate(DType dtype, Shape shape) {
  const int64_t bytes = padded_bytes(dtype, shape);
  const int64_t limit = is_planning() ? std::numeric_limits<int64_t>::max() / 2 : capacity_;
  if (bytes > limit - used_)
    fail(TS_OUT_OF_MEMORY, "arena: a tensor of shape ", shape.str(), " (", bytes, " bytes) does not fit beside ", used_,
         " bytes in use of ", limit);
  const uintptr_t base = is_planning() ? kPlanningBase : reinterpret_cast<uintptr_t>(base_);
  Tensor tensor(reinterpret_cast<void*>(base + uintptr_t(used_)), dtype, shape);
  used_ += bytes;
  if (used_ > high_water_) high_water_ = used_;
  return tensor;
}

}  // namespace ts
