// What compute capability 9.0a adds: barriers that count bytes, the tensor copy engine, products by four warps at once,
// registers that change hands. Source: PTX ISA 8.4, §§ 9.7.8.24.9, 9.7.12.15, 9.7.14.
#pragma once

#include <cuda.h>

#include "ops/cuda/descriptors.cuh"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda::ptx {

// A barrier in shared memory, complete when `arrivals` have arrived and all expected bytes are there.
__device__ inline void init_barrier(uint32_t barrier, uint32_t arrivals) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(barrier), "r"(arrivals) : "memory");
}
// Makes initialised barriers visible to the copy engine; a barrier of the block must follow.
__device__ inline void publish_barriers() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
__device__ inline void arrive(uint32_t barrier) {
  asm volatile("{ .reg .b64 state; mbarrier.arrive.shared::cta.b64 state, [%0]; }" ::"r"(barrier) : "memory");
}
__device__ inline void arrive_expecting(uint32_t barrier, uint32_t bytes) {
  asm volatile("{ .reg .b64 state; mbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1; }" ::"r"(barrier), "r"(bytes) : "memory");
}
// Waits until the phase of this parity is complete. A wait that never ends is a bug: it stops the kernel with an error
// after some seconds, instead of the card for ever.
__device__ inline void wait(uint32_t barrier, uint32_t parity) {
  constexpr uint32_t kMaxPolls = 1u << 24;
  uint32_t done = 0;
#pragma unroll 1
  for (uint32_t polls = 0; polls < kMaxPolls; ++polls) {
    asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
                 : "=r"(done)
                 : "r"(barrier), "r"(parity)
                 : "memory");
    if (done) return;
  }
  __trap();
}

// A box of a matrix, its corner at (column, row), both counted in elements; what lies outside arrives as zeros.
__device__ inline void copy_box(uint32_t to, const CUtensorMap* map, int32_t column, int32_t row, uint32_t barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(to),
               "l"(map), "r"(barrier), "r"(column), "r"(row)
               : "memory");
}

__device__ inline void prefetch_map(const CUtensorMap* map) { asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory"); }

// Ordinary writes to shared memory before it are seen by the copy engine and the tensor cores after it.
__device__ inline void publish_writes() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }

// Threads of some warps of the block; barrier 0 is __syncthreads'.
__device__ inline void sync_warps(int barrier, int threads) { asm volatile("bar.sync %0, %1;" ::"r"(barrier), "r"(threads) : "memory"); }

// All threads of all blocks of the cluster; what they wrote to shared memory before is seen after.
__device__ inline void sync_cluster() { asm volatile("barrier.cluster.arrive.release;\nbarrier.cluster.wait.acquire;" ::: "memory"); }
// Four numbers of shared memory of the cluster's block `block`, at the place that is `from` here.
__device__ inline void load_four_of(uint32_t from, int block, float (&v)[4]) {
  asm volatile("{ .reg .b32 there; mapa.shared::cluster.u32 there, %4, %5; ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [there]; }"
               : "=f"(v[0]), "=f"(v[1]), "=f"(v[2]), "=f"(v[3])
               : "r"(from), "r"(block)
               : "memory");
}

// Before the first product that reads or writes a register which something else has touched.
__device__ inline void begin_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ inline void commit_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
// All but the last `pending` groups are done.
template <int pending>
__device__ inline void wait_for_products() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
}

// Keeps the compiler from moving reads of products' sums to before the wait for them.
template <int count>
__device__ inline void hold(float (&c)[count]) {
#pragma unroll
  for (int i = 0; i < count; ++i) asm volatile("" : "+f"(c[i])::"memory");
}

template <int registers>
__device__ inline void give_registers() {
  asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(registers));
}
template <int registers>
__device__ inline void take_registers() {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(registers));
}

}  // namespace ts::cuda::ptx
