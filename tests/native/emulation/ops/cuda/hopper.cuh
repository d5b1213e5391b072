// native/ops/cuda/hopper.cuh on the emulated card.
#pragma once

#include "ops/cuda/descriptors.cuh"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda::ptx {

inline void init_barrier(uint32_t barrier, uint32_t arrivals) { emulation::init_barrier(barrier, arrivals); }
inline void publish_barriers() {}
inline void arrive(uint32_t barrier) { emulation::arrive(barrier, emulation::here.rank, 0); }
inline void arrive_expecting(uint32_t barrier, uint32_t bytes) { emulation::arrive(barrier, emulation::here.rank, bytes); }
inline void wait(uint32_t barrier, uint32_t parity) { emulation::wait_barrier(barrier, parity); }

inline void copy_box_to_all(uint32_t to, const CUtensorMap* map, int32_t column, int32_t row, uint32_t barrier, uint16_t blocks) {
  emulation::copy_box(to, map, {column, row, 0, 0}, barrier, blocks);
}
inline void copy_box(uint32_t to, const CUtensorMap* map, int32_t column, int32_t row, uint32_t barrier) {
  copy_box_to_all(to, map, column, row, barrier, uint16_t(1u << emulation::here.rank));
}

inline uint32_t rank_in_cluster() { return uint32_t(emulation::here.rank); }
inline void sync_cluster() { emulation::sync_cluster(); }
inline void arrive_at(uint32_t barrier, uint32_t block) { emulation::arrive(barrier, int(block), 0); }

inline void prefetch_map(const CUtensorMap*) {}
inline void publish_writes() {}
inline void sync_warps(int barrier, int threads) { emulation::sync_threads(barrier, threads, __LINE__); }

inline void begin_products() {}
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
