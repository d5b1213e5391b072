// Device memory and the way in and out. Weights and one arena per session are all that is ever allocated, so plain
// cudaMalloc will do: it is slow, and called a few hundred times in the life of an engine.
#include "ops/cuda/beside.h"
#include "ops/cuda/launch.h"

namespace ts::cuda {
namespace {

constexpr int64_t kMostPitch = (int64_t(1) << 31) - 1;  // of a copy of rows

void use(int index) { check(cudaSetDevice(index), "cudaSetDevice"); }

// Copies from pageable memory have left it when the call returns; from pinned memory they have only been asked for.
bool is_pinned(const void* host) {
  cudaPointerAttributes attributes{};
  if (cudaPointerGetAttributes(&attributes, host) == cudaSuccess) return attributes.type != cudaMemoryTypeUnregistered;
  cudaGetLastError();
  return true;
}

// The same bytes in the same order as longer rows, and as fewer frames, where that can be.
HostRows merged(HostRows rows) {
  if (rows.num_rows == 1 || rows.row_step == rows.row_bytes)  // frames without gaps are rows
    rows = {rows.first, rows.row_bytes * rows.num_rows, rows.num_frames, rows.frame_step};
  else if (rows.num_frames > 1 && rows.frame_step == rows.num_rows * rows.row_step)
    rows = {rows.first, rows.row_bytes, rows.num_rows * rows.num_frames, rows.row_step};
  if (rows.num_frames == 1 && (rows.num_rows == 1 || rows.row_step == rows.row_bytes))
    rows = {rows.first, rows.row_bytes * rows.num_rows, 1, 0};
  return rows;
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
  Serial serial;
  if (copy_through_line(device, {static_cast<const std::byte*>(host), bytes, 1, bytes}, serial)) return;
  check(cudaMemcpyAsync(device, host, size_t(bytes), cudaMemcpyHostToDevice, current_stream(index)), "copy to the device");
  if (is_pinned(host)) finish(index);
}

void copy_rows_to_device(int index, void* device, HostRows rows, Parallel& parallel) {
  use(index);
  rows = merged(rows);
  if (copy_through_line(device, rows, parallel)) return;
  const int64_t frame_bytes = rows.row_bytes * rows.num_rows;
  for (int64_t i = 0; i < rows.num_frames; ++i) {
    auto* to = static_cast<std::byte*>(device) + i * frame_bytes;
    const std::byte* from = rows.first + i * rows.frame_step;
    if (rows.num_rows == 1) {
      copy_to_device(index, to, from, frame_bytes);
    } else if (rows.row_step > kMostPitch) {
      for (int64_t row = 0; row < rows.num_rows; ++row) copy_to_device(index, to + row * rows.row_bytes, from + row * rows.row_step, rows.row_bytes);
    } else {
      check(cudaMemcpy2DAsync(to, size_t(rows.row_bytes), from, size_t(rows.row_step), size_t(rows.row_bytes), size_t(rows.num_rows),
                              cudaMemcpyHostToDevice, current_stream(index)), "copy to the device");
      if (is_pinned(from)) finish(index);
    }
  }
}

void copy_to_host(int index, void* host, const void* device, int64_t bytes) {
  use(index);
  check(cudaMemcpyAsync(host, device, size_t(bytes), cudaMemcpyDeviceToHost, current_stream(index)), "copy to the host");
  finish(index);
}

void finish(int index) {
  use(index);
  check(cudaStreamSynchronize(current_stream(index)), "the work before");
}

}  // namespace ts::cuda
