// What the card does while its threads go on: copies into shared memory, products of tensor cores.
#pragma once

#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/dtype.h"

namespace ts::emulation {

// Forgets everything outstanding; a cluster of that many blocks of that many threads begins.
void reset_asynchronous(int cluster, int threads);

// cp.async: 16 bytes, or zeros.
void copy_async(uint32_t to, const void* from, bool reads);
void commit_copies();
void wait_for_copies(int pending);

// mbarriers, 8 bytes of shared memory each.
void init_barrier(uint32_t barrier, uint32_t arrivals);
void arrive(uint32_t barrier, uint32_t expected_bytes);
void wait_barrier(uint32_t barrier, uint32_t parity);

// A tensor map as the emulation keeps it in the 128 bytes of a CUtensorMap.
struct TensorMap {
  const std::byte* data;
  uint64_t sizes[4], strides[4];  // strides in bytes
  uint32_t box[4], rank, swizzle_bytes;
};
static_assert(sizeof(TensorMap) <= sizeof(CUtensorMap));
void copy_box(uint32_t to, const void* map, const int32_t (&corner)[4], uint32_t barrier);
// Does the oldest copy that was put off; false if there is none.
bool complete_late_copy();

// What 16 bits of an operand mean.
inline float widened(uint16_t bits, DType type) { return type == DType::f16 ? to_float(f16{bits}) : to_float(bf16{bits}); }
template <class E>
constexpr DType type_of() { return std::is_same_v<E, e4m3> ? DType::e4m3 : std::is_same_v<E, __half> ? DType::f16 : DType::bf16; }
template <class E>
float widened(E value) {
  if constexpr (std::is_same_v<E, e4m3>) return to_float(value);
  else return widened(std::bit_cast<uint16_t>(value), type_of<E>());
}

// wgmma: c (+)= a·b over a group of four warps, [64, 16]·[16, n], of e4m3 [64, 32]·[32, n]. A comes from registers if they are given, else from behind
// its descriptor.
struct GroupProduct {
  DType type;  // bf16, f16 or e4m3
  int n;
  bool b_is_transposed, adds;
  uint64_t a, b;
};
void multiply_group(const GroupProduct& product, float* c, const uint32_t* a_registers);
void commit_products();
void wait_for_products(int pending);

}  // namespace ts::emulation
