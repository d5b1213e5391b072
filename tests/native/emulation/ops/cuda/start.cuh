// ops/cuda/start.cuh on the emulated card, where every kernel waits for the one before.
#pragma once

#include <algorithm>

#include "emulation/emulation.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda {

template <class... Parameters, class... Arguments>
void start(const char* name, void (*kernel)(Parameters...), const LaunchSize& size, cudaStream_t stream, const Arguments&... arguments) {
  emulation::launch(name, [=] { kernel(Parameters(arguments)...); }, size.blocks, size.threads, size.shared_bytes, stream, int(size.cluster));
  check_launch(name);
}

// As of a Hopper whose groups are of 16 multiprocessors, or that is a smaller one.
template <class... Parameters>
int clusters_at_once(const char* name, void (*)(Parameters...), const LaunchSize& size) {
  constexpr size_t kSharedBytes = 228 << 10, kSystemBytes = 1 << 10;  // of a multiprocessor; of them, taken by every block
  int multiprocessors = 0;
  check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0), name);
  const int group = std::min(multiprocessors, 16), blocks = int(kSharedBytes / (size.shared_bytes + kSystemBytes));
  return multiprocessors / group * (group * blocks / int(size.cluster));
}

}  // namespace ts::cuda
