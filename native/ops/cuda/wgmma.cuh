// c [64, n] += a [64, 16] · b [n, 16]ᵀ by four warps, bf16 or f16 in, f32 sums, both operands in shared memory (wgmma, sm_90a); or
// 32 of e4m3 instead of 16, which are not added to what c held where `adds` is false.
// Thread t of the 128 has c[4·j + 2·h + e] = element (16·(t div 32) + t mod 32 div 4 + 8·h, 8·j + 2·(t mod 4) + e).
// Source: PTX ISA 8.4, § 9.7.14.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <type_traits>

#include "core/dtype.h"
#include "ops/cuda/wgmma_lists.cuh"

namespace ts::cuda::ptx {

// `types` are those of the instruction with what stands before them, `flags` follow the descriptors.
#define TS_WGMMA(n, types, flags, registers, a_number, b_number, ...) \
  asm volatile("wgmma.mma_async.sync.aligned.m64n" #n types " {" registers "}, " a_number ", " b_number ", " flags ";" \
               : __VA_ARGS__ : "l"(a), "l"(b))
#define TS_SUM(i) c[i]
#define TS_REGISTERS_64 TS_WGMMA_REGISTERS_0 ", " TS_WGMMA_REGISTERS_16 ", " TS_WGMMA_REGISTERS_32 ", " TS_WGMMA_REGISTERS_48
#define TS_WGMMA_64(types, flags) TS_WGMMA(64, types, flags, TS_WGMMA_REGISTERS_0 ", " TS_WGMMA_REGISTERS_16, "%32", "%33", TS_WGMMA_SUMS_32(TS_SUM, 0))
#define TS_WGMMA_136(types, flags) \
  TS_WGMMA(136, types, flags, TS_REGISTERS_64 ", %64, %65, %66, %67", "%68", "%69", TS_WGMMA_SUMS_64(TS_SUM, 0), "+f"(c[64]), "+f"(c[65]), "+f"(c[66]), "+f"(c[67]))
#define TS_WGMMA_128(types, flags) TS_WGMMA(128, types, flags, TS_REGISTERS_64, "%64", "%65", TS_WGMMA_SUMS_64(TS_SUM, 0))

#define TS_WGMMA_OF(n, ...) TS_WGMMA_##n(__VA_ARGS__)
// Accumulates or not, keeps the signs of a and b, and, of 16 bits alone, transposes neither.
#define TS_F16 "k16.f32.f16.f16", "1, 1, 1, 0, 0"
#define TS_BF16 "k16.f32.bf16.bf16", "1, 1, 1, 0, 0"
#define TS_E4M3 "k32.f32.e4m3.e4m3", "1, 1, 1"
#define TS_FIRST_E4M3 "k32.f32.e4m3.e4m3", "0, 1, 1"

template <class E, int n, bool adds = true>
__device__ inline void multiply_add_group(float (&c)[n / 2], uint64_t a, uint64_t b) {
  constexpr bool is_e4m3 = std::is_same_v<E, e4m3>;
  static_assert(n == 64 || n == 136 || (n == 128 && !is_e4m3));
  static_assert(adds || is_e4m3);
  if constexpr (is_e4m3 && !adds) {
    if constexpr (n == 64) TS_WGMMA_OF(64, TS_FIRST_E4M3);
    else TS_WGMMA_OF(136, TS_FIRST_E4M3);
  } else if constexpr (is_e4m3) {
    if constexpr (n == 64) TS_WGMMA_OF(64, TS_E4M3);
    else TS_WGMMA_OF(136, TS_E4M3);
  } else if constexpr (std::is_same_v<E, __half>) {
    if constexpr (n == 64) TS_WGMMA_OF(64, TS_F16);
    else if constexpr (n == 136) TS_WGMMA_OF(136, TS_F16);
    else TS_WGMMA_OF(128, TS_F16);
  } else {
    if constexpr (n == 64) TS_WGMMA_OF(64, TS_BF16);
    else if constexpr (n == 136) TS_WGMMA_OF(136, TS_BF16);
    else TS_WGMMA_OF(128, TS_BF16);
  }
}

#undef TS_WGMMA
#undef TS_SUM
#undef TS_REGISTERS_64
#undef TS_WGMMA_64
#undef TS_WGMMA_136
#undef TS_WGMMA_128
#undef TS_WGMMA_OF
#undef TS_F16
#undef TS_BF16
#undef TS_E4M3
#undef TS_FIRST_E4M3

}  // namespace ts::cuda::ptx
