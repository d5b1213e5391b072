// ops/cuda/start.cuh on the emulated card, where every kernel waits for the one before.
#pragma once

#include "emulation/emulation.h"
#include "ops/cuda/launch.h"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda {

struct LaunchSize {
  dim3 blocks, threads;
  size_t shared_bytes = 0;
  unsigned cluster = 1;
};

template <class... Parameters, class... Arguments>
void start(const char* name, void (*kernel)(Parameters...), const LaunchSize& size, cudaStream_t stream, const Arguments&... arguments) {
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {size.cluster, 1, 1};
  cudaLaunchConfig_t config{};
  config.gridDim = size.blocks;
  config.blockDim = size.threads;
  config.dynamicSmemBytes = size.shared_bytes;
  config.stream = stream;
  config.attrs = &cluster;
  config.numAttrs = 1;
  check(emulation::launch(name, [=] { kernel(Parameters(arguments)...); }, config), name);
}

}  // namespace ts::cuda
