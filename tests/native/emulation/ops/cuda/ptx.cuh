// native/ops/cuda/ptx.cuh on the emulated card: the same functions, each with the meaning of its instruction.
#pragma once

#include "emulation/asynchronous.h"
#include "emulation/emulation.h"

namespace ts::cuda::ptx {

inline void await_work_before() {}

inline uint32_t shared_address(const void* pointer) { return emulation::shared_address(pointer); }

inline void copy_async(uint32_t to, const void* from, uint32_t bytes) {
  if (bytes != 0 && bytes != 16) emulation::die("cp.async of a part of 16 bytes");
  emulation::copy_async(to, from, bytes != 0);
}
inline void commit_copies() { emulation::commit_copies(); }
template <int pending>
inline void wait_for_copies() { emulation::wait_for_copies(pending); }

struct MatrixLane {
  uint32_t from;
  uint32_t* to;
};
// Lane l names row l mod 8 of matrix l div 8 and gets elements (l div 4, 2·(l mod 4) … + 1), or their mirrored ones.
template <bool is_transposed>
inline void load_matrices_of_warp(uint32_t (&to)[4], uint32_t from, int line) {
  if (from % 16) emulation::die("ldmatrix from an address that is not a multiple of 16");
  MatrixLane lane{from, to};
  emulation::meet_warp(line, &lane, [](void* const (&lanes)[32]) {
    const auto element = [&](int matrix, int row, int column) {
      uint16_t value;
      std::memcpy(&value, emulation::shared_pointer(static_cast<const MatrixLane*>(lanes[matrix * 8 + row])->from) + column * 2, 2);
      return uint32_t(value);
    };
    for (int l = 0; l < 32; ++l)
      for (int m = 0; m < 4; ++m) {
        const int row = l / 4, column = l % 4 * 2;
        static_cast<const MatrixLane*>(lanes[l])->to[m] = is_transposed ? element(m, column, row) | element(m, column + 1, row) << 16
                                                                         : element(m, row, column) | element(m, row, column + 1) << 16;
      }
  });
}
inline void load_matrices(uint32_t (&to)[4], uint32_t from) { load_matrices_of_warp<false>(to, from, __LINE__); }
inline void load_matrices_transposed(uint32_t (&to)[4], uint32_t from) { load_matrices_of_warp<true>(to, from, __LINE__); }

struct StoringLane {
  uint32_t to;
  const uint32_t* from;
};
template <int count>
inline void store_matrices_of_warp(uint32_t to, const uint32_t* from, int line) {
  if (int(emulation::here.thread.x) % 32 < 8 * count && to % 16) emulation::die("stmatrix to an address that is not a multiple of 16");
  StoringLane lane{to, from};
  emulation::meet_warp(line, &lane, [](void* const (&lanes)[32]) {
    for (int l = 0; l < 32; ++l)
      for (int m = 0; m < count; ++m)
        for (int e = 0; e < 2; ++e) {
          const uint16_t value = uint16_t(static_cast<const StoringLane*>(lanes[l])->from[m] >> 16 * e);
          std::memcpy(emulation::shared_pointer(static_cast<const StoringLane*>(lanes[8 * m + l % 4 * 2 + e])->to) + l / 4 * 2, &value, 2);
        }
  });
}
inline void store_matrices_transposed(uint32_t to, const uint32_t (&from)[4]) { store_matrices_of_warp<4>(to, from, __LINE__); }
inline void store_two_matrices_transposed(uint32_t to, uint32_t first, uint32_t second) {
  const uint32_t both[] = {first, second};
  store_matrices_of_warp<2>(to, both, __LINE__);
}
inline void store_matrix_transposed(uint32_t to, uint32_t from) { store_matrices_of_warp<1>(to, &from, __LINE__); }

struct ProductLane {
  float* c;
  const uint32_t* a;
  uint32_t b[2];
};
template <class E>
void multiply_add(float (&c)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  ProductLane lane{c, a, {b0, b1}};
  emulation::meet_warp(__LINE__, &lane, [](void* const (&lanes)[32]) {
    constexpr int kEach = 4 / int(sizeof(E)), kDepth = 8 * kEach;  // of 32 bits, of all
    const auto part = [](uint32_t word, int k) {
      E value;
      std::memcpy(&value, reinterpret_cast<const std::byte*>(&word) + k % kEach * sizeof value, sizeof value);
      return emulation::widened(value);
    };
    float left[16][kDepth], right[8][kDepth];
    for (int k = 0; k < kDepth; ++k) {
      const int quarter = k / kEach % 4, half = 2 * k / kDepth;
      for (int row = 0; row < 16; ++row) left[row][k] = part(static_cast<const ProductLane*>(lanes[row % 8 * 4 + quarter])->a[row / 8 + half * 2], k);
      for (int column = 0; column < 8; ++column) right[column][k] = part(static_cast<const ProductLane*>(lanes[column * 4 + quarter])->b[half], k);
    }
    for (int l = 0; l < 32; ++l)
      for (int e = 0; e < 4; ++e) {
        double sum = 0;
        for (int k = 0; k < kDepth; ++k) sum += double(left[l / 4 + e / 2 * 8][k]) * right[l % 4 * 2 + e % 2][k];
        float& to = static_cast<const ProductLane*>(lanes[l])->c[e];
        to = float(to + sum);
      }
  });
}

inline float exp2_fast(float x) { return exp2f(x); }
inline float reciprocal_fast(float x) { return 1.0f / x; }
template <class E>
uint32_t pack(float low, float high) {
  if constexpr (std::is_same_v<E, e4m3>) return uint32_t(to_e4m3(low).bits) | uint32_t(to_e4m3(high).bits) << 8;
  const auto bits = [](float value) {
    if constexpr (std::is_same_v<E, __half>) return uint32_t(to_f16_saturated(value).bits);
    else return uint32_t(to_bf16(value).bits);
  };
  return bits(low) | bits(high) << 16;
}

}  // namespace ts::cuda::ptx
