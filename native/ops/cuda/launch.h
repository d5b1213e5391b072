// What every launcher needs: the stream of the context's device, and the answer to "did it start?".
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "ops/context.h"

namespace ts::cuda {

// The stream on which `ctx`'s device works for the calling thread, its own or that of a branch, with that device made current.
cudaStream_t stream(Context& ctx);

// TS_DEVICE_ERROR (TS_OUT_OF_MEMORY for want of memory) with `what`, the device and CUDA's own words unless `error` is success.
void check(cudaError_t error, const char* what);

// Whether the environment has `variable` at 0, as one does to look for faults.
bool is_switched_off(const char* variable);

// Whether kernels may be started early on the current device (start.cuh): not where only code for other cards was loaded, which
// does not wait.
bool starts_early();

// After every launch: finds wrong grids, missing code for the card, and what went wrong before.
inline void check_launch(const char* kernel) { check(cudaGetLastError(), kernel); }

// Of a kernel (start.cuh).
struct LaunchSize {
  dim3 blocks, threads;
  size_t shared_bytes = 0;
  unsigned cluster = 1;  // blocks that run together, neighbours in x: compute capability 9.0
};

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace ts::cuda
