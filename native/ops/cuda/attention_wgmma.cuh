// What attention needs of Hopper beside hopper.cuh: boxes of four axes, products whose left operand lies in registers.
// Sources: PTX ISA 8.4, §§ 9.7.8.24.8 (cp.async.bulk.tensor), 9.7.14 (wgmma and its descriptors).
#pragma once

#include <type_traits>

#include "ops/cuda/hopper.cuh"
#include "ops/cuda/wgmma_lists.cuh"

namespace ts::cuda {

// A box of the tensor behind `map` to shared memory; its bytes count towards `barrier`. Zeros where the box leaves the tensor.
__device__ inline void load_box(uint32_t to, const void* map, uint32_t barrier, int column, int row, int group, int slot) {
  asm volatile(
      "cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5, %6}], [%2];\n" ::"r"(to), "l"(map),
      "r"(barrier), "r"(column), "r"(row), "r"(group), "r"(slot)
      : "memory");
}

// c (+)= a·b: 64 rows over a warpgroup, 16 deep; a from registers (fragments as attention_tiles.cuh has them), b behind a
// descriptor; c by its number of columns / 8. kTransposed: b is MN-major. E is __nv_bfloat16 or __half.
#define TS_WGMMA(n, types, registers, a_numbers, b_number, adds_number, transposed_number, ...) \
  asm volatile("{\n.reg .pred p;\nsetp.ne.b32 p, " adds_number ", 0;\n" \
               "wgmma.mma_async.sync.aligned.m64n" #n "k16.f32." types " {" registers "}, {" a_numbers "}, " b_number ", p, 1, 1, " transposed_number ";\n}\n" \
               : __VA_ARGS__ : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(int(adds)), "n"(kTransposed))
#define TS_SUM(i) c[(i) / 4][(i) % 4]
#define TS_REGISTERS_32 TS_WGMMA_REGISTERS_0 ", " TS_WGMMA_REGISTERS_16
#define TS_REGISTERS_48 TS_REGISTERS_32 ", " TS_WGMMA_REGISTERS_32
#define TS_WGMMA_16(types) \
  TS_WGMMA(16, types, "%0, %1, %2, %3, %4, %5, %6, %7", "%8, %9, %10, %11", "%12", "%13", "%14", TS_WGMMA_SUMS_8(TS_SUM, 0))
#define TS_WGMMA_64(types) TS_WGMMA(64, types, TS_REGISTERS_32, "%32, %33, %34, %35", "%36", "%37", "%38", TS_WGMMA_SUMS_32(TS_SUM, 0))
#define TS_WGMMA_96(types) \
  TS_WGMMA(96, types, TS_REGISTERS_48, "%48, %49, %50, %51", "%52", "%53", "%54", TS_WGMMA_SUMS_32(TS_SUM, 0), TS_WGMMA_SUMS_16(TS_SUM, 32))
#define TS_WGMMA_112(types) \
  TS_WGMMA(112, types, TS_REGISTERS_48 ", %48, %49, %50, %51, %52, %53, %54, %55", "%56, %57, %58, %59", "%60", "%61", "%62", \
           TS_WGMMA_SUMS_32(TS_SUM, 0), TS_WGMMA_SUMS_16(TS_SUM, 32), TS_WGMMA_SUMS_8(TS_SUM, 48))

template <class E, int kTransposed, int kColumns>
__device__ inline void multiply_group(float (&c)[kColumns][4], const uint32_t (&a)[4], uint64_t b, bool adds) {
  static_assert(kColumns == 2 || kColumns == 8 || kColumns == 12 || kColumns == 14);
  if constexpr (std::is_same_v<E, __half>) {
    if constexpr (kColumns == 2) TS_WGMMA_16("f16.f16");
    else if constexpr (kColumns == 8) TS_WGMMA_64("f16.f16");
    else if constexpr (kColumns == 12) TS_WGMMA_96("f16.f16");
    else TS_WGMMA_112("f16.f16");
  } else {
    if constexpr (kColumns == 2) TS_WGMMA_16("bf16.bf16");
    else if constexpr (kColumns == 8) TS_WGMMA_64("bf16.bf16");
    else if constexpr (kColumns == 12) TS_WGMMA_96("bf16.bf16");
    else TS_WGMMA_112("bf16.bf16");
  }
}

#undef TS_WGMMA
#undef TS_SUM
#undef TS_REGISTERS_32
#undef TS_REGISTERS_48
#undef TS_WGMMA_16
#undef TS_WGMMA_64
#undef TS_WGMMA_96
#undef TS_WGMMA_112

// The compiler must not move reads or writes of an accumulator across the asynchronous product.
template <int kColumns>
__device__ inline void pin(float (&c)[kColumns][4]) {
#pragma unroll
  for (int i = 0; i < kColumns; ++i) asm volatile("" : "+f"(c[i][0]), "+f"(c[i][1]), "+f"(c[i][2]), "+f"(c[i][3])::"memory");
}

}  // namespace ts::cuda
