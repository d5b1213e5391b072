// A stand-in for a GPU on which the kernels of native/ops/cuda run without one: clusters of blocks one after the other, the threads of
// each as fibers of one host thread, shared memory with addresses of its own, and the meaning that the PTX manual gives
// to every instruction the kernels use. README.md says what that proves and what it does not.
//
// Included ahead of every rewritten .cu file (rewrite.cmake).
#pragma once

#include <cuda.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#undef __global__
#undef __device__
#undef __shared__
#undef __launch_bounds__
#undef __grid_constant__
#undef __forceinline__
#define __global__
#define __device__
#define __shared__ static
#define __launch_bounds__(...)
#define __grid_constant__
#define __forceinline__ inline
#define __CUDA_ARCH_FEAT_SM90_ALL 1  // the code for Hopper is compiled too

namespace ts::emulation {

// The thread that runs.
struct Here {
  uint3 thread, block;
  dim3 block_dim, grid_dim;
  int index, rank;  // in its block; of the block in its cluster
};
extern Here here;

// Ends the program with what a kernel did wrong, and where.
[[noreturn]] void die(const char* what);

// Kernel launches: `body` is the call that every thread makes.
void launch(const char* kernel, std::function<void()> body, dim3 grid, dim3 block, size_t shared_bytes = 0, cudaStream_t stream = nullptr,
            int cluster = 1);

// Dynamic shared memory of the block, declared with this alignment.
void* dynamic_shared(int alignment);
// Shared memory as the instructions see it, in 32 bits; of the running thread's block, or of another of its cluster.
uint32_t shared_address(const void* pointer);
std::byte* shared_pointer(uint32_t address, int rank = -1);

// Waits until `condition` holds; `what` is said of a wait that never ends.
class Condition {
 public:
  virtual bool holds() const = 0;
  virtual const char* what() const = 0;

 protected:
  ~Condition() = default;
};
void wait_for(const Condition& condition);

// Barrier `id` of the block for `count` threads (negative = all); lanes of a warp must come from the same `line`.
void sync_threads(int id, int count, int line);
void sync_cluster();

// All lanes of the warp meet at `line`; the last to come does `work` for all, with what each lane brought.
using WarpWork = void (*)(void* const (&lanes)[32]);
void meet_warp(int line, void* brought, WarpWork work);

// Of the launch: asynchronous work is done when it is asked for, or not before somebody waits for it. Both are right.
bool is_late();

float shuffle_xor(float value, int mask, int line);

}  // namespace ts::emulation

inline const uint3 &threadIdx = ts::emulation::here.thread, &blockIdx = ts::emulation::here.block;
inline const dim3 &blockDim = ts::emulation::here.block_dim, &gridDim = ts::emulation::here.grid_dim;

#define __syncthreads() ::ts::emulation::sync_threads(0, -1, __LINE__)
#define __syncwarp() ::ts::emulation::meet_warp(__LINE__, nullptr, [](void* const (&)[32]) {})
#define __shfl_xor_sync(mask, value, lanes) ::ts::emulation::shuffle_xor(value, lanes, __LINE__)
#define __trap() ::ts::emulation::die("trap")
#define __sinf sinf
#define __expf expf
#define __fdividef(a, b) ((a) / (b))

inline float __uint_as_float(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline int min(int a, int b) { return b < a ? b : a; }

template <class T>
cudaError_t cudaFuncSetAttribute(T* kernel, cudaFuncAttribute attribute, int value) {
  return ::cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
template <class T>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, T* kernel) {
  return ::cudaFuncGetAttributes(attributes, reinterpret_cast<const void*>(kernel));
}
