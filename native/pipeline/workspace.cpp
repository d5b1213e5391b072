#include "pipeline/workspace.h"

#include "ops/table.h"

namespace ts {

void MemoryBudget::take(uint64_t bytes, const char* what) {
  const uint64_t before = used_.fetch_add(bytes);
  if (cap_ == 0 || before + bytes <= cap_) return;
  used_ -= bytes;
  fail(TS_OUT_OF_MEMORY, what, " needs ", bytes / 1e6, " MB, ", before / 1e6, " MB are in use and the cap is ", cap_ / 1e6,
       " MB; raise the memory cap, make a shorter sound or load fewer components");
}

bool Workspace::could_reserve(int64_t bytes) const {
  if (bytes <= capacity_) return true;
  if (!budget_.has_room(uint64_t(bytes - capacity_))) return false;
  void* memory = table_.allocate(bytes);
  if (memory) table_.release(memory);
  return memory != nullptr;
}

void Workspace::reserve(int64_t bytes) {
  if (bytes <= capacity_) return;
  // The old block goes first: the two together could pass the cap, and nothing of it is needed.
  replays_.clear();
  block_ = Buffer();
  budget_.give(uint64_t(capacity_));
  capacity_ = 0;
  budget_.take(uint64_t(bytes), "activation memory");
  try {
    block_ = allocate_buffer(table_, DType::u8, {bytes});
  } catch (...) {
    budget_.give(uint64_t(bytes));
    throw;
  }
  capacity_ = bytes;
}

}  // namespace ts
