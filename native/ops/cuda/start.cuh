// Starts kernels that begin with ptx::await_work_before(): where the card can (compute capability 9.0), their blocks are placed
// while the kernel before them in the stream still runs, and get ready for its end.
#pragma once

#include "ops/cuda/launch.h"
#include "ops/cuda/ptx.cuh"

namespace ts::cuda {

template <class... Parameters, class... Arguments>
void start(const char* name, void (*kernel)(Parameters...), const LaunchSize& size, cudaStream_t stream, const Arguments&... arguments) {
  cudaLaunchAttribute attributes[2]{};
  unsigned count = 0;
  if (starts_early()) {
    cudaLaunchAttribute& early = attributes[count++];
    early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    early.val.programmaticStreamSerializationAllowed = 1;
  }
  if (size.cluster > 1) {
    cudaLaunchAttribute& together = attributes[count++];
    together.id = cudaLaunchAttributeClusterDimension;
    together.val.clusterDim.x = size.cluster;
    together.val.clusterDim.y = together.val.clusterDim.z = 1;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = size.blocks;
  config.blockDim = size.threads;
  config.dynamicSmemBytes = size.shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  config.numAttrs = count;
  check(cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...), name);
}

}  // namespace ts::cuda
