// native/ops/cuda/hopper.cuh on the emulated card.
#pragma once

#include "ops/cuda/descriptors.cuh"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda::ptx {

inline void init_barrier(uint32_t barrier, uint32_t arrivals) { emulation::init_barrier(barrier, arrivals); }
inline void publish_barriers() {}
inline void arrive(uint32_t barrier) { emulation::arrive(barrier, 0); }
inline void arrive_expecting(uint32_t barrier, uint32_t bytes) { emulation::arrive(barrier, bytes); }
inline void wait(uint32_t barrier, uint32_t parity) { emulation::wait_barrier(barrier, parity); }

inline void copy_box(uint32_t to, const CUtensorMap* map, int32_t column, int32_t row, uint32_t barrier) {
  emulation::copy_box(to, map, {column, row, 0, 0}, barrier);
}

inline void sync_cluster() { emulation::sync_cluster(); }
inline void load_four_of(uint32_t from, int block, float (&v)[4]) { std::memcpy(v, emulation::shared_pointer(from, block), sizeof v); }

inline void prefetch_map(const CUtensorMap*) {}
inline void publish_writes() {}
inline void sync_warps(int barrier, int threads) { emulation::sync_threads(barrier, threads, __LINE__); }

inline void begin_products() { __syncwarp(); }  // as all of wgmma, whole warps come to it
inline void commit_products() { emulation::commit_products(); }
template <int pending>
inline void wait_for_products() { emulation::wait_for_products(pending); }
template <int count>
inline void hold(float (&)[count]) {}

template <int registers>
inline void give_registers() {}
template <int registers>
inline void take_registers() {}

}  // namespace ts::cuda::ptx
