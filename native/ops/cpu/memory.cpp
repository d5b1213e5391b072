// Host memory for weights and activations, in large pages where it is large: products stream through it.
#include "ops/cpu/memory.h"

#include <cstdlib>

#include "core/arena.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ts::cpu {
namespace {
constexpr int64_t kLargePage = 2 << 20;
}

void* allocate(int64_t bytes) {
  const int64_t alignment = bytes >= kLargePage ? kLargePage : Arena::kAlignment;
  void* memory = std::aligned_alloc(size_t(alignment), size_t((bytes + alignment - 1) / alignment * alignment));
#if defined(__linux__)
  if (memory && bytes >= kLargePage) madvise(memory, size_t(bytes / kLargePage * kLargePage), MADV_HUGEPAGE);  // a wish, not a need
#endif
  return memory;
}

void release(void* memory) { std::free(memory); }

}  // namespace ts::cpu
