// Device memory and the way in and out. Weights and one arena per session are all that is ever allocated, so plain
// cudaMalloc will do: it is slow, and called a few hundred times in the life of an engine.
#include "ops/cuda/devices.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {
namespace {

void use(int index) { check(cudaSetDevice(index), "cudaSetDevice"); }

// Copies from pageable memory have left it when the call returns; from pinned memory they have only been asked for.
bool is_pinned(const void* host) {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, host) == cudaSuccess) return attributes.type != cudaMemoryTypeUnregistered;
  cudaGetLastError();
  return true;
}

}  // namespace

void* allocate(int index, int64_t bytes) {
  use(index);
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, size_t(bytes));
  if (error == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(error, "cudaMalloc");
  return memory;
}

// Waits for all work of the device, so nothing still reads what goes. Called while things are destroyed, perhaps after
// the device has failed: there is nobody to tell.
void release(int index, void* memory) {
  if (cudaSetDevice(index) == cudaSuccess) cudaFree(memory);
  cudaGetLastError();
}

void copy_to_device(int index, void* device, const void* host, int64_t bytes) {
  use(index);
  check(cudaMemcpyAsync(device, host, size_t(bytes), cudaMemcpyHostToDevice, cudaStreamPerThread), "copy to the device");
  if (is_pinned(host)) finish(index);
}

void copy_rows_to_device(int index, void* device, const void* host, int64_t step, int64_t row_bytes, int64_t num_rows) {
  if (step == row_bytes) return copy_to_device(index, device, host, row_bytes * num_rows);
  use(index);
  check(cudaMemcpy2DAsync(device, size_t(row_bytes), host, size_t(step), size_t(row_bytes), size_t(num_rows), cudaMemcpyHostToDevice,
                          cudaStreamPerThread), "copy to the device");
  if (is_pinned(host)) finish(index);
}

void copy_to_host(int index, void* host, const void* device, int64_t bytes) {
  use(index);
  check(cudaMemcpyAsync(host, device, size_t(bytes), cudaMemcpyDeviceToHost, cudaStreamPerThread), "copy to the host");
  finish(index);
}

void finish(int index) {
  use(index);
  check(cudaStreamSynchronize(cudaStreamPerThread), "the work before");
}

}  // namespace ts::cuda
