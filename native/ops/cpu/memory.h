#pragma once

#include <cstdint>

namespace ts::cpu {

// Aligned to Arena::kAlignment; null when there is none left.
void* allocate(int64_t bytes);
void release(void* memory);

}  // namespace ts::cpu
