// The instructions that C++ has no word for: asynchronous copies into shared memory, fragments, tensor-core products.
// Compute capability 8.0 and later, for e4m3 8.9. Source: PTX ISA 8.4, §§ 9.7.8.24, 9.7.13.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "core/dtype.h"

namespace ts::cuda::ptx {

// Until the kernels before this one are done and what they wrote is seen; from then on those after it may be placed. Every
// thread of a kernel that start.cuh starts calls it before it reads what others write, and before it writes.
__device__ inline void await_work_before() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;\ngriddepcontrol.launch_dependents;" ::: "memory");
#endif
}

__device__ inline uint32_t shared_address(const void* pointer) { return uint32_t(__cvta_generic_to_shared(pointer)); }

// 16 bytes, of which the first `bytes` (0 or 16) are read and the rest become zeros.
__device__ inline void copy_async(uint32_t to, const void* from, uint32_t bytes) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(bytes) : "memory");
}
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// All but the last `pending` groups have arrived.
template <int pending>
__device__ inline void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

// Four 8 × 8 matrices of 16-bit elements; lane l gives the address of row l mod 8 of matrix l div 8 and gets elements
// (l div 4, 2·(l mod 4) … + 1) of each.
__device__ inline void load_matrices(uint32_t (&to)[4], uint32_t from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(from)
               : "memory");
}

// The same of the matrices' transposes.
__device__ inline void load_matrices_transposed(uint32_t (&to)[4], uint32_t from) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(from)
               : "memory");
}

// Back to shared memory, each matrix transposed: elements (l div 4, 2·(l mod 4) … + 1) of lane l become column l div 4 of the
// rows that the lanes address. Compute capability 9.0.
__device__ inline void store_matrices_transposed(uint32_t to, const uint32_t (&from)[4]) {
  asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" ::"r"(to), "r"(from[0]), "r"(from[1]), "r"(from[2]), "r"(from[3])
               : "memory");
}
__device__ inline void store_two_matrices_transposed(uint32_t to, uint32_t first, uint32_t second) {
  asm volatile("stmatrix.sync.aligned.m8n8.x2.trans.shared.b16 [%0], {%1, %2};" ::"r"(to), "r"(first), "r"(second) : "memory");
}
__device__ inline void store_matrix_transposed(uint32_t to, uint32_t from) {
  asm volatile("stmatrix.sync.aligned.m8n8.x1.trans.shared.b16 [%0], {%1};" ::"r"(to), "r"(from) : "memory");
}

// c [16, 8] += a [16, 16] · b [8, 16]ᵀ, f32 sums; E is __nv_bfloat16 or __half.
template <class E>
__device__ void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1);
template <>
__device__ inline void multiply_add<__nv_bfloat16>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <>
__device__ inline void multiply_add<__half>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
// Four e4m3 as pairs of f16, which hold them exactly: the first two and the last two.
__device__ inline void widen(uint32_t four, uint32_t& first, uint32_t& last) {
  asm("{.reg .b16 low, high;\n"
      " mov.b32 {low, high}, %2;\n"
      " cvt.rn.f16x2.e4m3x2 %0, low;\n"
      " cvt.rn.f16x2.e4m3x2 %1, high;}"
      : "=r"(first), "=r"(last)
      : "r"(four));
}
// c [16, 8] += a [16, 32] · b [8, 32]ᵀ. Hopper has it for groups of four warps alone, and what ptxas 12.4 puts in its place there forgets c
// where the sums leave in the registers they came in: so they leave in others, and for Hopper the two products of f16 are written
// out, half of every register's elements each, which needs fewer registers and additions.
template <>
__device__ inline void multiply_add<e4m3>(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 900
  uint32_t first[4], last[4], b_first[2], b_last[2];
#pragma unroll
  for (int i = 0; i < 4; ++i) widen(a[i], first[i], last[i]);
  widen(b0, b_first[0], b_last[0]);
  widen(b1, b_first[1], b_last[1]);
  multiply_add<__half>(c, first, b_first[0], b_first[1]);
  multiply_add<__half>(c, last, b_last[0], b_last[1]);
#else
  float d[4];
  asm volatile("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %11, %12, %13};"
               : "=&f"(d[0]), "=&f"(d[1]), "=&f"(d[2]), "=&f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
#pragma unroll
  for (int i = 0; i < 4; ++i) c[i] = d[i];
#endif
}

__device__ inline float exp2_fast(float x) {  // 2 ulp; −∞ gives 0
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}
__device__ inline float reciprocal_fast(float x) {  // 1 ulp; ∞ gives 0
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}
// Two numbers rounded to bf16, or to f16 and kept within what it holds.
template <class E>
__device__ uint32_t pack(float low, float high);
template <>
__device__ inline uint32_t pack<__nv_bfloat16>(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;\n" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
template <>
__device__ inline uint32_t pack<__half>(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.satfinite.f16x2.f32 %0, %1, %2;\n" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
// Of two numbers kept within ±448, 16 bits.
template <>
__device__ inline uint32_t pack<e4m3>(float low, float high) {
  uint16_t pair;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;\n" : "=h"(pair) : "f"(high), "f"(low));
  return pair;
}

}  // namespace ts::cuda::ptx
