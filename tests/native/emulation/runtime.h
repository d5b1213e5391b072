// Between the CUDA runtime of the emulated card and the card.
#pragma once

#include <cuda_runtime.h>

#include <functional>

namespace ts::emulation {

// A launch that was found in order; at once.
void run(const char* kernel, const std::function<void()>& body, dim3 grid, dim3 block, size_t shared_bytes, int cluster);

}  // namespace ts::emulation
