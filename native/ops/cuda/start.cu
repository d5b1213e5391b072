#include "ops/cuda/start.cuh"

#include <array>
#include <atomic>

#include "ops/cuda/devices.h"

namespace ts::cuda {
namespace {

// Compiled for the same cards as all others.
__global__ void waiting_kernel() { ptx::await_work_before(); }

bool find_out(int device) {
  int major = 0;
  cudaFuncAttributes attributes{};
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "the card's capability");
  check(cudaFuncGetAttributes(&attributes, waiting_kernel), "the code for the card");
  return major >= 9 && attributes.ptxVersion >= 90;
}

}  // namespace

// THINKSOUND_CUDA_EARLY=0: every kernel waits for the one before.
bool starts_early() {
  if (is_switched_off("THINKSOUND_CUDA_EARLY")) return false;
  enum : uint8_t { kUnknown, kNo, kYes };
  static std::array<std::atomic<uint8_t>, kMaxDevices> known{};
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  std::atomic<uint8_t>& answer = known[size_t(device)];
  if (answer == kUnknown) answer = find_out(device) ? kYes : kNo;
  return answer == kYes;
}

}  // namespace ts::cuda
