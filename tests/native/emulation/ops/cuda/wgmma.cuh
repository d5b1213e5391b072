// native/ops/cuda/wgmma.cuh on the emulated card.
#pragma once

#include "ops/cuda/hopper.cuh"

namespace ts::cuda::ptx {

template <class E, int n, bool adds = true>
void multiply_add_group(float (&c)[n / 2], uint64_t a, uint64_t b) {
  emulation::multiply_group({.type = emulation::type_of<E>(), .n = n, .b_is_transposed = false, .adds = adds, .a = a, .b = b}, c, nullptr);
}

}  // namespace ts::cuda::ptx
