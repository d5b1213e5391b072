// Whether memory may be read and written 16 bytes at a time.
#pragma once

#include <cstdint>

namespace ts::cuda {

inline bool is_aligned(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer) % 16 == 0; }

}  // namespace ts::cuda
