// native/ops/cuda/attention_wgmma.cuh on the emulated card.
#pragma once

#include "ops/cuda/hopper.cuh"

namespace ts::cuda {

inline void load_box(uint32_t to, const void* map, uint32_t barrier, int column, int row, int group, int slot) {
  emulation::copy_box(to, map, {column, row, group, slot}, barrier);
}

template <class E, int kTransposed, int kColumns>
void multiply_group(float (&c)[kColumns][4], const uint32_t (&a)[4], uint64_t b, bool adds) {
  emulation::multiply_group({.type = emulation::type_of<E>(), .n = kColumns * 8, .b_is_transposed = kTransposed != 0, .adds = adds, .a = 0, .b = b}, c[0], a);
}

template <int kColumns>
void pin(float (&)[kColumns][4]) {}

}  // namespace ts::cuda
