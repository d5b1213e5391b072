// Where an operand of wgmma lies in shared memory, in the 64 bits that the instruction reads. Source: PTX ISA 8.4, § 9.7.14.5.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace ts::cuda::ptx {

// Rows of 128 bytes that the copy engine swizzled (16-byte vectors ^ row mod 8), eight rows after each other: the right and
// left operand of multiply_add_group. `address` is that of the first row, a multiple of 1024, plus 32 bytes per 16 elements.
__device__ inline uint64_t describe_rows(uint32_t address) {
  constexpr uint64_t kNextEightRows = 1024 >> 4, kSwizzle128 = 1;
  return (uint64_t(address & 0x3FFFF) >> 4) | (uint64_t(1) << 16) | (kNextEightRows << 32) | (kSwizzle128 << 62);
}

// Descriptor of operand B: swizzled rows of 32 bytes, eight of them a group. With describe_rows, of rows of 128 bytes, it
// serves K-major (rows = columns of B) and, with the transposed flag, MN-major (rows = rows of B) as long as one product needs
// no more than one row's width.
__device__ inline uint64_t describe_short_rows(uint32_t address) {
  constexpr uint64_t kNextEightRows = 256 >> 4, kSwizzle32 = 3;
  return (uint64_t(address & 0x3FFFF) >> 4) | (uint64_t(1) << 16) | (kNextEightRows << 32) | (kSwizzle32 << 62);
}

}  // namespace ts::cuda::ptx
